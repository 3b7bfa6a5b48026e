import APIMachinery
import Client
import KubernetesAPI
import Logging
import Synchronization

/// Keeps EndpointSlices and Endpoints of every service with a selector. Those without are `EndpointSliceMirroringController`'s.
struct EndpointSliceController: Sendable {
    private static let workers = 4

    private let client: APIClient
    private let informers: ControllerInformers
    private let log: Logger
    private let queue: WorkQueue<ObjectKey>
    private let abandoned = Abandoned()

    /// Services that are gone and whose Endpoints, if there are any, are to follow: until that is done.
    private final class Abandoned: Sendable {
        private let marks = Mutex<(newest: UInt64, byKey: [ObjectKey: UInt64])>((newest: 0, byKey: [:]))

        /// Stands for the newest end of a service of that name.
        func mark(of key: ObjectKey) -> UInt64? { marks.withLock { $0.byKey[key] } }

        func insert(_ key: ObjectKey) {
            marks.withLock { marks in
                marks.newest += 1
                marks.byKey[key] = marks.newest
            }
        }

        /// Leaves a mark that came meanwhile.
        func remove(_ mark: UInt64, of key: ObjectKey) {
            marks.withLock { if $0.byKey[key] == mark { $0.byKey[key] = nil } }
        }
    }

    init(_ context: ControllerContext) {
        client = context.client
        informers = context.informers
        log = context.log
        queue = WorkQueue(time: context.time)
    }

    func run() async {
        guard await informers.services.waitUntilSynced(), await informers.pods.waitUntilSynced(),
            await informers.endpointSlices.waitUntilSynced(), await informers.endpoints.waitUntilSynced()
        else { return }
        noteLeftovers()
        await withDiscardingTaskGroup { group in
            group.addTask {
                await informers.services.follow { before, after in
                    guard let key = (after ?? before).map({ ObjectKey($0) }) else { return }
                    if after == nil { abandoned.insert(key) }
                    queue.add(key)
                }
            }
            group.addTask { await informers.pods.follow { noteChange(of: $0, $1) } }
            group.addTask { await informers.endpointSlices.follow { noteChange(of: $0, $1) } }
            group.addTask {
                await informers.endpoints.follow { before, after in
                    (after ?? before).map { queue.add(ObjectKey($0)) }
                }
            }
            group.addTask {
                await queue.reconcile(workers: Self.workers, "endpointslice", log: log) { try await reconcile($0) }
            }
        }
    }

    private func noteChange(of before: Pod?, _ after: Pod?) {
        guard PodFacts.differ(before, after), let namespace = (after ?? before)?.metadata.namespace else { return }
        let labels = [before, after].compactMap { $0?.metadata.labels }
        for service in informers.services.list(in: namespace) {
            let selector = service.spec.selector
            guard !selector.isEmpty else { continue }
            let isMatch = labels.contains { labels in selector.allSatisfy { labels[$0.key] == $0.value } }
            if isMatch { queue.add(ObjectKey(service)) }
        }
    }

    private func noteChange(of before: EndpointSlice?, _ after: EndpointSlice?) {
        for metadata in [before?.metadata, after?.metadata].compactMap({ $0 }) {
            guard let service = metadata.labels[EndpointSlicePlan.serviceLabel] else { continue }
            queue.add(ObjectKey(namespace: metadata.namespace, name: service))
        }
    }

    private func reconcile(_ key: ObjectKey) async throws -> Duration? {
        let mark = abandoned.mark(of: key)
        guard let service = informers.services.get(key) else {
            return try await forget(key, mark)
        }
        if let mark { abandoned.remove(mark, of: key) }
        let selector = service.spec.selector
        guard !selector.isEmpty, service.spec.type != "ExternalName", service.metadata.deletionTimestamp == nil else {
            return nil
        }
        let pods = informers.pods.list(in: key.namespace).filter { pod in
            let labels = pod.metadata.labels
            return selector.allSatisfy { labels[$0.key] == $0.value }
        }
        let slices = informers.endpointSlices.list(index: EndpointSlicePlan.manager, key.description)
        let plan = EndpointSlicePlan(for: service, pods: pods, slices: slices, zones: zones())
        for action in plan.actions { try await client.carryOut(action) }
        switch EndpointsPlan(for: service, pods: pods, current: informers.endpoints.get(key)).action {
        case .create(let endpoints): _ = try await client.create(endpoints)
        case .update(let endpoints): _ = try await client.update(endpoints)
        case nil: break
        }
        return nil
    }

    /// Slices go with their owner; the Endpoints object, which has none, with the service's name: one that someone made by hand too, unless it
    /// was there before the service.
    private func forget(_ key: ObjectKey, _ mark: UInt64?) async throws(Status) -> Duration? {
        if let endpoints = informers.endpoints.get(key) {
            let isOurs = endpoints.metadata.labels[EndpointsPlan.managerLabel] != nil
            guard isOurs || mark != nil else { return nil }
            // What someone made by hand nobody makes again: the server knows more than this view.
            if !isOurs, try await !isGone(key) { return .seconds(1) }
            try await client.delete(endpoints)
        }
        if let mark { abandoned.remove(mark, of: key) }
        return nil
    }

    private func isGone(_ service: ObjectKey) async throws(Status) -> Bool {
        do throws(Status) {
            _ = try await client.get(Service.self, service.name, in: service.namespace)
            return false
        } catch {
            guard error.isReason(.notFound) else { throw error }
            return true
        }
    }

    /// Services may have gone while nobody looked. Endpoints in which programs elect their leader never had one.
    private func noteLeftovers() {
        for endpoints in informers.endpoints.list()
        where endpoints.metadata.annotations["control-plane.alpha.kubernetes.io/leader"] == nil {
            let key = ObjectKey(endpoints)
            if informers.services.get(key) == nil { abandoned.insert(key) }
        }
    }

    private func zones() -> [String: String] {
        var zones: [String: String] = [:]
        for node in informers.nodes.list() {
            zones[node.metadata.name] = node.metadata.labels["topology.kubernetes.io/zone"]
        }
        return zones
    }
}

extension APIClient {
    func carryOut(_ action: EndpointSlicePlan.Action) async throws(Status) {
        switch action {
        case .create(let slice): _ = try await create(slice)
        case .update(let slice): _ = try await update(slice)
        case .delete(let slice): try await delete(slice)
        }
    }
}
