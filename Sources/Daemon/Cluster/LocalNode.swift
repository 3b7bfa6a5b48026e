import APIServer
import HTTP
import Synchronization

/// Leads what the API server asks of a node to this process's own kubelet.
final class LocalNode: NodeProxy {
    private let name: String
    private let endpoint = Mutex<(any HTTPHandler)?>(nil)

    init(name: String) {
        self.name = name
    }

    /// From now on the node can be reached.
    func serve(_ handler: any HTTPHandler) {
        endpoint.withLock { $0 = handler }
    }

    func kubelet(onNode node: String) async throws(HTTPError) -> any HTTPHandler {
        guard node == name else {
            throw .connectFailed(endpoint: node, reason: "this server has no other node than \(name)")
        }
        guard let handler = endpoint.withLock({ $0 }) else {
            throw .connectFailed(endpoint: node, reason: "its kubelet is still starting")
        }
        return handler
    }
}
