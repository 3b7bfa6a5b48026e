import APIMachinery
import Client
import KubernetesAPI

/// Carries out the plan for one ReplicaSet.
struct ReplicaSetExecution {
    /// Pods of one set made or deleted at a time: the API server takes so many writes, and others want theirs answered.
    static let concurrentWrites = 32

    let set: ReplicaSet
    let client: APIClient
    let events: EventRecorder
    let overlays: OverlayTable
    /// What went wrong; the set is then looked at again.
    private(set) var failure: Status?
    /// Why pods could not be made or deleted; the set's status says so.
    private var podFailure: Status?

    init(set: ReplicaSet, client: APIClient, events: EventRecorder, overlays: OverlayTable) {
        self.set = set
        self.client = client
        self.events = events
        self.overlays = overlays
    }

    mutating func carryOut(_ plan: ReplicaSetPlan, now: Timestamp) async {
        var deletions: [Pod] = []
        var status: ReplicaSetStatus?
        for action in plan.actions {
            do throws(Status) {
                switch action {
                case .adopt(let pod): try await Ownership(client: client).adopt(pod, for: set.controllerReference())
                case .release(let pod): try await Ownership(client: client).release(pod, from: set.metadata.uid)
                case .create(let pod, let count): try await create(pod, count)
                case .delete(let pod): deletions.append(pod)
                case .updateStatus(let new): status = new
                }
            } catch {
                failure = failure ?? error
                if case .create = action { podFailure = error }
            }
        }
        let refusal = await delete(deletions)
        podFailure = podFailure ?? refusal
        failure = failure ?? refusal
        await write(status ?? set.status, now: now)
    }

    /// Makes pods in groups that double: where one fails, hundreds that would fail too are not tried.
    private func create(_ pod: Pod, _ count: Int) async throws(Status) {
        var left = count
        var size = 1
        while left > 0 {
            let group = min(size, left)
            let error = await withTaskGroup(of: Status?.self) { tasks in
                for _ in 0..<group { tasks.addTask { await createOne(pod) } }
                return await tasks.reduce(nil) { $0 ?? $1 }
            }
            if let error { throw error }
            left -= group
            size = min(size * 2, Self.concurrentWrites)
        }
    }

    private func createOne(_ pod: Pod) async -> Status? {
        do throws(Status) {
            let created = try await client.create(pod)
            overlays.change(set.metadata.uid) { $0.didCreate(created) }
            events.record(
                set, .normal, reason: "SuccessfulCreate", message: "Created pod: \(created.metadata.name)")
            return nil
        } catch {
            guard !error.isNamespaceTerminating else { return error }
            events.record(set, .warning, reason: "FailedCreate", message: "Error creating: \(error.message)")
            return error
        }
    }

    private func delete(_ pods: [Pod]) async -> Status? {
        var refusal: Status?
        for start in stride(from: 0, to: pods.count, by: Self.concurrentWrites) {
            let error = await withTaskGroup(of: Status?.self) { tasks in
                for pod in pods[start...].prefix(Self.concurrentWrites) { tasks.addTask { await deleteOne(pod) } }
                return await tasks.reduce(nil) { $0 ?? $1 }
            }
            refusal = refusal ?? error
        }
        return refusal
    }

    private func deleteOne(_ pod: Pod) async -> Status? {
        do throws(Status) {
            try await client.delete(pod)
            overlays.change(set.metadata.uid) { $0.didDelete(uid: pod.metadata.uid) }
            events.record(set, .normal, reason: "SuccessfulDelete", message: "Deleted pod: \(pod.metadata.name)")
            return nil
        } catch {
            events.record(set, .warning, reason: "FailedDelete", message: "Error deleting: \(error.message)")
            return error
        }
    }

    /// Writes the planned status, with what went wrong in it: the first of several failures stands, so that the others change nothing.
    private mutating func write(_ planned: ReplicaSetStatus, now: Timestamp) async {
        var status = planned
        if let podFailure {
            let known = set.status.conditions.first { $0.type == "ReplicaFailure" }
            let condition =
                known
                ?? ReplicaSetCondition {
                    $0.type = "ReplicaFailure"
                    $0.status = "True"
                    $0.lastTransitionTime = now.truncatedToSeconds
                    $0.reason = "FailedCreate"
                    $0.message = podFailure.message
                }
            status.conditions = status.conditions.filter { $0.type != "ReplicaFailure" } + [condition]
        }
        guard status != set.status else { return }
        var changed = set
        changed.status = status
        do throws(Status) {
            _ = try await client.updateStatus(changed)
        } catch {
            guard !error.isReason(.notFound) else { return }
            failure = failure ?? error
        }
    }
}

extension Status {
    /// Nothing more can be made in that namespace: it is no use to try again.
    var isNamespaceTerminating: Bool {
        self.details?.causes.contains { $0.reason == "NamespaceTerminating" } ?? false
    }
}
