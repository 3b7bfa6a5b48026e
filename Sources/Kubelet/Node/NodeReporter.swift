import APIMachinery
import CRI
import Client
import KubernetesAPI
import Logging
import Synchronization

/// Registers the node, keeps its status true and its lease alive. A lease is renewed every 10 s and holds for 40 s; the status is written when
/// it changes, and every 5 minutes.
struct NodeReporter: Sendable {
    let object: NodeObject
    let client: APIClient
    let runtime: any RuntimeService
    let images: any ImageService
    let time: any TimeSource
    let logger: Logger
    var host = HostWatch()
    var isShuttingDown: @Sendable () -> Bool = { false }
    var pressures: @Sendable () -> Set<NodePressure> = { [] }
    var tell: @Sendable (EventDraft) -> Void = { _ in }
    var failures = KnownFailures()
    var cordon = KnownCordon()

    static let leasePeriod = Duration.seconds(10)
    static let leaseDuration: Int32 = 40
    static let reportPeriod = Duration.seconds(300)
    /// How often a report is written to what another has written meanwhile.
    private static let attempts = 5

    /// Returns when its task is cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask {
                await keep(every: Self.leasePeriod, "renew the node's lease") { () async throws(Status) in
                    try await renewLease()
                }
            }
            group.addTask { await reportStatus() }
        }
    }

    /// Runs `body` at once, then in each period and after each change of the host's health; a failure is logged once and tried again after a
    /// second.
    private func keep(every period: Duration, _ what: String, _ body: () async throws(Status) -> Void) async {
        var failure: String?
        while !Task.isCancelled {
            let changes = host.changes()
            do throws(Status) {
                try await body()
                failure = nil
            } catch {
                if failure != error.message { logger.warning("cannot \(what)", metadata: ["error": "\(error)"]) }
                failure = error.message
            }
            await time.pause(for: failure == nil ? period : .seconds(1), orUntil: changes)
        }
    }

    private func renewLease() async throws(Status) {
        let now = MicroTime(time.now())
        let name = object.identity.name
        do throws(Status) {
            var lease = try await client.get(Lease.self, name, in: "kube-node-lease")
            lease.spec.renewTime = now
            lease.spec.holderIdentity = name
            lease.spec.leaseDurationSeconds = Self.leaseDuration
            _ = try await client.update(lease)
        } catch {
            guard error.isReason(.notFound) else { throw error }
            let lease = Lease(name: name, namespace: "kube-node-lease") {
                $0.spec.holderIdentity = name
                $0.spec.leaseDurationSeconds = Self.leaseDuration
                $0.spec.renewTime = now
            }
            _ = try await client.create(lease)
        }
    }

    /// Looks every 10 s whether the status at the API server is as it should be, and writes it where it is not or is due. Others change it
    /// too: the node controller says Unknown of a node whose lease has run out, and the node must be Ready again at once when it is back.
    private func reportStatus() async {
        var due = Duration.zero
        await keep(every: .seconds(10), "report the node's status") { () async throws(Status) in
            do throws(Status) {
                if try await report(isDue: time.uptime() >= due) { due = time.uptime() + Self.reportPeriod }
            } catch {
                // The API server may show what it could not keep.
                due = .zero
                throw error
            }
        }
    }

    /// Writes the node's status where it is due or has changed; whether it was written. Controllers write to the node as well, most of all to a new
    /// one: what they have changed in between is read, and the status written to that.
    func report(isDue: Bool = false) async throws(Status) -> Bool {
        let runtimeStatus = await answer("the runtime's status") { () async throws(CRIError) in
            try await runtime.status()
        }
        let list = await answer("the images") { () async throws(CRIError) in try await images.listImages() }
        var attempt = 1
        while true {
            do throws(Status) { return try await write(runtimeStatus, list, isDue) } catch {
                guard error.isReason(.conflict), attempt < Self.attempts else { throw error }
                attempt += 1
            }
        }
    }

    /// nil where the runtime does not answer, which is logged once for each cause.
    private func answer<Value>(_ what: String, _ ask: () async throws(CRIError) -> Value) async -> Value? {
        do throws(CRIError) {
            let value = try await ask()
            failures.ended(what)
            return value
        } catch {
            if !Task.isCancelled, failures.isNew(what, "\(error)") {
                logger.warning("the node's status lacks \(what)", metadata: ["error": "\(error)"])
            }
            return nil
        }
    }

    private func write(
        _ runtimeStatus: RuntimeStatus?, _ list: [CRI.Image]?, _ isDue: Bool
    ) async throws(Status) -> Bool {
        var node = try await registered()
        let isUnschedulable = node.spec.unschedulable
        if cordon.isNew(isUnschedulable) {
            tell(NodeEvents.turned(isUnschedulable: isUnschedulable, on: object.identity.name))
        }
        let new = object.status(
            node.status, runtime: runtimeStatus, images: list, host: host.conditions, pressures: pressures(),
            isShuttingDown: isShuttingDown(), at: time.now())
        guard isDue || !new.isSame(as: node.status) else { return false }
        let events = NodeEvents.between(node.status, new, of: object.identity.name)
        node.status = new
        _ = try await client.updateStatus(node)
        for event in events { tell(event) }
        return true
    }

    /// The node's object, made where it is not there, with our labels on it.
    private func registered() async throws(Status) -> Node {
        var node: Node
        do throws(Status) {
            node = try await client.get(Node.self, object.identity.name)
        } catch {
            guard error.isReason(.notFound) else { throw error }
            logger.info("registering the node", metadata: ["node": "\(object.identity.name)"])
            return try await client.create(object.initial())
        }
        let labels = node.metadata.labels.merging(object.labels) { $1 }
        guard labels != node.metadata.labels else { return node }
        node.metadata.labels = labels
        return try await client.update(node)
    }
}

/// What failed last of several things, so that a failure which lasts is logged once.
final class KnownFailures: Sendable {
    private let causes = Mutex<[String: String]>([:])

    func isNew(_ what: String, _ cause: String) -> Bool {
        causes.withLock { $0.updateValue(cause, forKey: what) != cause }
    }

    func ended(_ what: String) { causes.withLock { $0[what] = nil } }
}

/// Whether the node took pods when it was last looked at; at first it does.
final class KnownCordon: Sendable {
    private let isUnschedulable = Mutex(false)

    func isNew(_ now: Bool) -> Bool {
        isUnschedulable.withLock { old in
            defer { old = now }
            return old != now
        }
    }
}

extension NodeStatus {
    /// Whether nothing but heartbeat times differs.
    fileprivate func isSame(as other: NodeStatus) -> Bool {
        var (own, other) = (self, other)
        own.conditions = own.conditions.map(\.withoutHeartbeat)
        other.conditions = other.conditions.map(\.withoutHeartbeat)
        return own == other
    }
}

extension NodeCondition {
    fileprivate var withoutHeartbeat: NodeCondition {
        var copy = self
        copy.lastHeartbeatTime = nil
        return copy
    }
}
