/// What monitoring wants to know of a container beside its `ContainerStats`: counted process by process, so dearer, and asked for less often. Nil where this host does not
/// say.
package struct ContainerTally: Sendable, Hashable {
    package var processes = ProcessTally()
    /// Processes and threads that it may have; nil: any number.
    package var threadLimit: UInt64?
    /// Bytes in use by the size of the page, such as `2MB`.
    package var hugePages: [String: UInt64] = [:]
    package var devices: [DeviceTally] = []
    /// The filesystem that its writable layer lies on.
    package var filesystem: FilesystemCapacity?

    package init() {}
}

/// The sums over the processes of a cgroup.
package struct ProcessTally: Sendable, Hashable {
    package var processes: UInt64 = 0
    package var threads: UInt64 = 0
    package var descriptors: UInt64 = 0
    /// Those of `descriptors` that are sockets.
    package var sockets: UInt64 = 0
    /// Files that its first process may have open; nil: any number.
    package var openFilesLimit: UInt64?
    /// Bytes, each shared page counted in every process that has it.
    package var anonymous: UInt64 = 0
    package var mappedFile: UInt64 = 0
    package var shared: UInt64 = 0
    package var swap: UInt64 = 0
    package var pageTables: UInt64 = 0
    /// The most that each has had in memory.
    package var peak: UInt64 = 0

    package init() {}
}

/// What went to a block device and came from it.
package struct DeviceTally: Sendable, Hashable {
    /// `MAJOR:MINOR`.
    package var device: String
    package var readBytes: UInt64
    package var writtenBytes: UInt64
    package var reads: UInt64
    package var writes: UInt64

    package init(device: String, readBytes: UInt64, writtenBytes: UInt64, reads: UInt64, writes: UInt64) {
        self.device = device
        self.readBytes = readBytes
        self.writtenBytes = writtenBytes
        self.reads = reads
        self.writes = writes
    }
}

/// How large a filesystem is, whoever uses it.
package struct FilesystemCapacity: Sendable, Hashable {
    package var bytes: UInt64
    package var inodes: UInt64
    package var freeInodes: UInt64

    package init(bytes: UInt64, inodes: UInt64, freeInodes: UInt64) {
        self.bytes = bytes
        self.inodes = inodes
        self.freeInodes = freeInodes
    }
}

/// What went through a network interface of a pod, as the pod sees it.
package struct InterfaceStats: Sendable, Hashable {
    /// Since the interface was made.
    package struct Direction: Sendable, Hashable {
        package var bytes: UInt64
        package var packets: UInt64
        package var errors: UInt64
        package var dropped: UInt64

        package init(bytes: UInt64, packets: UInt64, errors: UInt64, dropped: UInt64) {
            self.bytes = bytes
            self.packets = packets
            self.errors = errors
            self.dropped = dropped
        }
    }

    package var name: String
    package var received: Direction
    package var sent: Direction

    package init(name: String, received: Direction, sent: Direction) {
        self.name = name
        self.received = received
        self.sent = sent
    }

    /// The kernel's /proc/net/dev; lines that are no interface are passed over, and the loopback is left out.
    package static func all(kernelText: String) -> [InterfaceStats] {
        kernelText.split(separator: "\n").compactMap { line in
            let parts = line.split(separator: ":", maxSplits: 1)
            let numbers = parts.last?.split(separator: " ").compactMap { UInt64($0) } ?? []
            guard parts.count == 2, numbers.count >= 12 else { return nil }
            let name = String(parts[0].drop { $0 == " " })
            if name == "lo" { return nil }
            func direction(_ first: Int) -> Direction {
                Direction(
                    bytes: numbers[first], packets: numbers[first + 1], errors: numbers[first + 2],
                    dropped: numbers[first + 3])
            }
            return InterfaceStats(name: name, received: direction(0), sent: direction(8))
        }
    }
}
