import ArgumentParser
import Daemon
import JSONTree

struct InspectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Show all that this node knows of a pod, a container or an image, as JSON.")

    @OptionGroup var node: NodeOptions
    @Argument(help: "A pod (NAME, NAMESPACE/NAME, pod/NAME), a container's ID prefix, or an image's name or ID.")
    var object: String
    @Option(name: [.short, .long], help: "The pod's namespace (default: default).") var namespace: String?

    func validate() throws {
        guard let namespace else { return }
        do throws(DaemonError) { _ = try PodName(object, namespace: namespace) } catch {
            throw ValidationError(error.description)
        }
    }

    func run() async throws {
        let client = try node.client()
        do throws(DaemonError) {
            Output.write(try await podOrContainer(client))
        } catch {
            guard namespace == nil else { throw error }
            // What can be no pod's name is an image's.
            let isImage = (try? await client.hasImage(object)) ?? false
            guard isImage || (try? PodName(object)) == nil else { throw error }
            Output.write(try await client.image(object))
        }
    }

    private func podOrContainer(_ client: NodeClient) async throws(DaemonError) -> JSONValue {
        let (sandboxes, containers) = (try await client.sandboxes(), try await client.containers())
        // A runtime without a kubelet knows of no pods.
        let pods = (try? await client.pods()) ?? []
        return try NodeView.inspected(
            object, namespace: namespace, pods: pods, sandboxes: sandboxes, containers: containers)
    }
}
