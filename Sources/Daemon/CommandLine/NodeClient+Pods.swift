import HTTP
import JSONTree
import OCI

/// What the node's agent lists, as the commands print it.
extension NodeClient {
    package func images() async throws(DaemonError) -> [JSONValue] {
        try await get("/v1/images").array ?? []
    }

    /// Whether the node has an image of this name, or whose id begins so (twelve digits, as `swiftlet images` prints it, are enough).
    package func hasImage(_ name: String) async throws(DaemonError) -> Bool {
        let reference = try DaemonError.wrapping(name) { () throws(OCIError) in try ImageReference(name).description }
        return try await images().contains { Self.isCalled($0, name, reference) }
    }

    /// - Parameter reference: the name in full.
    static func isCalled(_ image: JSONValue, _ name: String, _ reference: String) -> Bool {
        let kind = "sha256:"
        let beginning = name.hasPrefix(kind) ? name : name.utf8.count >= 12 ? kind + name : nil
        return (image["repoTags"]?.array ?? []).contains(.string(reference))
            || (image["repoDigests"]?.array ?? []).contains(.string(reference))
            || beginning.map { image["id"]?.string?.hasPrefix($0) == true } ?? false
    }

    /// All that the node knows of an image.
    package func image(_ name: String) async throws(DaemonError) -> JSONValue {
        try await get("/v1/images/inspect", [QueryItem("name", name)])
    }

    package func sandboxes() async throws(DaemonError) -> [JSONValue] {
        try await get("/v1/sandboxes").array ?? []
    }

    /// Each with what it has of its sandbox: the namespace and name of its pod, as `pod`, `addresses` and `ports`. The earliest made is the first.
    package func containers() async throws(DaemonError) -> [JSONValue] {
        let sandboxes = NodeView.byID(try await sandboxes())
        return (try await get("/v1/containers").array ?? []).map { container in
            guard var object = container.object,
                let sandbox = container["podSandboxId"]?.string.flatMap({ sandboxes[$0] })
            else { return container }
            object["pod"] = .string(NodeView.podName(of: sandbox))
            for name in ["addresses", "ports"] { object[name] = sandbox[name] }
            return .object(object)
        }
    }

    /// The pods as the kubelet has them, with their specs.
    package func pods() async throws(DaemonError) -> [JSONValue] {
        try await get("/pods")["items"]?.array ?? []
    }

    /// The same where it may be a container of `swiftlet run` that is meant.
    private func pod(_ name: PodName, _ text: String, _ sandboxes: [JSONValue]) async throws(DaemonError) -> JSONValue {
        // A runtime without a kubelet knows of no pods; who has one here is for another to say.
        let isHere = sandboxes.contains { NodeView.isPod($0, name) }
        let pods = isHere ? try await pods() : (try? await pods()) ?? []
        guard let pod = pods.first(where: { NodeView.isPod($0, name) }) else {
            throw DaemonError(
                "this node has no pod \(name), and `swiftlet run` no container \(text); `swiftlet pods` and `swiftlet ps --all` "
                    + "list what there is\(name.hint)")
        }
        return pod
    }

    /// The pod and the container that a command means: by the pod's name and, where it is given, the container's; else the pod's default, else its first. Or one of
    /// `swiftlet run`, by its name or id.
    package func container(
        _ wanted: String?, of text: String, namespace: String?
    ) async throws(DaemonError) -> (pod: PodName, choice: NodeView.ContainerChoice) {
        let (sandboxes, containers) = (try await sandboxes(), try await containers())
        if wanted == nil, namespace == nil, let run = NodeView.run(text, sandboxes, containers) {
            return (PodName(namespace: RunSpec.namespace, name: run), NodeView.ContainerChoice(name: run))
        }
        let name = try PodName(text, namespace: namespace)
        return (name, try NodeView.choose(wanted, in: try await pod(name, text, sandboxes), name))
    }
}

