import APIMachinery
import Client
import JSONTree
import KubernetesAPI
import Logging

/// Empties namespaces that are being deleted, and lets them go.
struct NamespaceController: Sendable {
    private static let workers = 2
    /// Objects deleted at the same time.
    private static let concurrentDeletions = 16
    /// How soon a namespace that is not empty yet is looked at again; pods that go are noticed at once.
    private static let patience = Duration.milliseconds(500)

    private let client: APIClient
    private let informers: ControllerInformers
    private let log: Logger
    private let time: any TimeSource
    private let kinds: [ResourceKind]
    private let queue: WorkQueue<String>

    init(_ context: ControllerContext, kinds: [ResourceKind] = Kinds.all.map(\.kind)) {
        client = context.client
        informers = context.informers
        log = context.log
        time = context.time
        self.kinds = kinds.filter(\.isNamespaced)
        queue = WorkQueue(time: context.time)
    }

    func run() async {
        guard await informers.namespaces.waitUntilSynced() else { return }
        await withDiscardingTaskGroup { group in
            group.addTask {
                await informers.namespaces.follow { _, after in
                    guard let after, after.metadata.deletionTimestamp != nil else { return }
                    queue.add(after.metadata.name)
                }
            }
            group.addTask {
                await informers.pods.follow { before, after in
                    guard after == nil, let namespace = before?.metadata.namespace,
                        informers.namespaces.get(namespace)?.metadata.deletionTimestamp != nil
                    else { return }
                    queue.add(namespace)
                }
            }
            group.addTask {
                await queue.reconcile(workers: Self.workers, "namespace", log: log) { try await reconcile($0) }
            }
        }
    }

    private func reconcile(_ name: String) async throws -> Duration? {
        guard let namespace = informers.namespaces.get(name), namespace.metadata.deletionTimestamp != nil,
            namespace.spec.finalizers.contains(NamespacePlan.finalizer)
        else { return nil }
        var remaining: [String: Int] = [:]
        var failures: [String] = []
        for kind in kinds {
            do throws(Status) {
                remaining[ResourceName(kind).description] = try await empty(kind, name)
            } catch {
                failures.append("\(ResourceName(kind)): \(error.message)")
            }
        }
        let plan = NamespacePlan(for: namespace, remaining: remaining, failures: failures, now: time.now())
        for action in plan.actions { try await carryOut(action, namespace) }
        return plan.actions.contains(.finalize) ? nil : Self.patience
    }

    /// Asks every object of the kind to go; returns how many are still there then.
    private func empty(_ kind: ResourceKind, _ namespace: String) async throws(Status) -> Int {
        let before = try await items(kind, namespace)
        guard !before.isEmpty else { return 0 }
        let names = before.filter(Self.needsDeletion).compactMap { $0["metadata"]?["name"]?.string }
        for start in stride(from: 0, to: names.count, by: Self.concurrentDeletions) {
            let some = names[start..<min(start + Self.concurrentDeletions, names.count)]
            let error = await withTaskGroup(of: Status?.self) { tasks in
                for name in some { tasks.addTask { await delete(kind, name, namespace) } }
                return await tasks.reduce(nil) { $0 ?? $1 }
            }
            if let error { throw error }
        }
        return try await items(kind, namespace).count
    }

    /// Whether it is to be asked to go: it was not yet, or it was with its dependents, which are asked themselves.
    private static func needsDeletion(_ object: JSONValue) -> Bool {
        guard let metadata = object["metadata"], metadata["deletionTimestamp"] != nil else { return true }
        return (metadata["finalizers"]?.array ?? []).contains { OwnerGraph.finalizers.contains($0.string ?? "") }
    }

    private func items(_ kind: ResourceKind, _ namespace: String) async throws(Status) -> [JSONValue] {
        try await client.list(kind, in: namespace)["items"]?.array ?? []
    }

    private func delete(_ kind: ResourceKind, _ name: String, _ namespace: String) async -> Status? {
        do throws(Status) {
            try await client.delete(
                kind, name, in: namespace, options: DeleteOptions { $0.propagationPolicy = "Background" })
            return nil
        } catch {
            return error.isReason(.notFound) ? nil : error
        }
    }

    private func carryOut(_ action: NamespacePlan.Action, _ namespace: Namespace) async throws(Status) {
        var changed = namespace
        switch action {
        case .finalize:
            changed.spec.finalizers = namespace.spec.finalizers.filter { $0 != NamespacePlan.finalizer }
            _ = try await client.update(changed, subresource: "finalize")
        case .updateStatus(let status):
            changed.status = status
            _ = try await client.updateStatus(changed)
        }
    }
}
