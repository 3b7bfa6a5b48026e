import ArgumentParser
import Daemon
import JSONTree

struct InspectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Show all that this node knows of a pod or a container, as JSON.")

    @OptionGroup var node: NodeOptions
    @Argument(help: "A pod (NAME, NAMESPACE/NAME, pod/NAME), or how a container's id begins.") var object: String
    @Option(name: [.short, .long], help: "The pod's namespace (default: default).") var namespace: String?

    func validate() throws {
        do throws(DaemonError) { _ = try PodName(object, namespace: namespace) } catch {
            throw ValidationError(error.description)
        }
    }

    func run() async throws {
        let client = try node.client()
        let (sandboxes, containers) = (try await client.sandboxes(), try await client.containers())
        // A runtime without a kubelet knows of no pods.
        let pods = (try? await client.pods()) ?? []
        Output.write(
            try NodeView.inspected(
                object, namespace: namespace, pods: pods, sandboxes: sandboxes, containers: containers))
    }
}