/// Pure looks into what the node's agent lists.
package enum NodeView {
    package struct ContainerChoice: Sendable, Hashable {
        package var name: String
        /// What to tell a person who named none of several.
        package var note: String?
    }

    static func byID(_ objects: [JSONValue]) -> [String: JSONValue] {
        Dictionary(objects.compactMap { object in object["id"]?.string.map { ($0, object) } }) { $1 }
    }

    /// Its namespace and name.
    static func podName(of sandbox: JSONValue) -> String {
        "\(sandbox["metadata"]?["namespace"]?.string ?? "")/\(sandbox["metadata"]?["name"]?.string ?? "")"
    }

    /// The name of what `swiftlet run` has made, by its name, by the same as `swiftlet ps` shows it, or by how its id begins; nil where the text is the name of
    /// a pod, or of nothing.
    static func run(_ text: String, _ sandboxes: [JSONValue], _ containers: [JSONValue]) -> String? {
        let runs = sandboxes.filter { $0["metadata"]?["namespace"]?.string == RunSpec.namespace }
        let prefix = RunSpec.namespace + "/"
        let wanted = text.hasPrefix(prefix) ? String(text.dropFirst(prefix.count)) : text
        let named = runs.first { $0["metadata"]?["name"]?.string == wanted }
        if text.hasPrefix(prefix) { return named == nil ? nil : wanted }
        let pod = PodName(namespace: "default", name: text)
        guard !text.isEmpty, !sandboxes.contains(where: { isPod($0, pod) }) else { return nil }
        if named != nil { return wanted }
        let ids = Set(runs.compactMap { $0["id"]?.string })
        let found = matching(text, containers).filter { ids.contains($0["podSandboxId"]?.string ?? "") }
        return found.count == 1 ? found[0]["metadata"]?["name"]?.string : nil
    }

    /// The last that were made, of those in the order of that; the newest is the first.
    package static func last(_ count: Int, of containers: [JSONValue]) -> [JSONValue] {
        containers.suffix(count).reversed()
    }

    /// What `swiftlet ps` shows: those that run or are to, or all.
    package static func listed(_ containers: [JSONValue], all: Bool) -> [JSONValue] {
        all ? containers : containers.filter { ["running", "restarting"].contains(state(of: $0)) }
    }

    /// The CRI's word, or `restarting`: it has ended, and its policy is to start it again.
    static func state(of container: JSONValue) -> String {
        container["restarting"]?.bool == true ? "restarting" : container["state"]?.string ?? ""
    }

    /// What a container is called: its name where `swiftlet run` has made it, else as events call it, NAMESPACE/POD/NAME.
    static func shownName(of container: JSONValue) -> String {
        let (pod, name) = (container["pod"]?.string ?? "", container["metadata"]?["name"]?.string ?? "")
        return pod.hasPrefix(RunSpec.namespace + "/") ? name : "\(pod)/\(name)"
    }

    package static func isPod(_ object: JSONValue, _ name: PodName) -> Bool {
        object["metadata"]?["name"]?.string == name.name && object["metadata"]?["namespace"]?.string == name.namespace
    }

    package static func choose(
        _ wanted: String?, in pod: JSONValue, _ name: PodName
    ) throws(DaemonError) -> ContainerChoice {
        let main = names("containers", of: pod)
        let known = main + names("initContainers", of: pod)
        if let wanted {
            guard known.contains(wanted) else {
                throw DaemonError("pod \(name) has no container \"\(wanted)\"; it has \(known.joined(separator: ", "))")
            }
            return ContainerChoice(name: wanted)
        }
        let annotated = pod["metadata"]?["annotations"]?["kubectl.kubernetes.io/default-container"]?.string
        if let annotated, known.contains(annotated) { return ContainerChoice(name: annotated) }
        guard let first = main.first else { throw DaemonError("pod \(name) has no containers") }
        let note = "container \(first) taken, of \(known.joined(separator: ", ")); choose with -c"
        return ContainerChoice(name: first, note: known.count > 1 ? note : nil)
    }

    private static func names(_ list: String, of pod: JSONValue) -> [String] {
        (pod["spec"]?[list]?.array ?? []).compactMap { $0["name"]?.string }
    }

    /// The objects whose `id` begins with `prefix`, or that of their present attempt.
    package static func matching(_ prefix: String, _ objects: [JSONValue]) -> [JSONValue] {
        objects.filter { object in
            [object["id"], object["attemptId"]].contains { $0?.string?.hasPrefix(prefix) ?? false }
        }
    }
}

extension NodeView {
    /// What `swiftlet inspect` shows: a pod by its name, with its sandboxes and containers, also what is still there of one that the API has no more;
    /// so too what `swiftlet run` runs under this name; else the one container whose id begins with the text.
    package static func inspected(
        _ text: String, namespace: String?, pods: [JSONValue], sandboxes: [JSONValue], containers: [JSONValue]
    ) throws(DaemonError) -> JSONValue {
        let name = try PodName(text, namespace: namespace)
        let object = pods.first { isPod($0, name) }
        let run = namespace == nil ? PodName(namespace: RunSpec.namespace, name: text) : name
        let ofPod = sandboxes.filter { isPod($0, name) }
        let own = object == nil && ofPod.isEmpty ? sandboxes.filter { isPod($0, run) } : ofPod
        if object != nil || !own.isEmpty {
            let ids = Set(own.compactMap { $0["id"]?.string })
            let members = containers.filter { ids.contains($0["podSandboxId"]?.string ?? "") }
            return ["pod": object ?? .null, "sandboxes": .array(own), "containers": .array(members)]
        }
        let found = matching(text, containers)
        guard found.count < 2 else {
            throw DaemonError("\(found.count) containers' ids begin with \"\(text)\"; give more of it")
        }
        guard let container = found.first else {
            throw DaemonError(
                "this node has no pod \(name), no container whose id begins with \"\(text)\", and no image of this name; "
                    + "`swiftlet pods`, `swiftlet ps --all` and `swiftlet images` list what it has\(name.hint)")
        }
        return container
    }
}
