import APIMachinery
import Client
import KubernetesAPI
import Synchronization

/// Tells pods' workers when an object changes that their volumes and environments are made from: one watch for each object, shared by the pods of the node,
/// from the first pod that names it until the last has gone. Only versions are kept, no contents.
final class ObjectWatches: Sendable {
    private final class Watch: Sendable {
        /// Ends when the last pod has left.
        let ending: AsyncStream<Void>
        let end: AsyncStream<Void>.Continuation

        init() {
            (ending, end) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        }
    }

    private struct Entry {
        let watch = Watch()
        var readers: [ObjectIdentifier: PodInbox] = [:]
    }

    private let client: APIClient
    private let time: any TimeSource
    private let random: RandomSource
    private let entries = Mutex<[ReferencedObject: Entry]>([:])
    private let starts: AsyncStream<(ReferencedObject, Watch)>
    private let continuation: AsyncStream<(ReferencedObject, Watch)>.Continuation

    init(client: APIClient, time: any TimeSource, random: RandomSource = RandomSource()) {
        self.client = client
        self.time = time
        self.random = random
        // Bounded by what feeds it: one start for each object that pods of this node name.
        (starts, continuation) = AsyncStream.makeStream()
    }

    /// Runs the watches. Returns when its task is cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            for await (object, watch) in starts {
                group.addTask { [self] in
                    switch object.kind {
                    case .configMap:
                        await follow(ConfigMap.self, object, watch) { map in
                            map.data = [:]
                            map.binaryData = [:]
                        }
                    case .secret: await follow(Secret.self, object, watch) { $0.data = [:] }
                    }
                }
            }
            group.cancelAll()
        }
    }

    /// From now on the inbox gets an `announced` for each change of these objects, and one when it is first known whether they are there.
    func follow(_ objects: Set<ReferencedObject>, _ inbox: PodInbox) {
        for object in objects {
            let started: Watch? = entries.withLock { entries in
                let isNew = entries[object] == nil
                entries[object, default: Entry()].readers[ObjectIdentifier(inbox)] = inbox
                return isNew ? entries[object]?.watch : nil
            }
            if let started { continuation.yield((object, started)) }
        }
    }

    func leave(_ objects: Set<ReferencedObject>, _ inbox: PodInbox) {
        for object in objects {
            let ended: Watch? = entries.withLock { entries in
                entries[object]?.readers[ObjectIdentifier(inbox)] = nil
                guard entries[object]?.readers.isEmpty == true else { return nil }
                return entries.removeValue(forKey: object)?.watch
            }
            ended?.end.finish()
        }
    }

    private func follow<Object: APIObject>(
        _ type: Object.Type, _ object: ReferencedObject, _ watch: Watch,
        trim: @escaping @Sendable (inout Object) -> Void
    ) async {
        var selection = ListOptions()
        selection.fieldSelector = "metadata.name=\(object.name)"
        let informer = Informer(
            type, client: client, in: object.namespace, selection: selection, trim: trim, time: time,
            random: random)
        let changes = informer.subscribe()
        await withDiscardingTaskGroup { group in
            group.addTask { await informer.run() }
            group.addTask {
                for await _ in watch.ending {}
                changes.cancel()
            }
            for await change in changes {
                switch change {
                case .added(let new), .updated(_, let new): tell(object, version: new.metadata.resourceVersion)
                case .deleted: tell(object, version: "")
                case .synced: if informer.count == 0 { tell(object, version: "") }
                }
            }
            group.cancelAll()
        }
    }

    private func tell(_ object: ReferencedObject, version: String) {
        let readers = entries.withLock { Array(($0[object]?.readers ?? [:]).values) }
        for reader in readers { reader.send(.announced(object, version: version)) }
    }
}
