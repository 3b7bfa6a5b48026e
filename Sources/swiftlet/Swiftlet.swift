import ArgumentParser
import Daemon

/// The command line of the daemon and of the node.
@main
struct Swiftlet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "swiftlet", abstract: "Kubernetes for one machine and up.", version: Server.version,
        subcommands: [ServerCommand.self])
}
