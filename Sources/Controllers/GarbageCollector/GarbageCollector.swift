import APIMachinery
import Client
import JSONTree
import KubernetesAPI
import Logging
import Synchronization

/// Deletes objects whose owners are all gone, and carries out foreground and orphaning deletions.
struct GarbageCollector: Sendable {
    private static let workers = 4

    private let client: APIClient
    private let informers: ControllerInformers
    private let log: Logger
    private let graph = SharedGraph()
    private let queue: WorkQueue<String>

    private final class SharedGraph: Sendable {
        let graph = Mutex(OwnerGraph())
    }

    init(_ context: ControllerContext) {
        client = context.client
        informers = context.informers
        log = context.log
        queue = WorkQueue(time: context.time)
    }

    func run() async {
        // The whole graph first: an owner that is merely not known yet would have to be asked for.
        guard await seed() else { return }
        await withDiscardingTaskGroup { group in
            for informer in informers.all { group.addTask { await follow(informer) } }
            group.addTask {
                await queue.reconcile(workers: Self.workers, "garbagecollector", log: log) { try await reconcile($0) }
            }
        }
    }

    /// false where the task was cancelled before everything was known.
    private func seed() async -> Bool {
        for informer in informers.all { guard await seed(informer) else { return false } }
        return true
    }

    private func seed(_ informer: some ObjectInformer) async -> Bool {
        guard await informer.waitUntilSynced() else { return false }
        for object in informer.list(in: nil) { note(nil, object) }
        return true
    }

    private func follow(_ informer: some ObjectInformer) async {
        await informer.follow { note($0, $1) }
    }

    private func note<Object: APIObject>(_ before: Object?, _ after: Object?) {
        let affected = graph.graph.withLock { graph in
            if let after { return graph.put(OwnerGraph.Item(after)) }
            return before.map { graph.remove($0.metadata.uid) } ?? []
        }
        for uid in affected { queue.add(uid) }
    }

    private func reconcile(_ uid: String) async throws -> Duration? {
        var absent: Set<String> = []
        while true {
            let (item, verdict) = graph.graph.withLock { ($0[uid], $0.verdict(on: uid, absent: absent)) }
            guard let item else { return nil }
            switch verdict {
            case .nothing: return nil
            case .ask(let owners):
                let missing = try await missing(owners, of: item)
                guard !missing.isEmpty else { return nil }
                absent.formUnion(missing)
                // Where some exist though they are not known here the verdict would ask again.
                guard missing.count == owners.count else { return nil }
            default:
                try await carryOut(verdict, item)
                return nil
            }
        }
    }

    /// The owners that do not exist. One of a kind that is not served here, or that lives in a namespace while what it owns does not, counts as
    /// existing: nothing is deleted on a guess.
    private func missing(_ owners: [OwnerReference], of item: OwnerGraph.Item) async throws(Status) -> Set<String> {
        var missing: Set<String> = []
        for owner in owners {
            let kind = Kinds.all.first { $0.kind.kind == owner.kind && $0.kind.apiVersion == owner.apiVersion }?.kind
            guard let kind, !kind.isNamespaced || !item.namespace.isEmpty else { continue }
            var options = ListOptions()
            options.fieldSelector = "metadata.name=\(owner.name)"
            let list = try await client.list(kind, in: kind.isNamespaced ? item.namespace : nil, options: options)
            let uids = (list["items"]?.array ?? []).compactMap { $0["metadata"]?["uid"]?.string }
            if !uids.contains(owner.uid) { missing.insert(owner.uid) }
        }
        return missing
    }

    private func carryOut(_ verdict: OwnerGraph.Verdict, _ item: OwnerGraph.Item) async throws(Status) {
        switch verdict {
        case .nothing, .ask: break
        case .delete(let propagation):
            log.debug(
                "an object without owners is deleted", metadata: ["kind": "\(item.kind.kind)", "name": "\(item.name)"])
            let options = DeleteOptions { options in
                options.propagationPolicy = propagation
                options.preconditions = Preconditions { $0.uid = item.uid }
            }
            try await tolerant { () async throws(Status) in
                try await client.delete(item.kind, item.name, in: item.namespace, options: options)
            }
        case .disown(let owners): try await drop(owners.map { $0.uid }, from: item)
        case .orphanDependents(let dependents):
            for dependent in dependents { try await drop([item.uid], from: dependent) }
        case .unblock(let owners):
            let references = owners.map { ["uid": .string($0.uid), "blockOwnerDeletion": false] as JSONValue }
            try await patch(item, ["ownerReferences": .array(references)])
        case .removeFinalizer(let name):
            try await patch(item, ["$deleteFromPrimitiveList/finalizers": [.string(name)]])
        }
    }

    private func drop(_ owners: [String], from item: OwnerGraph.Item) async throws(Status) {
        let references = owners.map { uid -> JSONValue in ["$patch": "delete", "uid": .string(uid)] }
        try await patch(item, ["ownerReferences": .array(references)])
    }

    private func patch(_ item: OwnerGraph.Item, _ metadata: JSONObject) async throws(Status) {
        var metadata = metadata
        metadata["uid"] = .string(item.uid)
        let body: JSONValue = ["metadata": .object(metadata)]
        try await tolerant { () async throws(Status) in
            _ = try await client.patch(item.kind, item.name, in: item.namespace, .strategicMerge, body)
        }
    }

    /// An object that is gone, or was replaced by another of its name, needs nothing any more.
    private func tolerant(_ body: () async throws(Status) -> Void) async throws(Status) {
        do throws(Status) {
            try await body()
        } catch {
            guard !error.isReason(.notFound), !error.isReason(.conflict) else { return }
            throw error
        }
    }
}
