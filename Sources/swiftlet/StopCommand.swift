import ArgumentParser
import Daemon
import HTTP

struct StopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop", abstract: "End containers that `swiftlet run` has started.",
        discussion: "Each is sent its image's stop signal, and killed when its time is over.")

    @OptionGroup var node: NodeOptions
    @Option(
        name: [.customShort("t"), .long], help: "Seconds that each has to end by itself (default: its own, or 10).")
    var time: UInt32?
    @Argument(help: "Their names, or how their ids begin.") var names: [String]

    func run() async throws {
        let client = try node.client()
        try await Each.of(names) { name in
            let query = [QueryItem("name", name)] + (time.map { [QueryItem("seconds", String($0))] } ?? [])
            return try await client.send(.post, "/v1/run/stop", query)["name"]?.string ?? name
        }
    }
}

struct KillCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kill", abstract: "Send containers of `swiftlet run` a signal.",
        discussion:
            "The program is process 1 of its container: a signal that it does not handle reaches it in vain, but for KILL and STOP."
    )

    @OptionGroup var node: NodeOptions
    @Option(name: [.short, .long], help: "Its name or number, such as HUP.") var signal = "KILL"
    @Argument(help: "Their names, or how their ids begin.") var names: [String]

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
        commandName: "wait", abstract: "Wait until containers of `swiftlet run` have ended; print their exit codes.",
        discussion: "One line each, in the order of the names. One that has ended already is not waited for.")

    @OptionGroup var node: NodeOptions
    @Argument(help: "Their names, or how their ids begin.") var names: [String]

    func run() async throws {
        try await node.client().waitForEnds(of: names) { Output.write("\($0)\n") }
    }
}

struct RemoveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rm", abstract: "Remove ended containers of `swiftlet run --detach`, with what they wrote.")

    @OptionGroup var node: NodeOptions
    @Flag(name: [.short, .long], help: "Also those that run: they are killed.") var force = false
    @Argument(help: "Their names, or how their ids begin.") var names: [String]

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
