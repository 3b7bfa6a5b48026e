import APIMachinery
import Client
import HTTP
import JSONTree
import KubernetesAPI
import PKI

/// The secrets by which machines join, kept as Secrets of Kubernetes' bootstrap token type in `kube-system`.
package struct BootstrapTokens: Sendable {
    private let client: APIClient
    private let time: any TimeSource

    static let namespace = "kube-system"
    static let type = "bootstrap.kubernetes.io/token"

    package init(client: APIClient, time: any TimeSource = SystemTime()) {
        self.client = client
        self.time = time
    }

    /// Keeps a new token.
    /// - Parameter lifetime: nil for a token that never expires.
    package func add(_ token: JoinToken, lifetime: Duration?, description: String) async throws(DaemonError) {
        let expiration = lifetime.map { time.now() + $0 }
        try await wrapping("token not made") { () async throws(Status) in
            _ = try await client.create(
                BootstrapToken.secret(token, expiration: expiration, description: description))
        }
    }

    /// All of them, expired ones too, in order of their ids.
    package func list() async throws(DaemonError) -> [BootstrapToken] {
        try await wrapping("tokens not listed") { () async throws(Status) in
            var options = ListOptions()
            options.fieldSelector = "type=\(Self.type)"
            return try await client.list(Secret.self, in: Self.namespace, options: options).items
                .compactMap { BootstrapToken($0) }
        }
    }

    /// - Parameter id: the token's id; of a whole token its id counts.
    package func remove(_ id: String) async throws(DaemonError) {
        let id = JoinToken(id)?.id ?? JoinToken.credential(id)?.id ?? id
        guard JoinToken.isPlain(id, length: 6) else {
            throw DaemonError("\"\(id)\" is no token and no token's id, which is six letters and digits")
        }
        try await wrapping("token \(id) not deleted") { () async throws(Status) in
            try await client.delete(Secret.self, BootstrapToken.secretName(id), in: Self.namespace)
        }
    }

    /// Returns where the bearer may join. Throws 401 with the reason; that a token has expired is told only to those who have its secret.
    func check(_ bearer: String) async throws(Status) {
        guard let shown = JoinToken.credential(bearer) else {
            throw .unauthorized("this is no join token; get one on the server with `swiftlet token create`")
        }
        let token: BootstrapToken?
        do throws(Status) {
            token = BootstrapToken(
                try await client.get(Secret.self, BootstrapToken.secretName(shown.id), in: Self.namespace))
        } catch {
            guard error.isReason(.notFound) else { throw error }
            token = nil
        }
        switch token?.verdict(secret: shown.secret, now: time.now()) ?? .unknown {
        case .good: return
        case .unknown:
            throw .unauthorized(
                "the server does not know the token \(shown.id); get one with `swiftlet token create` there")
        case .expired(let moment):
            throw .unauthorized(
                "the token \(shown.id) has expired at \(moment); get a new one on the server with `swiftlet token create`"
            )
        }
    }

    private func wrapping<Value>(
        _ what: String, _ body: () async throws(Status) -> Value
    ) async throws(DaemonError) -> Value {
        do throws(Status) {
            return try await body()
        } catch {
            throw DaemonError("\(what): \(error.message)")
        }
    }
}

/// A bootstrap token as its Secret says it.
package struct BootstrapToken: Sendable, Hashable {
    package let id: String
    package let description: String
    /// Nil: never.
    package let expiration: Timestamp?
    private let secret: String
    private let mayAuthenticate: Bool

    enum Verdict: Sendable, Hashable {
        case good
        case unknown
        case expired(at: Timestamp)
    }

    /// Nil where the Secret is none of a bootstrap token, or says when it expires in a way that cannot be read.
    package init?(_ object: Secret) {
        let data = object.data
        func text(_ key: String) -> String { String(decoding: data[key]?.array ?? [], as: UTF8.self) }
        guard object.type == BootstrapTokens.type, JoinToken.isPlain(text("token-id"), length: 6),
            JoinToken.isPlain(text("token-secret"), length: 16)
        else { return nil }
        if data["expiration"] != nil {
            guard let moment = Timestamp(text("expiration")) else { return nil }
            expiration = moment
        } else {
            expiration = nil
        }
        id = text("token-id")
        secret = text("token-secret")
        description = text("description")
        mayAuthenticate = text("usage-bootstrap-authentication") == "true"
    }

    /// The time this takes says nothing about the secret.
    func verdict(secret shown: String, now: Timestamp) -> Verdict {
        guard Secrets.equal(shown.utf8, secret.utf8), mayAuthenticate else { return .unknown }
        if let expiration, expiration <= now { return .expired(at: expiration) }
        return .good
    }

    package func isExpired(at now: Timestamp) -> Bool { expiration.map { $0 <= now } ?? false }

    static func secretName(_ id: String) -> String { "bootstrap-token-\(id)" }

    static func secret(_ token: JoinToken, expiration: Timestamp?, description: String) -> Secret {
        Secret(name: secretName(token.id), namespace: BootstrapTokens.namespace) { secret in
            secret.type = BootstrapTokens.type
            var data = [
                "token-id": token.id, "token-secret": token.secret, "usage-bootstrap-authentication": "true",
                "description": description,
            ]
            data["expiration"] = expiration?.description
            secret.data = data.mapValues { Bytes($0.utf8) }
        }
    }
}
