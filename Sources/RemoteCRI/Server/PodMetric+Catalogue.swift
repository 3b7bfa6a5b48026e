import CRI

private let second: UInt64 = 1_000_000_000

/// Times are in whole seconds: the CRI has integers for values.
extension PodMetric {
    static let processor: [PodMetric] = [
        counter("cpu_usage_seconds_total", "Processor time used.") { $0.stats.cpuNanoseconds.map { $0 / second } },
        counter("cpu_user_seconds_total", "Processor time used by programs themselves.") {
            $0.stats.cpu.userNanoseconds.map { $0 / second }
        },
        counter("cpu_system_seconds_total", "Processor time used by the kernel for them.") {
            $0.stats.cpu.systemNanoseconds.map { $0 / second }
        },
        // Without a controller no limit holds anything back.
        counter("cpu_cfs_periods_total", "Periods of the processor limit in which it ran.") {
            $0.stats.cpu.periods ?? 0
        },
        counter("cpu_cfs_throttled_periods_total", "Those of the periods in which the limit held it back.") {
            $0.stats.cpu.throttledPeriods ?? 0
        },
        counter("cpu_cfs_throttled_seconds_total", "Time for which the limit held it back.") {
            ($0.stats.cpu.throttledNanoseconds ?? 0) / second
        },
        pressure("cpu_waiting", "Time in which a task waited for a processor.") { $0.cpuPressure?.some },
        pressure("cpu_stalled", "Time in which all tasks waited for a processor.") { $0.cpuPressure?.full },
        pressure("memory_waiting", "Time in which a task waited for memory.") { $0.memoryPressure?.some },
        pressure("memory_stalled", "Time in which all tasks waited for memory.") { $0.memoryPressure?.full },
        pressure("io_waiting", "Time in which a task waited for a disk.") { $0.ioPressure?.some },
        pressure("io_stalled", "Time in which all tasks waited for a disk.") { $0.ioPressure?.full },
    ]

    private static func pressure(
        _ name: String, _ help: String, _ share: @escaping @Sendable (ContainerStats) -> Pressure.Share?
    ) -> PodMetric {
        counter("pressure_\(name)_seconds_total", help) { share($0.stats).map { $0.totalNanoseconds / second } }
    }

    static let memory: [PodMetric] = [
        gauge("memory_usage_bytes", "Memory in use, the page cache with it.") { $0.memory.usage },
        gauge("memory_working_set_bytes", "Memory in use that cannot be dropped.") { $0.workingSet },
        gauge("memory_rss", "Anonymous memory.") { $0.memory.resident },
        gauge("memory_cache", "Page cache.") { $0.memory.cache },
        gauge("memory_mapped_file", "Files mapped into memory.") { $0.memory.mappedFile },
        gauge("memory_swap", "Swap in use.") { source in
            // No file where the kernel has no swap.
            source.memory.swap ?? source.memory.usage.map { _ in 0 }
        },
        gauge("memory_kernel_usage", "Memory of the kernel's own for it.") { $0.memory.kernel },
        gauge("memory_max_usage_bytes", "The most memory that was in use at one time.") {
            // Kernels before 5.19 do not note the peak.
            $0.memory.peak ?? $0.memory.usage
        },
        counter("memory_failcnt", "How often the memory limit held an allocation up.") {
            $0.stats.memory.limitHits ?? 0
        },
        counter("oom_events_total", "Processes killed because a memory limit was reached.") {
            $0.stats.memory.kills ?? 0
        },
        PodMetric(
            "memory_failures_total", "Page faults.", isCounter: true, labels: ["failure_type", "scope"],
            read: { source in
                let memory = source.stats.memory
                let faults = [("pgfault", memory.pageFaults ?? 0), ("pgmajfault", memory.majorPageFaults ?? 0)]
                return faults.map { Sample(labels: [$0.0, "container"], value: $0.1) }
            }),
        PodMetric(
            "hugetlb_usage_bytes", "Huge pages in use.", isCounter: false, labels: ["pagesize"],
            read: { source in
                (source.tally?.hugePages ?? [:]).sorted { $0.key < $1.key }.map {
                    Sample(labels: [$0.key], value: $0.value)
                }
            }),
    ]

    static let filesystem: [PodMetric] = [
        disk("fs_usage_bytes", "Bytes that it has written into its root filesystem.") { $0.layer?.usedBytes },
        disk("fs_limit_bytes", "Size of the filesystem that its root lies on.") { $0.tally?.filesystem?.bytes },
        disk("fs_inodes_total", "Inodes of the filesystem that its root lies on.") { $0.tally?.filesystem?.inodes },
        disk("fs_inodes_free", "Inodes of that filesystem that are free.") { $0.tally?.filesystem?.freeInodes },
        traffic("fs_reads_bytes_total", "Bytes read from disks.", \.readBytes),
        traffic("fs_reads_total", "Reads from disks.", \.reads),
        traffic("fs_writes_bytes_total", "Bytes written to disks.", \.writtenBytes),
        traffic("fs_writes_total", "Writes to disks.", \.writes),
        PodMetric(
            "blkio_device_usage_total", "Bytes to and from disks.", isCounter: true,
            labels: ["device", "operation"],
            read: { source in
                (source.tally?.devices ?? []).flatMap { disk in
                    [
                        Sample(labels: [disk.device, "Read"], value: disk.readBytes),
                        Sample(labels: [disk.device, "Write"], value: disk.writtenBytes),
                    ]
                }
            }),
    ]

