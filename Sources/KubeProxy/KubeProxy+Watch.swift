import APIMachinery
import Client
import KubernetesAPI
import Linux
import Synchronization

/// The services that changed since they were last looked at, and whether all that was there at first is known. Bound: the
/// services of the cluster.
final class ChangedServices: Sendable {
    private struct State {
        var keys: Set<ObjectKey> = []
        var isServicesSynced = false
        var isSlicesSynced = false
    }

    private let state = Mutex(State())
    /// Yields when there is something to take; at most one signal waits.
    let signals: AsyncStream<Void>
    private let signal: AsyncStream<Void>.Continuation

    init() {
        (signals, signal) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    func note(_ event: InformerEvent<Service>) {
        state.withLock { state in
            switch event {
            case .added(let service), .deleted(let service), .updated(_, let service): state.keys.insert(service.key)
            case .synced: state.isServicesSynced = true
            }
        }
        signal.yield()
    }

    func note(_ event: InformerEvent<EndpointSlice>) {
        state.withLock { state in
            switch event {
            case .added(let slice), .deleted(let slice): state.keys.formUnion([slice.service].compactMap { $0 })
            case .updated(let old, let new): state.keys.formUnion([old.service, new.service].compactMap { $0 })
            case .synced: state.isSlicesSynced = true
            }
        }
        signal.yield()
    }

    /// All changed services; nil until the first lists are known whole.
    func take() -> Set<ObjectKey>? {
        state.withLock { state in
            guard state.isServicesSynced, state.isSlicesSynced else { return nil }
            defer { state.keys = [] }
            return state.keys
        }
    }

    func wake() {
        signal.yield()
    }
}

extension KubeProxy {
    /// How often the table is looked for, in case someone else deleted it.
    private static let checkInterval = Duration.seconds(30)

    private func check() {
        do throws(NFTablesError) {
            try restoreIfMissing()
        } catch {
            report(error)
        }
    }

    /// Follows services and endpoint slices and keeps the rules equal to them, until the task is cancelled.
    ///
    /// The informers run elsewhere; that of the slices needs `EndpointSlice.serviceIndex`. What the kernel refuses is
    /// logged and tried again, after 100 ms at first and 30 s at most.
    ///
    /// - Parameter node: the name of this node, for traffic policies.
    package nonisolated func run(
        services: Informer<Service>, slices: Informer<EndpointSlice>, node: String, time: any TimeSource
    ) async {
        let changed = ChangedServices()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { for await event in services.subscribe() { changed.note(event) } }
            group.addTask { for await event in slices.subscribe() { changed.note(event) } }
            group.addTask {
                await self.follow(changed, services: services, slices: slices, node: node, time: time)
            }
            group.addTask {
                while (try? await time.sleep(for: Self.checkInterval)) != nil { await self.check() }
            }
            await group.waitForAll()
        }
    }

    private nonisolated func follow(
        _ changed: ChangedServices, services: Informer<Service>, slices: Informer<EndpointSlice>, node: String,
        time: any TimeSource
    ) async {
        var known: [ObjectKey: Set<ProxiedPortName>] = [:]
        var backoff = Backoff(base: .milliseconds(100), limit: .seconds(30))
        for await _ in changed.signals {
            guard let keys = changed.take() else { continue }
            var ports: [ProxiedPortName: ProxiedPort?] = [:]
            for key in keys {
                let now = services.get(key).map {
                    ProxiedPort.ports(of: $0, slices: slices.list(index: EndpointSlice.byService, "\(key)"), node: node)
                }
                for name in known[key] ?? [] { ports[name] = .some(nil) }
                for (name, port) in now ?? [:] { ports[name] = .some(port) }
                known[key] = now.map { Set($0.keys) }
            }
            do throws(NFTablesError) {
                try await update(ports)
                backoff.reset()
            } catch {
                await report(error)
                guard (try? await time.sleep(for: backoff.next())) != nil else { return }
                changed.wake()
            }
        }
    }
}
