import APIMachinery
import HTTP
import JSONTree
import KubernetesAPI
import Logging
import Store

/// Reads and writes the objects of every resource: what stands between a decoded request and the store.
final class ObjectRegistry: Sendable {
    let resources: ResourceTable
    let store: any KeyValueStore
    let pending: PendingWrites
    let feed: CacheFeed
    let admission: AdmissionChain
    let allocator: ServiceAllocator
    let time: any TimeSource
    let random: RandomSource
    let objectBytes: Int
    /// Where the store lies, for messages.
    let storeDirectory: String
    let logger: Logger

    init(
        resources: ResourceTable, store: any KeyValueStore, pending: PendingWrites, feed: CacheFeed,
        admission: AdmissionChain, allocator: ServiceAllocator, time: any TimeSource, random: RandomSource,
        objectBytes: Int, storeDirectory: String, logger: Logger
    ) {
        self.resources = resources
        self.store = store
        self.pending = pending
        self.feed = feed
        self.admission = admission
        self.allocator = allocator
        self.time = time
        self.random = random
        self.objectBytes = objectBytes
        self.storeDirectory = storeDirectory
        self.logger = logger
    }

    var identifiers: Identifiers { Identifiers(random: random) }

    /// How long a response waits for the caches to show its own write. Past it the answer, which is durable, is given all the same.
    static let catchUpLimit: Duration = .seconds(10)

    /// Why a guarded write did not happen.
    enum Refusal: Error {
        case exists(Revision)
        case conflict(Revision?)
        /// The store is as it was.
        case refused(Status)
        /// Whether the write was done, or will be, is not known.
        case failed(Status)
    }

    func current(_ resource: Resource, namespace: String?, name: String) throws(Status) -> CachedObject {
        guard let object = resource.cache[resource.key(namespace: namespace, name: name)] else {
            throw .notFound(resource.name, name)
        }
        return object
    }

    /// Writes, and waits until the caches show the write.
    /// - Parameter patience: how long the disk may take; nil: as long as for any write.
    func commit(_ write: Write, within patience: Duration? = nil) async throws(Refusal) -> Revision {
        guard !pending.hasStalled else { throw .refused(.serviceUnavailable(stall("nothing was written"))) }
        let patience = patience ?? pending.limit
        guard let result = await pending.result(of: write, within: patience) else {
            let seconds = patience.components.seconds
            throw .failed(.timeout(stall("this write has waited for \(seconds) s, and may still be done")))
        }
        let revision = try result.mapError(refusal).get()
        _ = await feed.applied.reached(revision, within: Self.catchUpLimit, by: time)
        return revision
    }

    func stall(_ outcome: String) -> String {
        "the disk of the server's store (\(storeDirectory)) takes no writes: \(outcome); reads go on"
    }

    /// How long a write of a status may take before it is shown, and before its writer, who may have more to say, is answered.
    static let unsavedAfter: Duration = .seconds(2)
    static let unsavedLimit: Duration = .seconds(10)

    /// The same for a status that is shown also while the disk is slow, or does not take it.
    func commit(_ write: Write, showing unsaved: CachedObject, in resource: Resource) async throws(Refusal) -> Revision
    {
        let result = await withTaskGroup(of: Result<Revision, Refusal>?.self) { group in
            group.addTask {
                do throws(Refusal) {
                    return .success(try await self.commit(write, within: Self.unsavedLimit))
                } catch {
                    return .failure(error)
                }
            }
            group.addTask {
                if (try? await self.time.sleep(for: Self.unsavedAfter)) != nil { resource.cache.show(unsaved) }
                return nil
            }
            while let answer = await group.next() {
                guard let answer else { continue }
                group.cancelAll()
                return answer
            }
            return .failure(.failed(.serviceUnavailable("the write was given up")))
        }
        switch result {
        case .failure(.failed), .failure(.refused): resource.cache.show(unsaved)
        case .success, .failure: break
        }
        return try result.get()
    }

    /// Waits until the caches have come as far as a refused write says the store is (nil: as far as it is now).
    func catchUp(with revision: Revision?) async {
        guard let target = if let revision { revision } else { try? await store.revision() } else { return }
        _ = await feed.applied.reached(target, within: Self.catchUpLimit, by: time)
    }

    /// The bytes to store, refused where they are over the limit.
    func stored(_ object: JSONObject, _ resource: Resource) throws(Status) -> [UInt8] {
        let bytes = resource.format.stored(object)
        guard bytes.count <= objectBytes else {
            throw .requestEntityTooLarge("the object is \(bytes.count) bytes long; the limit is \(objectBytes)")
        }
        return bytes
    }

    private func refusal(_ error: StoreError) -> Refusal {
        switch error {
        case .exists(_, let revision): .exists(revision)
        case .conflict(_, let actual): .conflict(actual)
        case .busy, .refused: .refused(Status(error))
        default: .failed(Status(error))
        }
    }
}

extension Status {
    /// What a client is told when the store could not answer.
    init(_ error: StoreError) {
        switch error {
        case .busy:
            self = .tooManyRequests("the store has more writes waiting than it takes; try again", retryAfterSeconds: 1)
        case .compacted(let revision):
            self = .expired("the state at version \(revision) is no longer kept; list anew")
        case .closed, .cancelled, .overrun: self = .serviceUnavailable("the store is not available: \(error)")
        case .futureRevision(let revision, let current):
            self = .tooLargeResourceVersion(revision, current: current)
        case .refused(.full, let directory):
            self = .insufficientStorage(
                "the disk of the server's store (\(directory)) is full: nothing can be written until there is space; reads go on"
            )
        case .refused(.readOnly, let directory):
            self = .internalError(
                "the disk of the server's store (\(directory)) is read-only: nothing can be written until that ends; reads go on"
            )
        case .exists, .conflict, .incompatible, .io: self = .internalError("the store failed: \(error)")
        }
    }

    /// The client knows a version that this server has not seen yet.
    static func tooLargeResourceVersion(_ revision: Revision, current: Revision) -> Status {
        var status = Status.timeout(
            "Too large resource version: \(revision), current: \(current)", retryAfterSeconds: 1)
        status.details?.causes = [
            StatusCause {
                $0.reason = "ResourceVersionTooLarge"
                $0.message = "Too large resource version"
            }
        ]
        return status
    }
}
