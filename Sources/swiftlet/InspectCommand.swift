import APIMachinery
import ArgumentParser
import Daemon
import JSONTree

struct InspectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Show all that this node knows of a pod, a container or an image, as JSON.",
        discussion: "Of several names an array, without those that there are not. With --format a line each.")

    @OptionGroup var node: NodeOptions
    @Argument(help: "Pods (NAME, NAMESPACE/NAME, pod/NAME), containers' ID prefixes, or images' names or IDs.")
    var objects: [String]
    @Option(name: [.short, .long], help: "The pods' namespace (default: default).") var namespace: String?
    @Option(
        name: [.short, .long],
        help: "json, or a template with paths, such as {{.containers.0.state}}, {{json .labels}}, {{.State.Status}}.")
    var format: String?

    func validate() throws {
        do throws(DaemonError) {
            _ = try template()
            guard let namespace else { return }
            for object in objects { _ = try PodName(object, namespace: namespace) }
        } catch {
            throw ValidationError(error.description)
        }
    }

    private func template() throws(DaemonError) -> InspectTemplate? {
        try format.map { text throws(DaemonError) in try InspectTemplate(text) }
    }

    func run() async throws {
        let (client, template) = (try node.client(), try template())
        guard objects.count > 1 || template != nil else {
            return Output.write(try await document(objects[0], client))
        }
        let now = SystemTime().now()
        var (documents, hasFailed) = ([JSONValue](), false)
        for object in objects {
            do throws(DaemonError) {
                let document = try await document(object, client)
                if let template { Output.write(try template.text(of: document, now: now)) }
                documents.append(document)
            } catch {
                Output.note("\(object): \(error)")
                hasFailed = true
            }
        }
        if template == nil { Output.write(.array(documents)) }
        if hasFailed { throw ExitCode(Swiftlet.failureCode) }
    }

    private func document(_ object: String, _ client: NodeClient) async throws(DaemonError) -> JSONValue {
        do throws(DaemonError) {
            return try await podOrContainer(object, client)
        } catch {
            guard namespace == nil else { throw error }
            // What can be no pod's name is an image's.
            let isImage = (try? await client.hasImage(object)) ?? false
            guard isImage || (try? PodName(object)) == nil else { throw error }
            return try await client.image(object)
        }
    }

    private func podOrContainer(_ object: String, _ client: NodeClient) async throws(DaemonError) -> JSONValue {
        let (sandboxes, containers) = (try await client.sandboxes(), try await client.containers())
        // A runtime without a kubelet knows of no pods.
        let pods = (try? await client.pods()) ?? []
        return try NodeView.inspected(
            object, namespace: namespace, pods: pods, sandboxes: sandboxes, containers: containers)
    }
}
