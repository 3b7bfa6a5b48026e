import APIMachinery
import KubernetesAPI
import TestSupport
import Testing

@testable import Controllers

/// The plans survive whatever is stored.
@Suite struct WildObjectTests {
    private static let now = Timestamp(seconds: 1_795_000_000)

    @Test(arguments: UInt64(1)...6) func nothingTraps(seed: UInt64) {
        var wild = WildValues(seed: seed)
        for _ in 0..<25 {
            let pods = (0..<3).map { _ in Pod(storage: wild.object(Pod.schema)) }
            var sets = (0..<3).map { _ in ReplicaSet(storage: wild.object(ReplicaSet.schema)) }
            var deployment = Deployment(storage: wild.object(Deployment.schema))
            deployment.spec.selector = LabelSelector()
            deployment.metadata.uid = "owner"
            deployment.metadata.deletionTimestamp = nil
            for index in sets.indices {
                sets[index].metadata.uid = "set-\(index)"
                sets[index].metadata.ownerReferences = [deployment.controllerReference()]
            }
            _ = DeploymentPlan(for: deployment, sets: sets, pods: pods, now: Self.now)
            deployment.spec.paused.toggle()
            _ = DeploymentPlan(for: deployment, sets: sets, pods: pods, now: Self.now)
            for set in sets { _ = ReplicaSetPlan(for: set, pods: owned(pods, by: set), now: Self.now) }
            let service = Service(storage: wild.object(Service.schema))
            let slices = (0..<2).map { _ in EndpointSlice(storage: wild.object(EndpointSlice.schema)) }
            _ = EndpointSlicePlan(for: service, pods: pods, slices: slices, zones: [:])
            _ = EndpointsPlan(for: service, pods: pods, current: Endpoints(storage: wild.object(Endpoints.schema)))
            let node = Node(storage: wild.object(Node.schema))
            _ = NodePlan(for: node, pods: pods, isLost: seed % 2 == 0, now: Self.now, uptime: .zero)
            let namespace = Namespace(storage: wild.object(Namespace.schema))
            _ = NamespacePlan(for: namespace, remaining: ["pods": 1], failures: [], now: Self.now)
        }
    }

    private func owned(_ pods: [Pod], by set: ReplicaSet) -> [Pod] {
        pods.map { pod in
            var pod = pod
            pod.metadata.ownerReferences = [set.controllerReference()]
            return pod
        }
    }
}
