import APIMachinery
import Client
import HTTP
import JSONTree
import KubernetesAPI
import Logging
import PKI
import Streaming

/// Serves machines that join: the authority's certificate to all, certificates for a node to whoever has a join token or is that node already,
/// which its certificate shows or, where that has ended, its password.
struct JoinEndpoint: HTTPHandler {
    let authority: CertificateAuthority
    let cluster: ClusterFacts
    /// The node that this server itself is.
    let ownNode: String
    /// With the rights to read tokens and to write nodes.
    let client: APIClient
    let time: any TimeSource
    let logger: Logger

    private static let bodyBytes = 64 << 10

    func handle(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
        do throws(Status) {
            switch (request.method, request.path) {
            case (.get, JoinPaths.authority): return HTTPResponse(["certificate": .string(authority.certificatePEM)])
            case (.post, JoinPaths.join): return HTTPResponse(try await join(request).json)
            default: throw .resourceNotFound()
            }
        } catch {
            return HTTPResponse(error)
        }
    }

    private func join(_ request: HTTPRequest) async throws(Status) -> JoinAnswer {
        // Who asks is found out before anything of what is asked is read, but for a password, which is in it.
        let certified = Self.node(of: request.peer)
        let bearer = Self.bearer(request)
        if certified == nil, let bearer { try await BootstrapTokens(client: client, time: time).check(bearer) }
        guard request.body.count <= Self.bodyBytes, let json = try? JSONValue(parsing: request.body),
            let asked = JoinRequest(json: json)
        else { throw .badRequest("a machine that joins gives its node name, a password and two signing requests") }
        if let certified, certified != asked.node {
            throw .forbidden(
                ResourceName("nodes"), asked.node, "the certificate of node \(certified) is good for that node alone")
        }
        if certified == nil, bearer == nil { try await checkPassword(asked) }
        try await claim(asked, isProven: certified != nil)
        let answer = try sign(asked)
        logger.info("node joined", metadata: ["node": "\(asked.node)", "renewal": "\(bearer == nil)"])
        return answer
    }

    /// The node whose certificate the peer has shown.
    private static func node(of peer: Peer) -> String? {
        let prefix = "system:node:"
        guard case .certificate(let name, let organizations) = peer, name.hasPrefix(prefix),
            organizations.contains("system:nodes")
        else { return nil }
        return String(name.dropFirst(prefix.count))
    }

    private static func bearer(_ request: HTTPRequest) -> String? {
        let prefix = "Bearer "
        guard let header = request.headers["Authorization"] else { return nil }
        return header.hasPrefix(prefix) ? String(header.dropFirst(prefix.count)) : ""
    }

    /// A node that is known needs nothing but the password that it joined with, which is as good as a key.
    private func checkPassword(_ asked: JoinRequest) async throws(Status) {
        guard let hash = try await current(asked.node)?.metadata.annotations[NodeClaim.annotation],
            Secrets.matches(asked.password, hash)
        else { throw .unauthorized("a join token is needed; get one on the server with `swiftlet token create`") }
    }

    /// Makes sure that the node's name is this machine's. Whoever creates the Node first has it.
    private func claim(_ asked: JoinRequest, isProven: Bool) async throws(Status) {
        for _ in 0..<3 {
            let node = try await current(asked.node)
            let claim = NodeClaim.decide(
                asked.node, password: asked.password, node: node, isProven: isProven, ownNode: ownNode)
            do throws(Status) {
                switch claim {
                case .proceed: return
                case .refuse(let why): throw Status(.forbidden, code: 403, why)
                case .create:
                    let hash = Secrets.hash(asked.password)
                    _ = try await client.create(
                        Node(name: asked.node) { $0.metadata.annotations[NodeClaim.annotation] = hash })
                    return
                case .bind:
                    guard var node else { return }
                    node.metadata.annotations[NodeClaim.annotation] = Secrets.hash(asked.password)
                    _ = try await client.update(node)
                    return
                }
            } catch {
                // Somebody was faster: look again.
                guard error.isReason(.alreadyExists) || error.isReason(.conflict) else { throw error }
            }
        }
        throw .serviceUnavailable("the node \(asked.node) is being changed; try again")
    }

    private func current(_ name: String) async throws(Status) -> Node? {
        guard FieldFormats.isNodeName(name) else { return nil }
        do throws(Status) {
            return try await client.get(Node.self, name)
        } catch {
            guard error.isReason(.notFound) else { throw error }
            return nil
        }
    }

    private func sign(_ asked: JoinRequest) throws(Status) -> JoinAnswer {
        let now = time.now().seconds
        do throws(PKIError) {
            return JoinAnswer(
                clientCertificate: try authority.sign(
                    asked.client, as: NodeIdentityRequests.client(asked.node), nowSeconds: now),
                kubeletCertificate: try authority.sign(
                    asked.kubelet, as: NodeIdentityRequests.kubelet(asked.node), nowSeconds: now), cluster: cluster)
        } catch {
            throw .badRequest("\(error)")
        }
    }
}

/// The API server with the paths of joining beside it.
struct ServerFront: HTTPHandler {
    let api: any HTTPHandler
    let join: JoinEndpoint

    func handle(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
        request.path.hasPrefix(JoinPaths.prefix) ? try await join.handle(request) : try await api.handle(request)
    }
}
