import ArgumentParser
import Daemon

struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Say whether this machine can be a node, and what it cannot hold.",
        discussion: "Needs no daemon. Ends with 1 where something required is missing.")

    @OptionGroup var node: NodeOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let check = HostCheck.run(try DaemonConfiguration.load(flags: node.flags))
        output.show(check.json) { check.text }
        guard check.isUsable else { throw ExitCode(Swiftlet.failureCode) }
    }
}
