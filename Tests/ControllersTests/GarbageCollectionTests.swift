import APIMachinery
import Client
import Controllers
import KubernetesAPI
import Testing

/// The garbage collector against a real API server in this process.
@Suite struct GarbageCollectionTests {
    @Test func everyKindButEventsIsFollowed() async throws {
        let cluster = try await TestCluster(nodeGrace: .seconds(1), podNetworks: nil)
        func kind<Followed: ObjectInformer>(_: Followed) -> ResourceKind { Followed.Object.kind }
        let followed = cluster.informers.all.map { kind($0) }
        #expect(Set(followed) == Set(Kinds.all.map(\.kind)).subtracting([Event.kind]))
    }

    @Test func aCircleOfOwnersGoes() async throws {
        try await TestCluster.run { cluster in
            var made: [ConfigMap] = []
            for name in ["a", "b", "c"] {
                made.append(try await cluster.client.create(ConfigMap(name: name, namespace: "default")))
            }
            for (index, map) in made.enumerated() {
                let owner = made[(index + 2) % 3]
                _ = try await cluster.client.modify(ConfigMap.self, map.metadata.name, in: "default") {
                    $0.metadata.ownerReferences = [Self.reference(to: owner)]
                }
            }
            try await cluster.client.delete(ConfigMap.self, "a", in: "default", options: Self.foreground)
            try await cluster.until(cluster.informers.configMaps, Self.isGone)
        }
    }

    @Test func aNamespaceEndsThatHoldsWhatWaitsForItself() async throws {
        try await TestCluster.run { cluster in
            _ = try await cluster.client.create(Namespace(name: "ring"))
            let map = try await cluster.client.create(ConfigMap(name: "a", namespace: "ring"))
            _ = try await cluster.client.modify(ConfigMap.self, "a", in: "ring") {
                $0.metadata.ownerReferences = [Self.reference(to: map)]
            }
            try await cluster.client.delete(ConfigMap.self, "a", in: "ring", options: Self.foreground)
            try await cluster.client.delete(Namespace.self, "ring")
            try await cluster.until(cluster.informers.namespaces) { !$0.contains { $0.metadata.name == "ring" } }
        }
    }

    @Test func leasesAndRevisionsGoWithTheirOwner() async throws {
        try await TestCluster.run { cluster in
            let owner = try await cluster.client.create(ConfigMap(name: "a", namespace: "default"))
            let reference = Self.reference(to: owner)
            _ = try await cluster.client.create(
                Lease(name: "a", namespace: "default") { $0.metadata.ownerReferences = [reference] })
            _ = try await cluster.client.create(
                ControllerRevision(name: "a", namespace: "default") { revision in
                    revision.metadata.ownerReferences = [reference]
                    revision.storage["revision"] = 1
                })
            try await cluster.client.delete(ConfigMap.self, "a", in: "default", options: Self.foreground)
            try await cluster.until(cluster.informers.leases) { $0.isEmpty }
            try await cluster.until(cluster.informers.controllerRevisions) { $0.isEmpty }
            try await cluster.until(cluster.informers.configMaps, Self.isGone)
        }
    }

    private static let foreground = DeleteOptions { $0.propagationPolicy = "Foreground" }

    /// Every namespace has one of its own.
    private static func isGone(_ maps: [ConfigMap]) -> Bool {
        maps.allSatisfy { $0.metadata.name == "kube-root-ca.crt" }
    }

    private static func reference(to owner: ConfigMap) -> OwnerReference {
        OwnerReference {
            $0.apiVersion = "v1"
            $0.kind = "ConfigMap"
            $0.name = owner.metadata.name
            $0.uid = owner.metadata.uid
            $0.blockOwnerDeletion = true
        }
    }
}
