import ArgumentParser
import Daemon
import Logging

struct ServerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "server", abstract: "Run the control plane and this node's agent.",
        usage: "swiftlet server [--SETTING VALUE ...]",
        discussion: "Settings are also read from <config-dir>/config.yaml; a flag wins over the file.\n\n"
            + DaemonConfiguration.settingsHelp)

    @Argument(parsing: .allUnrecognized, help: .hidden) var settings: [String] = []

    func validate() throws {
        try Flags.check(settings)
    }

    func run() async throws {
        let configuration = try DaemonConfiguration.load(flags: settings)
        DaemonLog.begin(configuration)
        try await Server(configuration, logger: Logger(label: "swiftlet")).run()
    }
}
