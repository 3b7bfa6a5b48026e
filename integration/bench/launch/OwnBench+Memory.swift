import ContainerRuntime
import Glibc
import Linux

extension OwnBench {
    /// What each further container of a pod takes: the monitor and the programs by their proportional share, and the kernel of the whole
    /// machine, which others move too.
    func measureMemory(containers count: Int) async throws {
        let (pod, cgroup) = try await makePod("memory")
        try await run("first", pod, cgroup)
        let before = (try share(of: cgroup), try kernel())
        for index in 0..<count { try await run("m\(index)", pod, cgroup) }
        let after = (try share(of: cgroup), try kernel())
        let processes = (after.0 - before.0) / count
        print(
            "swiftlet  each of \(count) further containers: \(processes) KiB of processes, "
                + "\((after.1 - before.1) / count) KiB of the kernel")
        try await pod.shutdown()
    }

    /// KiB of all processes in a group and beneath.
    private func share(of group: Cgroup) throws -> Int {
        var sum = 0
        for process in group.allProcesses() {
            sum += try figures("/proc/\(process)/smaps_rollup")["Pss"] ?? 0
        }
        return sum
    }

    private func kernel() throws -> Int {
        let figures = try figures("/proc/meminfo")
        return ["SUnreclaim", "KernelStack", "PageTables", "Percpu"].reduce(0) { $0 + (figures[$1] ?? 0) }
    }

    /// Lines such as `Pss:  12 kB`.
    private func figures(_ path: String) throws -> [String: Int] {
        var found: [String: Int] = [:]
        for line in try readText(path).split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2, let number = parts[1].split(separator: " ").first.flatMap({ Int($0) }) else {
                continue
            }
            found[String(parts[0])] = number
        }
        return found
    }
}
