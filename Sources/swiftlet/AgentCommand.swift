import ArgumentParser
import Daemon
import Logging

struct AgentCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agent", abstract: "Run this machine as a node of a server elsewhere.",
        usage: "swiftlet agent [--SETTING VALUE ...]",
        discussion:
            "The first start joins: --server https://HOST:6443 --token TOKEN, where `swiftlet token create` on the "
            + "server prints the token. Later starts need --server but no token.\nSettings are also read from "
            + "<config-dir>/config.yaml; a flag wins over the file. The networks and the domain are the server's.\n\n"
            + DaemonConfiguration.settingsHelp)

    @Argument(parsing: .allUnrecognized, help: .hidden) var settings: [String] = []

    func validate() throws {
        try Flags.check(settings)
    }

    func run() async throws {
        let configuration = try DaemonConfiguration.load(flags: settings)
        DaemonLog.begin(configuration)
        try await Agent(configuration, logger: Logger(label: "swiftlet")).run()
    }
}

/// The daemon's log, on standard error.
enum DaemonLog {
    static func begin(_ configuration: DaemonConfiguration) {
        let level = Logger.Level(rawValue: configuration.logLevel) ?? .info
        LoggingSystem.bootstrap { label in
            var handler = StreamLogHandler.standardError(label: label)
            handler.logLevel = level
            return handler
        }
    }
}
