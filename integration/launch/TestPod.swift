import ContainerRuntime
import Glibc
import Linux

/// A pod on this machine for one check: its directories, its cgroup, its monitor.
struct TestPod {
    let name: String
    let directory: String
    let cgroup: String
    let rootfs: String
    let monitor: any PodMonitoring

    /// Makes the pod from a root directory of a static busybox.
    static func make(_ name: String, spawner: PodMonitorSpawner, base: String, group: String) async throws -> TestPod {
        let directory = base + "/" + name
        let cgroup = group + "/" + name
        mkdir(directory, 0o700)
        mkdir(cgroup, 0o755)
        var configuration = PodMonitorConfiguration(pod: name, directory: directory, cgroup: cgroup)
        configuration.hostname = name
        let monitor = try await spawner.spawn(configuration)
        return TestPod(
            name: name, directory: directory, cgroup: cgroup, rootfs: base + "/rootfs", monitor: monitor)
    }

    /// A container of this pod over a fresh overlay.
    func container(_ id: String, _ arguments: [String]) -> ContainerLaunch {
        for part in ["upper", "work"] { mkdir("\(directory)/\(id).\(part)", 0o755) }
        mkdir(cgroup + "/" + id, 0o755)
        var process = ProcessPlan(arguments: arguments, environment: ["PATH=/bin", "HOME=/"])
        process.seccomp = nil
        let plan = LaunchPlan(
            process: process,
            root: .overlay(
                lower: [rootfs, directory + "/empty"].filter { access($0, F_OK) == 0 },
                upper: "\(directory)/\(id).upper", work: "\(directory)/\(id).work"),
            cgroup: cgroup + "/" + id)
        return ContainerLaunch(id: id, plan: plan, log: LogFile(path: "\(directory)/\(id).log"))
    }

    /// Runs a command to its end and returns its output lines and exit.
    func output(_ launch: ContainerLaunch) async throws -> (lines: [String], exit: ProcessExit) {
        _ = try await monitor.run(launch)
        let exit = try await nextExit()
        return (read(launch.log?.path ?? "/dev/null"), exit)
    }

    func nextExit() async throws -> ProcessExit {
        for await exit in monitor.exits {
            try await monitor.acknowledge(upTo: exit.number)
            return exit
        }
        throw PodMonitorError.monitorGone(pod: name)
    }

    func read(_ path: String) -> [String] {
        guard let file = fopen(path, "r") else { return [] }
        defer { fclose(file) }
        var text: [UInt8] = []
        while case let byte = fgetc(file), byte >= 0 { text.append(UInt8(byte)) }
        return String(decoding: text, as: UTF8.self).split(separator: "\n").map { line in
            line.split(separator: " ", maxSplits: 3, omittingEmptySubsequences: false).last.map(String.init) ?? ""
        }
    }

    func destroy() async throws {
        try await monitor.shutdown()
    }
}
