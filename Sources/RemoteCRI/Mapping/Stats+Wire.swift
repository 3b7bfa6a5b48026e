import CRI
import Protobuf

extension Message where Fields == Wire.UInt64Value {
    /// nil stays nil: what is not counted is not zero.
    init?(_ value: UInt64?) {
        guard let value else { return nil }
        self.init { $0.value = value }
    }
}

extension ContainerStats {
    /// - Parameters:
    ///   - rate: thousand-millionths of a processor.
    ///   - layer: what it has written beside its image and volumes; nil where that is not known.
    func wire(
        of container: ContainerStatus, rate: UInt64?, layer: FilesystemUsage?, at time: Int64
    ) -> Message<Wire.ContainerStats> {
        Message { stats in
            stats.attributes = Message {
                $0.id = container.id
                $0.metadata = container.metadata.wire
                $0.labels = container.labels
                $0.annotations = container.annotations
            }
            stats.cpu = cpuUsage(rate, at: time)
            stats.memory = memoryUsage(at: time)
            stats.writableLayer = layer?.wire(at: time)
            stats.swap = memory.swap.map { bytes in
                Message {
                    $0.timestamp = time
                    $0.swapUsageBytes = Message(bytes)
                }
            }
            stats.io = ioUsage(at: time)
        }
    }

    func wire(
        of sandbox: PodSandboxStatus, rate: UInt64?, interfaces: [InterfaceStats],
        containers: [Message<Wire.ContainerStats>], at time: Int64
    ) -> Message<Wire.PodSandboxStats> {
        Message { stats in
            stats.attributes = Message {
                $0.id = sandbox.id
                $0.metadata = sandbox.metadata.wire
                $0.labels = sandbox.labels
                $0.annotations = sandbox.annotations
            }
            stats.linux = Message { linux in
                linux.cpu = cpuUsage(rate, at: time)
                linux.memory = memoryUsage(at: time)
                linux.network = interfaces.first.map { first in
                    Message {
                        $0.timestamp = time
                        $0.defaultInterface = first.wire
                        $0.interfaces = interfaces.map(\.wire)
                    }
                }
                linux.process = Message {
                    $0.timestamp = time
                    $0.processCount = Message(processes)
                }
                linux.containers = containers
                linux.io = ioUsage(at: time)
            }
        }
    }

    private func cpuUsage(_ rate: UInt64?, at time: Int64) -> Message<Wire.CpuUsage> {
        Message {
            $0.timestamp = time
            $0.usageCoreNanoSeconds = Message(cpuNanoseconds)
            $0.usageNanoCores = Message(rate)
            $0.psi = cpuPressure?.wire
        }
    }

    private func memoryUsage(at time: Int64) -> Message<Wire.MemoryUsage> {
        Message {
            $0.timestamp = time
            $0.workingSetBytes = Message(memoryBytes)
            if let limit = memory.limit, let used = memoryBytes {
                $0.availableBytes = Message(limit - min(limit, used))
            }
            $0.usageBytes = Message(memory.usage)
            $0.rssBytes = Message(memory.resident)
            $0.pageFaults = Message(memory.pageFaults)
            $0.majorPageFaults = Message(memory.majorPageFaults)
            $0.psi = memoryPressure?.wire
        }
    }

    private func ioUsage(at time: Int64) -> Message<Wire.IoUsage>? {
        ioPressure.map { pressure in
            Message {
                $0.timestamp = time
                $0.psi = pressure.wire
            }
        }
    }

    init(_ wire: Message<Wire.ContainerStats>) {
        self.init(
            cpuNanoseconds: wire.cpu?.usageCoreNanoSeconds?.value, memoryBytes: wire.memory?.workingSetBytes?.value,
            processes: nil)
    }

    init(_ wire: Message<Wire.PodSandboxStats>) {
        let linux = wire.linux
        self.init(
            cpuNanoseconds: linux?.cpu?.usageCoreNanoSeconds?.value, memoryBytes: linux?.memory?.workingSetBytes?.value,
            processes: linux?.process?.processCount?.value)
    }
}

extension Pressure {
    fileprivate var wire: Message<Wire.PsiStats> {
        Message {
            $0.some = some.wire
            $0.full = full?.wire
        }
    }
}

extension Pressure.Share {
    fileprivate var wire: Message<Wire.PsiData> {
        Message {
            $0.total = totalNanoseconds
            $0.avg10 = Double(last10) / 100
            $0.avg60 = Double(last60) / 100
            $0.avg300 = Double(last300) / 100
        }
    }
}

extension InterfaceStats {
    /// The CRI counts bytes and errors alone.
    init(_ wire: Message<Wire.NetworkInterfaceUsage>) {
        func direction(_ bytes: UInt64?, _ errors: UInt64?) -> Direction {
            Direction(bytes: bytes ?? 0, packets: 0, errors: errors ?? 0, dropped: 0)
        }
        self.init(
            name: wire.name, received: direction(wire.rxBytes?.value, wire.rxErrors?.value),
            sent: direction(wire.txBytes?.value, wire.txErrors?.value))
    }

    fileprivate var wire: Message<Wire.NetworkInterfaceUsage> {
        Message {
            $0.name = name
            $0.rxBytes = Message(received.bytes)
            $0.rxErrors = Message(received.errors)
            $0.txBytes = Message(sent.bytes)
            $0.txErrors = Message(sent.errors)
        }
    }
}
