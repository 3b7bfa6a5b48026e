import APIMachinery
import Client
import KubernetesAPI
import Logging

/// Restores what every namespace has: the service account `default`, and the ConfigMap with the cluster's certificate authority.
struct NamespaceContentsController: Sendable {
    static let accountName = "default"
    static let authorityName = "kube-root-ca.crt"
    private static let authorityKey = "ca.crt"

    private let client: APIClient
    private let informers: ControllerInformers
    private let log: Logger
    private let rootCertificate: String
    private let queue: WorkQueue<String>

    init(_ context: ControllerContext, rootCertificate: String) {
        client = context.client
        informers = context.informers
        log = context.log
        self.rootCertificate = rootCertificate
        queue = WorkQueue(time: context.time)
    }

    func run() async {
        guard await informers.namespaces.waitUntilSynced(), await informers.serviceAccounts.waitUntilSynced(),
            await informers.configMaps.waitUntilSynced()
        else { return }
        await withDiscardingTaskGroup { group in
            group.addTask {
                await informers.namespaces.follow { _, after in after.map { queue.add($0.metadata.name) } }
            }
            group.addTask {
                await informers.serviceAccounts.follow { before, after in
                    guard after == nil, let account = before, account.metadata.name == Self.accountName else { return }
                    queue.add(account.metadata.namespace)
                }
            }
            group.addTask {
                await informers.configMaps.follow { before, after in
                    guard let map = after ?? before, map.metadata.name == Self.authorityName else { return }
                    queue.add(map.metadata.namespace)
                }
            }
            group.addTask {
                await queue.reconcile(workers: 1, "namespace-contents", log: log) { try await reconcile($0) }
            }
        }
    }

    private func reconcile(_ name: String) async throws -> Duration? {
        guard let namespace = informers.namespaces.get(name), namespace.metadata.deletionTimestamp == nil else {
            return nil
        }
        do throws(Status) {
            if informers.serviceAccounts.get(Self.accountName, in: name) == nil {
                _ = try await client.create(ServiceAccount(name: Self.accountName, namespace: name))
            }
            try await publishAuthority(name)
        } catch {
            // What is there already, or cannot be made in a namespace that is ending, needs no second try.
            guard !error.isReason(.alreadyExists), !error.isReason(.forbidden) else { return nil }
            throw error
        }
        return nil
    }

    private func publishAuthority(_ namespace: String) async throws(Status) {
        guard !rootCertificate.isEmpty else { return }
        let wanted = [Self.authorityKey: rootCertificate]
        if var map = informers.configMaps.get(Self.authorityName, in: namespace) {
            guard map.data != wanted else { return }
            map.data = wanted
            _ = try await client.update(map)
        } else {
            _ = try await client.create(
                ConfigMap(name: Self.authorityName, namespace: namespace) { $0.data = wanted })
        }
    }
}
