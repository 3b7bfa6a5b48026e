import APIMachinery
import Client
import HTTP
import JSONTree
import KubernetesAPI
import PKI
import Testing

/// Tokens of service accounts that are kept in secrets.
@Suite struct SecretTokenTests {
    private static let type = "kubernetes.io/service-account-token"
    private static let uid = "kubernetes.io/service-account.uid"

    private static func secret(_ name: String, of account: String, uid: String? = nil) -> Secret {
        Secret(name: name, namespace: "default") { secret in
            secret.type = type
            secret.metadata.annotations = ["kubernetes.io/service-account.name": account]
            secret.metadata.annotations[Self.uid] = uid
        }
    }

    /// Who the bearer is to the server; nil where it takes no such token.
    private static func user(_ token: String, _ cluster: TestCluster) async throws -> String? {
        let request = HTTPRequest(
            .post, "/apis/authentication.k8s.io/v1/selfsubjectreviews",
            headers: ["Authorization": "Bearer \(token)"], body: Array("{}".utf8), peer: .anonymous)
        guard case .parts(let parts) = try await cluster.server.handle(request).body else { return nil }
        return try JSONValue(parsing: parts.flatMap { $0 })["status"]?["userInfo"]?["username"]?.string
    }

    /// Waits for a token in the secret, another than `old`.
    private static func token(_ name: String, _ cluster: TestCluster, after old: String? = nil) async throws -> String {
        let changes = cluster.informers.secrets.subscribe()
        for await _ in changes {
            let secret = try await cluster.direct.get(Secret.self, name, in: "default")
            let token = String(decoding: secret.data["token"]?.array ?? [], as: UTF8.self)
            if !token.isEmpty, token != old { return token }
        }
        return ""
    }

    @Test func aSecretIsFilledIn() async throws {
        try await TestCluster.run { cluster in
            let account = try await cluster.client.create(ServiceAccount(name: "robot", namespace: "default"))
            _ = try await cluster.client.create(Self.secret("key", of: "robot"))
            let token = try await Self.token("key", cluster)
            let secret = try await cluster.client.get(Secret.self, "key", in: "default")
            #expect(secret.data["ca.crt"] == Bytes("CERTIFICATE".utf8))
            #expect(secret.data["namespace"] == Bytes("default".utf8))
            #expect(secret.metadata.annotations[Self.uid] == account.metadata.uid)
            #expect(try await Self.user(token, cluster) == "system:serviceaccount:default:robot")

            // A token that is taken out of its secret is good no longer, and another comes.
            _ = try await cluster.client.modify(Secret.self, "key", in: "default") { $0.data["token"] = nil }
            let next = try await Self.token("key", cluster, after: token)
            #expect(try await Self.user(token, cluster) == nil)
            #expect(try await Self.user(next, cluster) == "system:serviceaccount:default:robot")

            try await cluster.client.delete(ServiceAccount.self, "robot", in: "default")
            #expect(try await Self.user(next, cluster) == nil)
            try await cluster.until(cluster.informers.secrets) { !$0.contains { $0.metadata.name == "key" } }
        }
    }

    @Test func aSecretOfNoAccountGoes() async throws {
        try await TestCluster.run { cluster in
            _ = try await cluster.client.create(ServiceAccount(name: "robot", namespace: "default"))
            _ = try await cluster.client.create(Self.secret("missing", of: "nobody"))
            _ = try await cluster.client.create(Self.secret("former", of: "robot", uid: "another"))
            _ = try await cluster.client.create(Self.secret("kept", of: "robot"))
            _ = try await Self.token("kept", cluster)
            try await cluster.until(cluster.informers.secrets) { secrets in
                secrets.filter { $0.type == Self.type }.map(\.metadata.name) == ["kept"]
            }
        }
    }

    private static let hold = ["test.io/hold"]

    @Test func aTokenIsGoodNoLongerOnceItsDeletionIsAskedFor() async throws {
        try await TestCluster.run { cluster in
            _ = try await cluster.client.create(
                ServiceAccount(name: "robot", namespace: "default") { $0.metadata.finalizers = Self.hold })
            for name in ["one", "two"] {
                var secret = Self.secret(name, of: "robot")
                secret.metadata.finalizers = Self.hold
                _ = try await cluster.client.create(secret)
            }
            let tokens = [try await Self.token("one", cluster), try await Self.token("two", cluster)]
            try await cluster.client.delete(Secret.self, "one", in: "default")
            #expect(try await cluster.client.get(Secret.self, "one", in: "default").metadata.deletionTimestamp != nil)
            #expect(try await Self.user(tokens[0], cluster) == nil)
            #expect(try await Self.user(tokens[1], cluster) == "system:serviceaccount:default:robot")
            try await cluster.client.delete(ServiceAccount.self, "robot", in: "default")
            _ = try await cluster.client.get(ServiceAccount.self, "robot", in: "default")
            #expect(try await Self.user(tokens[1], cluster) == nil)
        }
    }

    @Test func theTokenIsOfWhomTheSecretNamesWhenItIsRead() async throws {
        let interruption = Interruption(of: ["GET /api/v1/namespaces/default/secrets/key"]) { client in
            _ = try await client.modify(Secret.self, "key", in: "default") {
                $0.metadata.annotations["kubernetes.io/service-account.name"] = "other"
            }
        }
        try await TestCluster.run(handler: interruption.interrupted) { cluster in
            for name in ["robot", "other"] {
                _ = try await cluster.client.create(ServiceAccount(name: name, namespace: "default"))
            }
            _ = try await cluster.client.create(Self.secret("key", of: "robot"))
            let token = try await Self.token("key", cluster)
            #expect(try await Self.user(token, cluster) == "system:serviceaccount:default:other")
        }
    }

    @Test func aSecretThatIsBeingDeletedGetsNoToken() async throws {
        let interruption = Interruption(of: ["GET /api/v1/namespaces/default/secrets/key"]) { client in
            try await client.delete(Secret.self, "key", in: "default")
        }
        try await TestCluster.run(handler: interruption.interrupted) { cluster in
            _ = try await cluster.client.create(ServiceAccount(name: "robot", namespace: "default"))
            var secret = Self.secret("key", of: "robot")
            secret.metadata.finalizers = Self.hold
            _ = try await cluster.client.create(secret)
            try await cluster.until(cluster.informers.secrets) { secrets in
                secrets.contains { $0.metadata.name == "key" && $0.metadata.deletionTimestamp != nil }
            }
            // One after the other: when this one has its token, the first was done with.
            _ = try await cluster.client.create(Self.secret("next", of: "robot"))
            _ = try await Self.token("next", cluster)
            #expect(try await cluster.direct.get(Secret.self, "key", in: "default").data["token"] == nil)
        }
    }
}
