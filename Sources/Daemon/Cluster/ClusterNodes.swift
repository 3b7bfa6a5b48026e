import APIServer
import Client
import HTTP
import KubernetesAPI
import PKI
import Synchronization
import Transport

/// Leads what the API server asks of a node to this process's own kubelet, or over HTTPS to that of another machine.
final class ClusterNodes: NodeProxy {
    private struct State {
        var own: (any HTTPHandler)?
        var way: Way?
    }

    /// How other machines are reached.
    private struct Way {
        var client: APIClient
        var credential: Credential
        var authorityPEM: String
    }

    private let name: String
    private let threads: IOThreads
    private let state = Mutex(State())

    /// - Parameter name: of the node that this process is itself.
    init(name: String, threads: IOThreads) {
        self.name = name
        self.threads = threads
    }

    /// From now on this process's node can be reached.
    func serve(_ handler: any HTTPHandler) {
        state.withLock { $0.own = handler }
    }

    /// From now on other nodes can be reached.
    /// - Parameters:
    ///   - client: reads nodes, for their addresses.
    ///   - credentials: as whom their kubelets know us. May be called again with renewed ones.
    func reach(through client: APIClient, as credentials: ClusterCredentials) {
        state.withLock {
            $0.way = Way(
                client: client, credential: credentials.kubeletClient,
                authorityPEM: credentials.authority.certificatePEM)
        }
    }

    func kubelet(onNode node: String) async throws(HTTPError) -> any HTTPHandler {
        if node == name {
            guard let own = state.withLock({ $0.own }) else {
                throw .connectFailed(endpoint: node, reason: "its kubelet is still starting")
            }
            return own
        }
        guard let way = state.withLock({ $0.way }) else {
            throw .connectFailed(endpoint: node, reason: "the server is still starting")
        }
        let (host, port) = try await Self.address(of: node, way.client)
        var limits = ClientLimits()
        limits.idleConnections = 0
        let tls = ClientTLS(
            trust: .authority(way.authorityPEM), certificatePEM: way.credential.certificatePEM,
            keyPEM: way.credential.keyPEM, serverName: NodeIdentityRequests.serverName(node))
        do throws(TransportError) {
            return RemoteKubelet(
                client: try HTTPClient(.https(host: host, port: port, tls), limits: limits, threads: threads))
        } catch {
            throw .connectFailed(endpoint: node, reason: "\(error)")
        }
    }

    private static func address(of node: String, _ client: APIClient) async throws(HTTPError) -> (String, Int) {
        let object: Node
        do {
            object = try await client.get(Node.self, node)
        } catch {
            throw .connectFailed(endpoint: node, reason: "\(error.message)")
        }
        let port = Int(object.status.daemonEndpoints.kubeletEndpoint.port)
        guard let address = object.internalAddress, port > 0 else {
            throw .connectFailed(endpoint: node, reason: "it has not said yet where it is reached")
        }
        return (address, port)
    }
}

extension Node {
    /// The address that other machines reach it by.
    var internalAddress: String? { self.status.addresses.first { $0.type == "InternalIP" }?.address }
}
