import APIMachinery
import Client
import JSONTree
import KubernetesAPI
import TestSupport

@testable import Controllers

/// A Deployment and its ReplicaSets, with pods that become ready at random.
struct DeploymentSimulation {
    var deployment: Deployment
    var sets: [ReplicaSet] = []
    var now = Timestamp(seconds: 1_000_000)
    private var seed: SeededRandom
    private var nextID = 0

    init(
        seed: UInt64, replicas: Int32, surge: IntOrString, unavailable: IntOrString, strategy: String = "RollingUpdate"
    ) {
        self.seed = SeededRandom(seed: seed)
        deployment = Deployment(name: "web", namespace: "default") { deployment in
            deployment.metadata.uid = "deployment"
            deployment.metadata.generation = 1
            deployment.spec.replicas = replicas
            deployment.spec.selector = LabelSelector { $0.matchLabels = ["app": "web"] }
            deployment.spec.template.metadata.labels = ["app": "web"]
            deployment.spec.strategy.type = strategy
            if strategy == "RollingUpdate" {
                deployment.spec.strategy.rollingUpdate = RollingUpdateDeployment {
                    $0.maxSurge = surge
                    $0.maxUnavailable = unavailable
                }
            }
        }
        setImage("a")
    }

    mutating func setImage(_ image: String) {
        deployment.metadata.generation += 1
        deployment.spec.template.spec.containers = [
            Container {
                $0.name = "app"
                $0.image = image
            }
        ]
    }

    var available: Int { sets.reduce(0) { $0 + Int($1.status.availableReplicas) } }
    var wanted: Int { sets.reduce(0) { $0 + Int($1.spec.replicas) } }
    var isComplete: Bool {
        let status = deployment.status
        let replicas = deployment.spec.replicas
        return status.updatedReplicas == replicas && status.replicas == replicas && status.availableReplicas == replicas
            && status.observedGeneration == deployment.metadata.generation
    }

    /// One look of the controller. Returns whether it did anything.
    mutating func look() -> Bool {
        let plan = DeploymentPlan(for: deployment, sets: sets, pods: [], now: now)
        for action in plan.actions { carryOut(action) }
        return !plan.actions.isEmpty
    }

    private mutating func carryOut(_ action: DeploymentPlan.Action) {
        switch action {
        case .create(var set):
            nextID += 1
            set.metadata.uid = "set-\(nextID)"
            set.metadata.generation = 1
            set.metadata.creationTimestamp = now
            sets.append(set)
        case .update(let set):
            guard let index = sets.firstIndex(where: { $0.metadata.uid == set.metadata.uid }) else { return }
            sets[index] = set
        case .delete(let set): sets.removeAll { $0.metadata.uid == set.metadata.uid }
        case .setRevision(let revision):
            deployment.metadata.annotations[RevisionAnnotations.revision] = String(revision)
        case .updateStatus(let status): deployment.status = status
        case .adopt, .release, .event: break
        }
    }

    /// Time passes: pods are made and deleted as the sets want, and some become ready. Unready ones go first.
    mutating func elapse() {
        now = now + .seconds(1)
        for index in sets.indices {
            let size = sets[index].spec.replicas
            sets[index].status.replicas = size
            var available = min(sets[index].status.availableReplicas, size)
            if available < size, Bool.random(using: &seed) { available += 1 }
            sets[index].status.availableReplicas = available
            sets[index].status.readyReplicas = available
            sets[index].status.observedGeneration = sets[index].metadata.generation
        }
    }
}
