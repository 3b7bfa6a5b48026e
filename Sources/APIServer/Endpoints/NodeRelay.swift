import APIMachinery
import HTTP
import JSONTree
import KubernetesAPI

/// Passes a request for a pod on to the agent of its node, and the answer back: a log that streams, or a WebSocket.
struct NodeRelay: Sendable {
    let nodes: any NodeProxy

    func logs(_ request: ResourceRequest, _ pod: Pod) async throws(Status) -> HTTPResponse {
        let container = try container(request, pod)
        let node = pod.spec.nodeName ?? ""
        // Nothing has run: there is no log, and that is no failure.
        guard !node.isEmpty else {
            throw .badRequest("pod \(pod.metadata.name) does not have a host assigned")
        }
        let path = "/containerLogs/\(pod.metadata.namespace)/\(pod.metadata.name)/\(container)"
        let query = request.http.query.filter { $0.name != "container" && $0.name != "insecureSkipTLSVerifyBackend" }
        let response = try await send(.get, path, query, request, node, upgrades: false)
        return try WebSocketBody.carrying(response, for: request.http)
    }

    /// `exec` and `attach`.
    func session(_ kind: String, _ request: ResourceRequest, _ pod: Pod) async throws(Status) -> HTTPResponse {
        let container = try container(request, pod)
        let node = try node(of: pod)
        let path = "/\(kind)/\(pod.metadata.namespace)/\(pod.metadata.name)/\(container)"
        let names = ["stdin": "input", "stdout": "output", "stderr": "error", "tty": "tty"]
        let query = request.http.query.filter { $0.name != "container" }.map { item in
            names[item.name].map { QueryItem($0, item.flag ? "1" : "0") } ?? item
        }
        return try await send(request.http.method, path, query, request, node)
    }

    func portForward(_ request: ResourceRequest, _ pod: Pod) async throws(Status) -> HTTPResponse {
        let path = "/portForward/\(pod.metadata.namespace)/\(pod.metadata.name)"
        // The node knows them by another name, as upstream's does.
        let ports = request.http.query.filter { $0.name == "ports" }.map { QueryItem("port", $0.value) }
        return try await send(request.http.method, path, ports, request, try node(of: pod))
    }

    /// What a node tells of itself: its figures, its pods, its health. Nothing that changes something or reaches into a container goes this way.
    func proxy(_ request: ResourceRequest) async throws(Status) -> HTTPResponse {
        guard request.verb == .get else { throw .methodNotAllowed(request.resource.name, request.verb.rawValue) }
        let path = request.http.path.split(separator: "/").dropFirst(5).joined(separator: "/")
        guard ["healthz", "pods", "stats/summary", "metrics/resource", "metrics/cadvisor"].contains(path) else {
            throw .resourceNotFound()
        }
        return try await send(.get, "/" + path, [], request, request.name)
    }

    private func node(of pod: Pod) throws(Status) -> String {
        let node = pod.spec.nodeName ?? ""
        guard !node.isEmpty else { throw .badRequest("pod \(pod.metadata.name) does not have a host assigned") }
        return node
    }

    /// The container that is meant: the one named, or the only one, or the one that the pod names as its default.
    private func container(_ request: ResourceRequest, _ pod: Pod) throws(Status) -> String {
        let spec = pod.spec
        let containers = spec.containers.map { $0.name }
        let all = containers + spec.initContainers.map { $0.name } + spec.ephemeralContainers.map { $0.name }
        if let name = request.http.query("container"), !name.isEmpty {
            guard all.contains(name) else {
                throw .badRequest("container \(name) is not valid for pod \(pod.metadata.name)")
            }
            return name
        }
        if containers.count == 1, let only = containers.first { return only }
        if let chosen = pod.metadata.annotations["kubectl.kubernetes.io/default-container"], all.contains(chosen) {
            return chosen
        }
        throw .badRequest(
            "a container name must be specified for pod \(pod.metadata.name), choose one of: [\(all.joined(separator: " "))]"
        )
    }

    /// Only what the session needs goes along: no credential of the caller leaves this server.
    private static let forwardedHeaders = ["Accept"] + upgradeHeaders
    private static let upgradeHeaders = [
        "Sec-WebSocket-Protocol", "Sec-WebSocket-Key", "Sec-WebSocket-Version", "Upgrade", "Connection",
        "X-Stream-Protocol-Version",
    ]

    /// - Parameter upgrades: whether the connection may become another, as the caller asks.
    private func send(
        _ method: HTTPMethod, _ path: String, _ query: [QueryItem], _ request: ResourceRequest, _ node: String,
        upgrades: Bool = true
    ) async throws(Status) -> HTTPResponse {
        var headers = HTTPHeaders()
        for name in upgrades ? Self.forwardedHeaders : ["Accept"] {
            for value in request.http.headers.values(name) { headers.add(name, value) }
        }
        let forwarded = HTTPRequest(
            method, path, query: query, headers: headers,
            peer: .inProcess(user: "system:apiserver", groups: ["system:masters"]))
        do throws(HTTPError) {
            return try await nodes.kubelet(onNode: node).handle(forwarded)
        } catch {
            throw .serviceUnavailable("node \"\(node)\" cannot be reached: \(error)")
        }
    }
}
