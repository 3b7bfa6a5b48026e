import ArgumentParser
import Daemon
import Glibc

struct UninstallCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "uninstall", abstract: "Remove all that this instance has made on this machine.",
        discussion: "Ends what still runs of its pods. The daemon must be stopped first. May be repeated.")

    @OptionGroup var node: NodeOptions
    @Option(help: "The daemon's log directory (default: /var/log/pods).") var logDir: String?
    @Option(help: .hidden) var cgroupParent: String?
    @Flag(help: "Do not ask for confirmation.") var yes = false
    @Flag(help: "Keep store, images, volumes, logs and configuration.") var keepData = false

    func run() throws {
        var flags: [String] = []
        if let logDir { flags.append("--log-dir=\(logDir)") }
        if let cgroupParent { flags.append("--cgroup-parent=\(cgroupParent)") }
        let uninstall = try Uninstall(try node.configuration(flags, removes: true), keepsData: keepData)
        guard yes || isConfirmed(uninstall) else {
            Output.note("nothing removed; with --yes it is done without being asked")
            throw ExitCode(Swiftlet.failureCode)
        }
        let report = try uninstall.run()
        for line in report.removed { Output.write("removed \(line)\n") }
        for line in report.kept { Output.note("kept, not Swiftlet's: \(line)") }
        Output.write(report.closing + "\n")
    }

    private func isConfirmed(_ uninstall: Uninstall) -> Bool {
        Output.write(uninstall.question + " Type yes to go on: ")
        return readLine() == "yes"
    }
}
