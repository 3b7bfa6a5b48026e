import ArgumentParser
import Daemon
import Glibc

/// The command line of the daemon and of the node.
///
/// Ends with 0, with 1 where a command failed, with 2 where it was called wrongly (`run` with 125), with 78 where the settings cannot hold; `exec` and `run` end
/// with the command's own code.
struct Swiftlet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "swiftlet", abstract: "Kubernetes for one machine and up.", version: Server.version,
        subcommands: [
            ServerCommand.self, AgentCommand.self, CRICommand.self, TokenCommand.self, CertsCommand.self,
            ImagesCommand.self, PullCommand.self, ImagesCommand.Push.self,
            RunCommand.self, PodsCommand.self, PSCommand.self, StatsCommand.self, EventsCommand.self, LogsCommand.self,
            AttachCommand.self,
            ExecCommand.self, StartCommand.self, StopCommand.self, RestartCommand.self,
            KillCommand.self, WaitCommand.self, RemoveCommand.self,
            InspectCommand.self, WhyCommand.self, CheckCommand.self, DoctorCommand.self, ShutdownCommand.self,
            UninstallCommand.self,
        ])

    static let failureCode: Int32 = 1
    static let usageCode: Int32 = 2
    /// EX_CONFIG of sysexits.h; the units do not try it again.
    static let settingsCode: Int32 = 78

    static func run(_ arguments: [String]) async -> Int32 {
        let known = configuration.subcommands.map { $0._commandName } + ["help"]
        if let refusal = CommandNames.refusal(of: arguments.first ?? "", known: known) {
            return fail("swiftlet: \(refusal)\n", usageCode)
        }
        if arguments.first == "help", let refusal = unknown(arguments.dropFirst()) {
            return fail("swiftlet: \(refusal)\n", usageCode)
        }
        let words = ArgumentOrder.normal(arguments, groups: ["images", "token", "certs"])
        if let refusal = unknownInGroup(words) { return fail("swiftlet: \(refusal)\n", usageCode) }
        do {
            var command = try parseAsRoot(words)
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
            return 0
        } catch let error as DaemonError {
            return fail("swiftlet: \(error)\n", error.isOfSettings ? settingsCode : failureCode)
        } catch let code as ExitCode {
            return code.rawValue
        } catch {
            return end(error, wrongCall: arguments.first == "run" ? RunSession.notMade : usageCode)
        }
    }

    /// What is said of the first of these words that is no command of the one before it; nil where all are.
    private static func unknown(_ words: ArraySlice<String>) -> String? {
        var command: any ParsableCommand.Type = Swiftlet.self
        for word in words {
            let known = command.configuration.subcommands
            let names = known.map { $0._commandName } + ["help"]
            if let refusal = CommandNames.refusal(of: word, known: names) { return refusal }
            command = known.first { $0._commandName == word } ?? command
        }
        return nil
    }

    /// What is said of a group's subcommand that there is not; nil where there is one.
    private static func unknownInGroup(_ words: [String]) -> String? {
        let group = configuration.subcommands.first { $0._commandName == words.first }
        guard let group, let word = words.dropFirst().first, !group.configuration.subcommands.isEmpty else {
            return nil
        }
        let known = group.configuration.subcommands.flatMap { [$0._commandName] + $0.configuration.aliases }
        return CommandNames.refusal(of: word, in: group._commandName, known: known + ["help"])
    }

    /// Help and the version are no failures; anything else here is a call that could not be understood.
    private static func end(_ error: any Error, wrongCall: Int32) -> Int32 {
        let code = exitCode(for: error)
        let message = fullMessage(for: error)
        if code.isSuccess {
            Output.write(message + "\n")
            return 0
        }
        return fail(message + "\n", code == .validationFailure ? wrongCall : failureCode)
    }

    private static func fail(_ message: String, _ code: Int32) -> Int32 {
        Output.error(message)
        return code
    }
}
