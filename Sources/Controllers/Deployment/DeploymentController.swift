import APIMachinery
import Client
import JSONTree
import KubernetesAPI
import Logging

/// Brings every Deployment's ReplicaSets to what it wants.
struct DeploymentController: Sendable {
    private static let workers = 4

    private let client: APIClient
    private let informers: ControllerInformers
    private let log: Logger
    private let events: EventRecorder
    private let time: any TimeSource
    private let queue: WorkQueue<ObjectKey>

    init(_ context: ControllerContext) {
        client = context.client
        informers = context.informers
        log = context.log
        events = context.recorder("deployment-controller")
        time = context.time
        queue = WorkQueue(time: context.time)
    }

    func run() async {
        guard await informers.deployments.waitUntilSynced(), await informers.replicaSets.waitUntilSynced(),
            await informers.pods.waitUntilSynced()
        else { return }
        await withDiscardingTaskGroup { group in
            group.addTask { await events.run() }
            group.addTask {
                await informers.deployments.follow { before, after in
                    (after ?? before).map { queue.add(ObjectKey($0)) }
                }
            }
            group.addTask { await informers.replicaSets.follow { noteChange(of: $0, $1) } }
            group.addTask { await informers.pods.follow { noteEnd(of: $0, $1) } }
            group.addTask {
                await queue.reconcile(workers: Self.workers, "deployment", log: log) { try await reconcile($0) }
            }
        }
    }

    private func noteChange(of before: ReplicaSet?, _ after: ReplicaSet?) {
        for metadata in [before?.metadata, after?.metadata].compactMap({ $0 }) {
            if let owner = metadata.controller {
                guard owner.kind == Deployment.kind.kind else { continue }
                queue.add(ObjectKey(namespace: metadata.namespace, name: owner.name))
            } else if after != nil {
                let labels = metadata.labels
                for deployment in informers.deployments.list(in: metadata.namespace)
                where deployment.spec.selector.matches(labels) {
                    queue.add(ObjectKey(deployment))
                }
            }
        }
    }

    /// Recreate waits for the last old pod to be gone.
    private func noteEnd(of before: Pod?, _ after: Pod?) {
        guard after == nil, let pod = before, let owner = pod.metadata.controller,
            let set = informers.replicaSets.get(owner.name, in: pod.metadata.namespace),
            let deployment = set.metadata.controller
        else { return }
        queue.add(ObjectKey(namespace: pod.metadata.namespace, name: deployment.name))
    }

    private func reconcile(_ key: ObjectKey) async throws -> Duration? {
        guard let deployment = informers.deployments.get(key) else { return nil }
        let sets = informers.replicaSets.list(in: key.namespace)
        let own = sets.filter { $0.metadata.controller?.uid == deployment.metadata.uid }
        let isRecreate = deployment.spec.strategy.type == "Recreate"
        let pods =
            isRecreate
            ? own.flatMap { informers.pods.list(index: ControllerInformers.byController, $0.metadata.uid) } : []
        let now = time.now()
        let plan = DeploymentPlan(for: deployment, sets: sets, pods: pods, now: now)
        var current = deployment
        for action in plan.actions { try await carryOut(action, &current) }
        return plan.nextLook.map { $0 - now }
    }

    /// `deployment` is its newest version, for the writes that follow.
    private func carryOut(_ action: DeploymentPlan.Action, _ deployment: inout Deployment) async throws(Status) {
        switch action {
        case .adopt(let set): try await Ownership(client: client).adopt(set, for: deployment.controllerReference())
        case .release(let set): try await Ownership(client: client).release(set, from: deployment.metadata.uid)
        case .create(let set): try await create(set, deployment)
        case .update(let set): _ = try await client.update(set)
        case .delete(let set): try await client.delete(set)
        case .setRevision(let revision):
            let annotations: JSONValue = [RevisionAnnotations.revision: .string(String(revision))]
            deployment = try await client.patch(
                Deployment.self, deployment.metadata.name, in: deployment.metadata.namespace, .merge,
                ["metadata": ["uid": .string(deployment.metadata.uid), "annotations": annotations]])
        case .updateStatus(let status):
            deployment.status = status
            deployment = try await client.updateStatus(deployment)
        case .event(let type, let reason, let message):
            events.record(deployment, type, reason: reason, message: message)
        }
    }

    /// A set of that name may be there already: ours, where the view lags behind, or of another template, where the hashes collide.
    private func create(_ set: ReplicaSet, _ deployment: Deployment) async throws(Status) {
        do throws(Status) {
            _ = try await client.create(set)
        } catch {
            guard error.isReason(.alreadyExists) else { throw error }
            let known: ReplicaSet = try await client.get(ReplicaSet.self, set.metadata.name, in: set.metadata.namespace)
            let isOurs = known.metadata.controller?.uid == deployment.metadata.uid
            guard !isOurs || !known.spec.template.isSame(as: deployment.spec.template) else { throw error }
            var changed = deployment
            changed.status.collisionCount = (deployment.status.collisionCount ?? 0) &+ 1
            _ = try await client.updateStatus(changed)
            throw error
        }
    }
}
