import ArgumentParser
import Daemon
import JSONTree

struct InspectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Show all that this node knows of a pod or a container, as JSON.")

    @OptionGroup var node: NodeOptions
    @Argument(help: "pod/NAME, pod/NAMESPACE/NAME, or the beginning of a container's id.") var object: String

    func run() async throws {
        let client = try node.client()
        if object.contains("/") {
            Output.write(try await client.describe(try PodName(object)))
            return
        }
        let found = NodeView.matching(object, try await client.containers())
        guard found.count == 1, let container = found.first else {
            let what = found.isEmpty ? "no container's id begins" : "\(found.count) containers' ids begin"
            throw DaemonError("\(what) with \"\(object)\"; `swiftlet ps` lists them, and a pod is written pod/NAME")
        }
        Output.write(container)
    }
}
