import ArgumentParser
import Daemon

struct ShutdownCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shutdown", abstract: "End all pods of this node in order: the machine shuts down.",
        discussion:
            "What swiftlet-shutdown.service does. The node says that it is not ready and takes no pods any more; "
            + "critical pods end last. Pods that a controller made are made again when a daemon starts.")

    @OptionGroup var node: NodeOptions

    func run() async throws {
        let answer = try await node.client().send(.post, "/v1/shutdown")
        let left = answer["left"]?.array?.compactMap(\.string) ?? []
        guard left.isEmpty else { throw DaemonError("still running: \(left.joined(separator: ", "))") }
        Output.write("all pods have ended\n")
    }
}
