import APIMachinery
import ArgumentParser
import Daemon

struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Look for what is wrong on this node; --fix repairs it.",
        discussion:
            "Processes, cgroups, mounts, links, rules, addresses and files that belong to no pod; pods that lack something "
            + "or run twice; ends that were not reported; a store that went back. Needs no daemon. Ends with 1 where "
            + "something is wrong.")

    @OptionGroup var node: NodeOptions
    @OptionGroup var output: OutputOptions
    @Option(help: "The daemon's directory of logs (default: /var/log/pods).") var logDir: String?
    @Option(help: "The daemon's cgroup, where it was set.") var cgroupParent: String?
    @Flag(help: "Repair what was found, and look again.") var fix = false

    func run() async throws {
        var flags: [String] = []
        if let logDir { flags.append("--log-dir=\(logDir)") }
        if let cgroupParent { flags.append("--cgroup-parent=\(cgroupParent)") }
        let doctor = try Doctor(try node.configuration(flags, removes: fix), time: SystemTime())
        var report = try await doctor.examine()
        if fix, !report.isClean {
            if output.output == .table { Output.write(report.text) }
            try await doctor.mend(report)
            Output.note("mended; looking again")
            report = try await doctor.examine()
        }
        output.show(report.json) { report.text }
        guard report.isClean else { throw ExitCode(Swiftlet.failureCode) }
    }
}
