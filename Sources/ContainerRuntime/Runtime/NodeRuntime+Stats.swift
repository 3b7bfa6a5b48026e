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
        let path = paths.writable(of: id)
        return try await threads.perform("measure a container") { () throws(CRIError) in
            try attempt("container \(container.record.metadata.name)") { () throws(KernelError) in
                let usage = try TreeUsage.measure(path)
                guard usage.isComplete else { throw KernelError("measure all of", path, E2BIG) }
                return FilesystemUsage(path: path, usedBytes: usage.bytes, usedInodes: usage.inodes)
            }
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
        stats.memory.pageFaults = field("pgfault", of: memory)
        stats.memory.majorPageFaults = field("pgmajfault", of: memory)
        stats.memory.kills = field("oom_kill", of: read("memory.events"))
        stats.cpuPressure = Pressure(kernelText: read("cpu.pressure"))
        stats.memoryPressure = Pressure(kernelText: read("memory.pressure"))
        stats.ioPressure = Pressure(kernelText: read("io.pressure"))
        return stats
    }

    static func field(_ name: String, of text: String) -> UInt64? {
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: " ")
            if parts.count == 2 && parts[0] == name { return UInt64(parts[1]) }
        }
        return nil
    }
}
