import APIMachinery
import Client
import KubernetesAPI
import Logging
import PKI

/// Fills in the secrets that ask for a service account's token, and removes those whose account is gone.
struct SecretTokenController: Sendable {
    private static let secretType = "kubernetes.io/service-account-token"
    private static let accountName = "kubernetes.io/service-account.name"
    private static let accountUID = "kubernetes.io/service-account.uid"

    private let client: APIClient
    private let informers: ControllerInformers
    private let log: Logger
    private let time: any TimeSource
    private let rootCertificate: String
    private let signer: TokenSigner
    private let queue: WorkQueue<ObjectKey>

    init(_ context: ControllerContext, rootCertificate: String, signer: TokenSigner) {
        client = context.client
        informers = context.informers
        log = context.log
        time = context.time
        self.rootCertificate = rootCertificate
        self.signer = signer
        queue = WorkQueue(time: context.time)
    }

    func run() async {
        guard await informers.serviceAccounts.waitUntilSynced(), await informers.secrets.waitUntilSynced() else {
            return
        }
        await withDiscardingTaskGroup { group in
            group.addTask {
                await informers.secrets.follow { _, after in
                    guard let after, after.type == Self.secretType else { return }
                    queue.add(ObjectKey(after))
                }
            }
            group.addTask {
                await informers.serviceAccounts.follow { before, after in
                    guard before == nil || after == nil, let account = after ?? before else { return }
                    noteSecrets(of: account)
                }
            }
            group.addTask { await queue.reconcile(workers: 1, "tokens", log: log) { try await reconcile($0) } }
        }
    }

    private func noteSecrets(of account: ServiceAccount) {
        for secret in informers.secrets.list(in: account.metadata.namespace)
        where secret.type == Self.secretType && secret.metadata.annotations[Self.accountName] == account.metadata.name {
            queue.add(ObjectKey(secret))
        }
    }

    /// The informer's secrets are without their data, and may be old: one that is to be looked at is read, and what is read decides.
    private func reconcile(_ key: ObjectKey) async throws -> Duration? {
        guard let known = informers.secrets.get(key), Self.wantsToken(known) else { return nil }
        var secret = try await client.get(Secret.self, key.name, in: key.namespace)
        guard Self.wantsToken(secret) else { return nil }
        guard let account = try await account(of: secret) else {
            try await client.delete(secret)
            return nil
        }
        let before = secret
        try fill(&secret, for: account)
        if secret != before { _ = try await client.update(secret) }
        return nil
    }

    private static func wantsToken(_ secret: Secret) -> Bool {
        secret.type == secretType && secret.metadata.deletionTimestamp == nil
    }

    /// nil where there is none of that name, or it is another than the secret is for. The view of accounts may lag behind that of secrets.
    private func account(of secret: Secret) async throws(Status) -> ServiceAccount? {
        let (name, namespace) = (secret.metadata.annotations[Self.accountName] ?? "", secret.metadata.namespace)
        let uid = secret.metadata.annotations[Self.accountUID] ?? ""
        let isMeant: (ServiceAccount) -> Bool = { uid.isEmpty || $0.metadata.uid == uid }
        if let account = informers.serviceAccounts.get(name, in: namespace), isMeant(account) { return account }
        do throws(Status) {
            let account = try await client.get(ServiceAccount.self, name, in: namespace)
            return isMeant(account) ? account : nil
        } catch {
            guard error.isReason(.notFound) else { throw error }
            return nil
        }
    }

    private func fill(_ secret: inout Secret, for account: ServiceAccount) throws {
        secret.metadata.annotations[Self.accountName] = account.metadata.name
        secret.metadata.annotations[Self.accountUID] = account.metadata.uid
        if !rootCertificate.isEmpty { secret.data["ca.crt"] = Bytes(rootCertificate.utf8) }
        if secret.data["namespace"]?.array.isEmpty ?? true {
            secret.data["namespace"] = Bytes(account.metadata.namespace.utf8)
        }
        if secret.data["token"]?.array.isEmpty ?? true {
            let token = try signer.token(of: account, in: secret, nowSeconds: time.now().seconds)
            secret.data["token"] = Bytes(token.utf8)
        }
    }
}

/// Signs tokens that are kept in secrets.
package struct TokenSigner: Sendable {
    private let tokens: ServiceAccountTokens
    private let audiences: [String]

    /// - Parameter audiences: whom the tokens are meant for: the API server.
    package init(_ tokens: ServiceAccountTokens, audiences: [String]) {
        self.tokens = tokens
        self.audiences = audiences
    }

    /// Good until the secret is gone or holds another.
    func token(of account: ServiceAccount, in secret: Secret, nowSeconds: Int64) throws(PKIError) -> String {
        try tokens.sign(
            ServiceAccountClaims(
                namespace: account.metadata.namespace,
                serviceAccount: .init(name: account.metadata.name, uid: account.metadata.uid),
                secret: .init(name: secret.metadata.name, uid: secret.metadata.uid), audiences: audiences,
                issuedAtSeconds: nowSeconds, notBeforeSeconds: nowSeconds, expiresAtSeconds: nil))
    }
}
