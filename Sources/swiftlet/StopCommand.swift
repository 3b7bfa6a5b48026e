import ArgumentParser
import Daemon
import HTTP

/// What those have in common that end containers.
struct StopOptions: ParsableArguments {
    @OptionGroup var node: NodeOptions
    @Option(
        name: [.customShort("t"), .long], help: "Seconds until a container is killed (default: its own, or 10).")
    var time: UInt32?
    @Argument(help: "Container names or ID prefixes.") var names: [String]

    func ask(_ path: String) async throws {
        let client = try node.client()
        try await Each.of(names) { name in
            let query = [QueryItem("name", name)] + (time.map { [QueryItem("seconds", String($0))] } ?? [])
            return try await client.send(.post, path, query)["name"]?.string ?? name
        }
    }
}

struct StopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop", abstract: "Stop containers of `swiftlet run`.",
        discussion: "Each is sent its image's stop signal, and killed when its time is over.")

    @OptionGroup var options: StopOptions

    func run() async throws { try await options.ask("/v1/run/stop") }
}

struct StartCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "start", abstract: "Start ended containers of `swiftlet run --detach` again.",
        discussion:
            "Each keeps its name, its options, what it wrote and its log; its address may change. One that runs is left as it is."
    )

    @OptionGroup var node: NodeOptions
    @Argument(help: "Container names or ID prefixes.") var names: [String]

    func run() async throws {
        let client = try node.client()
        try await Each.of(names) { name in
            try await client.send(.post, "/v1/run/start", [QueryItem("name", name)])["name"]?.string ?? name
        }
    }
}

struct RestartCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restart", abstract: "Stop containers of `swiftlet run --detach` and start them again.",
        discussion: "Those that have ended are only started.")

    @OptionGroup var options: StopOptions

    func run() async throws { try await options.ask("/v1/run/restart") }
}

struct KillCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kill", abstract: "Send containers of `swiftlet run` a signal.",
        discussion:
            "The program is PID 1 of its container: signals that it does not handle are ignored, except KILL and STOP."
    )

    @OptionGroup var node: NodeOptions
    @Option(name: [.short, .long], help: "Signal name or number, such as HUP.") var signal = "KILL"
    @Argument(help: "Container names or ID prefixes.") var names: [String]

    func run() async throws {
        let client = try node.client()
        try await Each.of(names) { name in
            let query = [QueryItem("name", name), QueryItem("signal", signal)]
            return try await client.send(.post, "/v1/run/kill", query)["name"]?.string ?? name
        }
    }
}

struct WaitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wait", abstract: "Wait until containers of `swiftlet run` exit; print their exit codes.",
        discussion: "One line each, in the order of the names. One that has ended already is not waited for.")

    @OptionGroup var node: NodeOptions
    @Argument(help: "Container names or ID prefixes.") var names: [String]

    func run() async throws {
        try await node.client().waitForEnds(of: names) { Output.write("\($0)\n") }
    }
}

struct RemoveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rm", abstract: "Remove exited containers of `swiftlet run --detach`, with what they wrote.")

    @OptionGroup var node: NodeOptions
    @Flag(name: [.short, .long], help: "Kill those that still run.") var force = false
    @Argument(help: "Container names or ID prefixes.") var names: [String]

    func run() async throws {
        let client = try node.client()
        try await Each.of(names) { name in
            let query = [QueryItem("name", name), QueryItem("force", force ? "true" : "false")]
            return try await client.send(.delete, "/v1/run", query)["name"]?.string ?? name
        }
    }
}

/// One thing done for each of several names. Where it fails for one, that is said, the others have their turn, and the command ends with 1.
enum Each {
    /// - Parameter body: what is printed of one.
    static func of(_ names: [String], _ body: (String) async throws -> String) async throws {
        var hasFailed = false
        for name in names {
            do {
                Output.write(try await body(name) + "\n")
            } catch let error as DaemonError {
                Output.note(error.description)
                hasFailed = true
            }
        }
        if hasFailed { throw ExitCode(Swiftlet.failureCode) }
    }
}
