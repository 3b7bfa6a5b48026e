import APIMachinery
import Client
import JSONTree
import KubernetesAPI
import TestSupport
import Testing

/// Random changes to a running cluster; when they stop, everything fits together again.
@Suite struct ChaosTests {
    @Test(arguments: UInt64(1)...3) func theClusterComesToRest(seed: UInt64) async throws {
        try await TestCluster.run { cluster in
            for name in ["a", "b", "c"] { try await cluster.addNode(name, cpu: 64) }
            _ = try await cluster.client.create(
                Service(name: "web", namespace: "default") { service in
                    service.spec.selector = ["app": "web"]
                    service.spec.ports = [
                        ServicePort {
                            $0.port = 80
                            $0.targetPort = 8_080
                        }
                    ]
                })
            _ = try await cluster.client.create(Self.deployment)
            var random = SeededRandom(seed: seed)
            for step in 0..<40 { try await Self.disturb(cluster, step, &random) }
            let wanted = Int32.random(in: 1...8, using: &random)
            try await Self.change(cluster) { $0.spec.replicas = wanted }
            try await cluster.until(cluster.informers.deployments) {
                $0.first.map { Self.isAtRest($0, wanted) } ?? false
            }
            try await cluster.until(cluster.informers.pods) { pods in
                pods.count == Int(wanted) && pods.allSatisfy { $0.status.phase == "Running" }
            }
            let uids = Set(cluster.informers.pods.list().map { $0.metadata.uid })
            try await cluster.until(cluster.informers.endpointSlices) { slices in
                let targets = slices.flatMap { $0.endpoints }.compactMap { $0.targetRef?.uid }
                return targets.count == uids.count && Set(targets) == uids
            }
            let sets = cluster.informers.replicaSets.list().filter { $0.spec.replicas > 0 }
            #expect(sets.count == 1, "seed \(seed)")
            #expect(
                cluster.informers.pods.list().allSatisfy { $0.metadata.controller?.uid == sets.first?.metadata.uid })
        }
    }

    private static let deployment = Deployment(name: "web", namespace: "default") { deployment in
        deployment.spec.replicas = 3
        deployment.spec.selector = LabelSelector { $0.matchLabels = ["app": "web"] }
        deployment.spec.template.metadata.labels = ["app": "web"]
        deployment.spec.template.spec.containers = [
            Container {
                $0.name = "app"
                $0.image = "web:1"
            }
        ]
    }

    private static func isAtRest(_ deployment: Deployment, _ wanted: Int32) -> Bool {
        let status = deployment.status
        return deployment.spec.replicas == wanted && status.observedGeneration == deployment.metadata.generation
            && status.updatedReplicas == wanted && status.availableReplicas == wanted && status.replicas == wanted
    }

    private static func disturb(_ cluster: TestCluster, _ step: Int, _ random: inout SeededRandom) async throws {
        let pods = try await cluster.client.list(Pod.self, in: "default").items
        let victim = pods.randomElement(using: &random)
        let size = Int32.random(in: 0...8, using: &random)
        switch Int.random(in: 0..<7, using: &random) {
        case 0, 1: try await change(cluster) { $0.spec.replicas = size }
        case 2: try await change(cluster) { $0.spec.template.spec.containers[0].image = "web:\(step)" }
        case 3: try await change(cluster) { $0.spec.template.spec.containers[0].image = "web:1" }
        case 4:
            guard let victim else { return }
            try? await cluster.client.delete(Pod.self, victim.metadata.name, in: "default")
        case 5:
            // The pod is nobody's any more, and is given back at once.
            guard let victim else { return }
            let none: JSONValue = ["metadata": ["ownerReferences": .null]]
            let _: Pod? = try? await cluster.client.patch(Pod.self, victim.metadata.name, in: "default", .merge, none)
        default:
            guard let victim else { return }
            let body: JSONValue = ["status": ["phase": "Failed"]]
            let _: Pod? = try? await cluster.client.patch(
                Pod.self, victim.metadata.name, in: "default", subresource: "status", .merge, body)
            try? await cluster.client.delete(Pod.self, victim.metadata.name, in: "default")
        }
    }

    private static func change(
        _ cluster: TestCluster, _ body: (inout Deployment) -> Void
    ) async throws {
        _ = try await cluster.client.modify(Deployment.self, "web", in: "default") { body(&$0) }
    }
}
