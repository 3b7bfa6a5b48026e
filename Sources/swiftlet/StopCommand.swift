import ArgumentParser
import Daemon
import HTTP

struct StopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop", abstract: "End containers that `swiftlet run` has started.",
        discussion: "Each is sent its image's stop signal, and killed when its time is over.")

    @OptionGroup var node: NodeOptions
    @Option(name: [.customShort("t"), .long], help: "Seconds that each has to end by itself.") var time: UInt32 = 10
    @Argument(help: "Their names, or how their ids begin.") var names: [String]

    func run() async throws {
        let client = try node.client()
        for name in names {
            let query = [QueryItem("name", name), QueryItem("seconds", String(time))]
            let stopped = try await client.send(.post, "/v1/run/stop", query)
            Output.write((stopped["name"]?.string ?? name) + "\n")
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
        for name in names {
            let query = [QueryItem("name", name), QueryItem("force", force ? "true" : "false")]
            let removed = try await client.send(.delete, "/v1/run", query)
            Output.write((removed["name"]?.string ?? name) + "\n")
        }
    }
}
