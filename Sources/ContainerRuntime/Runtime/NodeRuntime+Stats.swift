import CRI
import Glibc
import Linux

extension NodeRuntime {
    package func containerStats(_ id: String) async throws(CRIError) -> ContainerStats {
        let (container, sandbox) = try lookUp(container: id)
        let cgroup = paths.cgroup(of: id, in: sandbox.record)
        guard container.record.phase == .running else {
            return ContainerStats(cpuNanoseconds: nil, memoryBytes: nil, processes: nil)
        }
        return try await stats(ofCgroup: cgroup)
    }

    package func podSandboxStats(_ id: String) async throws(CRIError) -> ContainerStats {
        let entry = try state.withLock { state throws(CRIError) in try state.sandbox(id) }
        guard entry.record.phase == .ready else {
            return ContainerStats(cpuNanoseconds: nil, memoryBytes: nil, processes: nil)
        }
        return try await stats(ofCgroup: entry.record.cgroup)
    }

    package func writableLayer(of id: String) async throws(CRIError) -> FilesystemUsage {
        let container = try state.withLock { state throws(CRIError) in try state.container(id) }
        let path = paths.writable(of: container.record.layer)
        let usage = try await threads.perform("measure a container") { () throws(CRIError) in
            try attempt("container \(container.record.metadata.name)") { () throws(KernelError) in
                try TreeUsage.measure(path)
            }
        }
        guard usage.isComplete else {
            tellUnmeasured(container.record, usage)
            throw .failed("container \(container.record.metadata.name): not all of its writable layer can be measured")
        }
        return FilesystemUsage(path: path, usedBytes: usage.bytes, usedInodes: usage.inodes)
    }

    /// Once for each container.
    private func tellUnmeasured(_ record: ContainerRecord, _ usage: TreeUsage) {
        let wasTold = state.withLock { state in
            defer { state.containers[record.id]?.isUnmeasuredTold = true }
            return state.containers[record.id]?.isUnmeasuredTold ?? true
        }
        guard !wasTold else { return }
        logger.warning(
            "a container's files are too many or too deep to be measured: no limit of storage is held for them",
            metadata: [
                "container": "\(record.metadata.name)", "id": "\(record.id)", "countedBytes": "\(usage.bytes)",
                "countedFiles": "\(usage.inodes)",
            ])
    }

    package func containerTally(_ id: String) async throws(CRIError) -> ContainerTally {
        let (container, sandbox) = try lookUp(container: id)
        guard container.record.phase == .running else { throw .failed("container \(id) does not run") }
        let cgroup = paths.cgroup(of: id, in: sandbox.record)
        return try await threads.perform("count a container") { [self] () throws(CRIError) in
            let read = { (file: String) in (try? self.kernel.readCgroup(cgroup, file: file)) ?? "" }
            var tally = ContainerTally()
            tally.processes = kernel.tally((try? kernel.processes(beneath: cgroup)) ?? [])
            tally.threadLimit = CgroupFiles.number(read("pids.max"))
            tally.devices = CgroupFiles.devices(read("io.stat"))
            for size in kernel.hugePageSizes() {
                tally.hugePages[size] = CgroupFiles.number(read("hugetlb.\(size).current"))
            }
            tally.filesystem = kernel.capacity(of: paths.writable(of: container.record.layer))
            return tally
        }
    }

    package func interfaces(ofSandbox id: String) async throws(CRIError) -> [InterfaceStats] {
        let entry = try state.withLock { state throws(CRIError) in try state.sandbox(id) }
        guard entry.record.network == .pod, let monitor = entry.monitor else { return [] }
        return try await threads.perform("count packets") { [self] () throws(CRIError) in
            // The monitor is in the pod's network namespace.
            InterfaceStats.all(kernelText: kernel.hostFile("/proc/\(monitor.processID)/net/dev"))
        }
    }

