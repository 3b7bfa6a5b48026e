import APIMachinery
import APIServer
import Client
import HTTP
import JSONTree
import KubernetesAPI
import Logging
import PKI
import Store
import TestSupport
import Testing

@testable import Daemon

/// Joining against a real API server in this process.
@Suite struct JoinEndpointTests {
    private struct Scene {
        let time = ManualTime()
        let authority: CertificateAuthority
        let endpoint: JoinEndpoint
        let client: APIClient
        let server: APIServer
        let password = Secrets.make()

        init() async throws {
            authority = try CertificateAuthority(commonName: "ca", nowSeconds: time.now().seconds)
            server = try APIServer(store: MemoryStore(), time: time)
            try await server.start()
            client = APIClient(
                handler: server, peer: .inProcess(user: "admin", groups: ["system:masters"]), userAgent: "test")
            endpoint = JoinEndpoint(
                authority: authority,
                cluster: ClusterFacts(
                    clusterNetwork: "10.42.0.0/16", serviceNetwork: "10.43.0.0/16", clusterDomain: "cluster.local"),
                ownNode: "server", client: client, time: time,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        }

        func token(_ lifetime: Duration? = nil) async throws -> JoinToken {
            let token = JoinToken(authority: try PinnedAuthority(pem: authority.certificatePEM, object: "ca"))
            try await BootstrapTokens(client: client, time: time).add(token, lifetime: lifetime, description: "")
            return token
        }

        /// The status and, where there is one, the answer.
        func join(
            _ node: String, _ bearer: String?, password: String? = nil, peer: Peer = .anonymous
        ) async throws -> (Int, JoinAnswer?, SigningRequest) {
            let asked = try SigningRequest(commonName: node)
            let body = JoinRequest(
                node: node, password: password ?? self.password, client: asked.requestPEM, kubelet: asked.requestPEM)
            var request = HTTPRequest(.post, JoinPaths.join, body: body.json.encoded(), peer: peer)
            request.headers["Authorization"] = bearer.map { "Bearer \($0)" }
            let response = try await endpoint.handle(request)
            let value = try JSONValue(parsing: try await response.bytes(limit: 1 << 20))
            return (response.status, JoinAnswer(json: value), asked)
        }
    }

    @Test func aTokenGivesTheNodesOwnCertificates() async throws {
        let scene = try await Scene()
        let (status, answer, key) = try await scene.join("a", try await scene.token().bearer)
        #expect(status == 200)
        let given = try #require(answer)
        let client = try key.credential(certificatePEM: given.clientCertificate, object: "client")
        #expect(client.says(.client(commonName: "system:node:a", organizations: ["system:nodes"])))
        let kubelet = try key.credential(certificatePEM: given.kubeletCertificate, object: "kubelet")
        #expect(kubelet.says(.server(commonName: "a", dnsNames: ["a.node.swiftlet.internal"], addresses: [])))
        #expect(client.isIssued(by: scene.authority) && kubelet.isIssued(by: scene.authority))
        #expect(try await scene.client.get(Node.self, "a").metadata.annotations[NodeClaim.annotation] != nil)
        await scene.server.stop()
    }

    @Test func whoHasNoGoodTokenGetsNothing() async throws {
        let scene = try await Scene()
        let token = try await scene.token(.seconds(10))
        #expect(try await scene.join("a", nil).0 == 401)
        #expect(try await scene.join("a", "x").0 == 401)
        #expect(try await scene.join("a", token.id + ".0123456789abcdef").0 == 401)
        #expect(try await scene.join("a", "zzzzzz." + token.secret).0 == 401)
        scene.time.advance(by: .seconds(10))
        #expect(try await scene.join("a", token.bearer).0 == 401)
        await #expect(throws: Status.self) { try await scene.client.get(Node.self, "a") }
        await scene.server.stop()
    }

    @Test func aNodesNameIsBoundToItsMachine() async throws {
        let scene = try await Scene()
        let token = try await scene.token().bearer
        #expect(try await scene.join("a", token).0 == 200)
        #expect(try await scene.join("a", token).0 == 200)
        #expect(try await scene.join("a", token, password: Secrets.make()).0 == 403)
        #expect(try await scene.join("server", token).0 == 403)
        // Its certificate is good for its own name, and for no other.
        let certificate = Peer.certificate(commonName: "system:node:a", organizations: ["system:nodes"])
        let fresh = Secrets.make()
        #expect(try await scene.join("a", nil, password: fresh, peer: certificate).0 == 200)
        #expect(try await scene.join("a", token, password: fresh).0 == 200)
        #expect(try await scene.join("b", nil, peer: certificate).0 == 403)
        let admin = Peer.certificate(commonName: "kubernetes-admin", organizations: ["system:masters"])
        #expect(try await scene.join("b", nil, peer: admin).0 == 401)
        // Deleting the node frees the name.
        try await scene.client.delete(Node.self, "a")
        #expect(try await scene.join("a", token, password: Secrets.make()).0 == 200)
        await scene.server.stop()
    }

    /// What a machine has left whose certificate ended while it was off, or by a clock that was set.
    @Test func aKnownNodesPasswordIsAProof() async throws {
        let scene = try await Scene()
        #expect(try await scene.join("a", nil).0 == 401)
        #expect(try await scene.join("a", try await scene.token().bearer).0 == 200)
        #expect(try await scene.join("a", nil).0 == 200)
        #expect(try await scene.join("a", nil, password: Secrets.make()).0 == 401)
        #expect(try await scene.join("b", nil).0 == 401)
        // A token that is not good is no better for the password beside it.
        #expect(try await scene.join("a", "x").0 == 401)
        // A node that was deleted needs a token again.
        try await scene.client.delete(Node.self, "a")
        #expect(try await scene.join("a", nil).0 == 401)
        await scene.server.stop()
    }
}