    private static func disk(
        _ name: String, _ help: String, _ read: @escaping @Sendable (MetricSource) -> UInt64?
    ) -> PodMetric {
        PodMetric(name, help, isCounter: false, labels: ["device"]) { source in
            read(source).map { [Sample(labels: [source.layer?.path ?? ""], value: $0)] } ?? []
        }
    }

    private static func traffic(
        _ name: String, _ help: String, _ read: @escaping @Sendable (DeviceTally) -> UInt64
    ) -> PodMetric {
        PodMetric(name, help, isCounter: true, labels: ["device"]) { source in
            (source.tally?.devices ?? []).map { Sample(labels: [$0.device], value: read($0)) }
        }
    }

    static let network: [PodMetric] = [
        interface("receive_bytes", "Bytes received.") { $0.received.bytes },
        interface("receive_packets", "Packets received.") { $0.received.packets },
        interface("receive_errors", "Packets received with an error.") { $0.received.errors },
        interface("receive_packets_dropped", "Packets dropped on their way in.") { $0.received.dropped },
        interface("transmit_bytes", "Bytes sent.") { $0.sent.bytes },
        interface("transmit_packets", "Packets sent.") { $0.sent.packets },
        interface("transmit_errors", "Packets that could not be sent.") { $0.sent.errors },
        interface("transmit_packets_dropped", "Packets dropped on their way out.") { $0.sent.dropped },
    ]

    private static func interface(
        _ name: String, _ help: String, _ read: @escaping @Sendable (InterfaceStats) -> UInt64
    ) -> PodMetric {
        PodMetric("network_\(name)_total", help, isCounter: true, labels: ["interface"]) { source in
            source.interfaces.map { Sample(labels: [$0.name], value: read($0)) }
        }
    }

    static let processes: [PodMetric] = [
        gauge("processes", "Processes.") { $0.tally?.processes.processes ?? $0.stats.processes },
        gauge("threads", "Threads.") { $0.tally?.processes.threads },
        gauge("threads_max", "Processes and threads that it may have; 0: any number.") { source in
            source.tally.map { $0.threadLimit ?? 0 }
        },
        gauge("file_descriptors", "Open descriptors.") { $0.tally?.processes.descriptors },
        gauge("sockets", "Open sockets.") { $0.tally?.processes.sockets },
        PodMetric(
            "ulimits_soft", "Soft limits of its first process; open files, where they have a limit.", isCounter: false,
            labels: ["ulimit"],
            read: { source in
                (source.tally?.processes.openFilesLimit).map { [Sample(labels: ["max_open_files"], value: $0)] } ?? []
            }),
        gauge("start_time_seconds", "When it began, in seconds of the Unix epoch.") { source in
            (source.container?.startedAt).map { UInt64(clamping: $0) / second }
        },
        gauge("last_seen", "When it was counted, in seconds of the Unix epoch.") { UInt64(clamping: $0.time) / second },
    ]

    /// What was asked for; 0: nothing.
    static let limits: [PodMetric] = [
        asked("cpu_period", "Microseconds that the processor limit is held over.") { $0.cpuPeriod ?? 100_000 },
        asked("cpu_quota", "Microseconds of processor time in a period.") { resources in
            resources.cpuLimit.map {
                $0.multipliedReportingOverflow(by: resources.cpuPeriod ?? 100_000).partialValue / 1_000
            }
        },
        asked("cpu_shares", "Share of the processors, 1,024 for one.") { resources in
            resources.cpuRequest.map { $0.multipliedReportingOverflow(by: 1_024).partialValue / 1_000 }
        },
        asked("memory_limit_bytes", "Memory limit.") { $0.memoryLimit },
        asked("memory_swap_limit_bytes", "Limit of memory and swap together.") { $0.memorySwapLimit ?? $0.memoryLimit },
        asked("memory_reservation_limit_bytes", "Memory that is set aside for it.") { $0.memoryRequest },
    ]

    private static func asked(
        _ name: String, _ help: String, _ read: @escaping @Sendable (ContainerResources) -> Int64?
    ) -> PodMetric {
        gauge("spec_" + name, help) { source in
            (source.container?.resources).map { UInt64(clamping: read($0) ?? 0) }
        }
    }
}