    private func stats(ofCgroup cgroup: String) async throws(CRIError) -> ContainerStats {
        try await threads.perform("read stats") { [self] () throws(CRIError) in
            CgroupFiles.stats { file in (try? kernel.readCgroup(cgroup, file: file)) ?? "" }
        }
    }
}

/// Reads what the kernel says of a cgroup.
enum CgroupFiles {
    static func number(_ text: String) -> UInt64? {
        UInt64(text.filter { !$0.isWhitespace })
    }

    /// From cpu.stat, which counts in microseconds.
    static func cpuNanoseconds(_ text: String) -> UInt64? { nanoseconds("usage_usec", of: text) }

    private static func nanoseconds(_ name: String, of text: String) -> UInt64? {
        field(name, of: text).map { $0.multipliedReportingOverflow(by: 1_000).partialValue }
    }

    /// What is in use without the page cache that the kernel can drop: `memory.current` less `inactive_file`.
    static func workingSet(current: String, statistics: String) -> UInt64? {
        guard let used = number(current) else { return nil }
        let cache = field("inactive_file", of: statistics) ?? 0
        return used > cache ? used - cache : 0
    }

    /// - Parameter read: a file of the cgroup; empty where it is not there.
    static func stats(_ read: (String) -> String) -> ContainerStats {
        let (times, memory) = (read("cpu.stat"), read("memory.stat"))
        let current = read("memory.current")
        var stats = ContainerStats(
            cpuNanoseconds: cpuNanoseconds(times), memoryBytes: workingSet(current: current, statistics: memory),
            processes: number(read("pids.current")))
        stats.cpu.userNanoseconds = nanoseconds("user_usec", of: times)
        stats.cpu.systemNanoseconds = nanoseconds("system_usec", of: times)
        stats.cpu.periods = field("nr_periods", of: times)
        stats.cpu.throttledPeriods = field("nr_throttled", of: times)
        stats.cpu.throttledNanoseconds = nanoseconds("throttled_usec", of: times)
        stats.memory.usage = number(current)
        stats.memory.limit = number(read("memory.max"))
        stats.memory.swap = number(read("memory.swap.current"))
        stats.memory.resident = field("anon", of: memory)
        stats.memory.cache = field("file", of: memory)
        stats.memory.mappedFile = field("file_mapped", of: memory)
        stats.memory.kernel = field("kernel", of: memory)
        stats.memory.peak = number(read("memory.peak"))
        stats.memory.pageFaults = field("pgfault", of: memory)
        stats.memory.majorPageFaults = field("pgmajfault", of: memory)
        let events = read("memory.events")
        stats.memory.limitHits = field("max", of: events)
        stats.memory.kills = field("oom_kill", of: events)
        stats.cpuPressure = Pressure(kernelText: read("cpu.pressure"))
        stats.memoryPressure = Pressure(kernelText: read("memory.pressure"))
        stats.ioPressure = Pressure(kernelText: read("io.pressure"))
        return stats
    }

    /// From io.stat: lines such as `8:0 rbytes=4096 wbytes=0 rios=1 wios=0 dbytes=0 dios=0`.
    static func devices(_ text: String) -> [DeviceTally] {
        text.split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ")
            var values: [Substring: UInt64] = [:]
            for word in words.dropFirst() {
                let parts = word.split(separator: "=", maxSplits: 1)
                if parts.count == 2 { values[parts[0]] = UInt64(parts[1]) }
            }
            guard let device = words.first, let read = values["rbytes"], let written = values["wbytes"] else {
                return nil
            }
            return DeviceTally(
                device: String(device), readBytes: read, writtenBytes: written, reads: values["rios"] ?? 0,
                writes: values["wios"] ?? 0)
        }
    }

    static func field(_ name: String, of text: String) -> UInt64? {
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: " ")
            if parts.count == 2 && parts[0] == name { return UInt64(parts[1]) }
        }
        return nil
    }
}
