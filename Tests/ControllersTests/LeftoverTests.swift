import APIMachinery
import APIServer
import Client
import KubernetesAPI
import Logging
import Store
import TestSupport
import Testing

@testable import Controllers

/// What is left when a node or a service is gone.
@Suite struct LeftoverTests {
    @Test func aMissingNodesPodsStayForAWhile() {
        let quarantine = NodeQuarantine(length: .seconds(40))
        #expect(quarantine.rest(of: "a", at: .seconds(10)) == .seconds(40))
        #expect(quarantine.rest(of: "a", at: .seconds(49)) == .seconds(1))
        #expect(quarantine.rest(of: "b", at: .seconds(49)) == .seconds(40))
        #expect(quarantine.rest(of: "a", at: .seconds(51)) == .seconds(-1))
        // It came back, and left again.
        quarantine.end(for: "a")
        #expect(quarantine.rest(of: "a", at: .seconds(60)) == .seconds(40))
    }

    @Test func podsOfAMissingNodeFailBeforeTheyGo() async throws {
        try await TestCluster.run(nodeQuarantine: .milliseconds(100)) { cluster in
            let changes = cluster.informers.pods.subscribe()
            // The finalizer holds it, so that its end can be looked at.
            for finalizers in [[], ["test.io/hold"]] {
                _ = try await cluster.client.create(
                    Pod(name: finalizers.isEmpty ? "a" : "b", namespace: "default") { pod in
                        pod.metadata.finalizers = finalizers
                        pod.spec.nodeName = "missing"
                        pod.spec.containers = [
                            Container {
                                $0.name = "main"
                                $0.image = "web"
                            }
                        ]
                    })
            }
            try await cluster.until(cluster.informers.pods) { pods in
                guard let pod = pods.first, pods.count == 1, pod.metadata.deletionTimestamp != nil else { return false }
                let condition = pod.status.conditions.first { $0.type == "DisruptionTarget" }
                return pod.status.phase == "Failed" && condition?.status == "True"
                    && condition?.reason == "DeletionByPodGC"
                    && condition?.message == "PodGC: node no longer exists"
            }
            // The other's last state was the same.
            for await change in changes {
                guard case .deleted(let pod) = change else { continue }
                #expect(pod.metadata.name == "a" && pod.status.phase == "Failed")
                break
            }
        }
    }

    private static func pod(_ name: String, on node: String) -> Pod {
        Pod(name: name, namespace: "default") { pod in
            pod.spec.nodeName = node
            pod.spec.containers = [
                Container {
                    $0.name = "main"
                    $0.image = "web"
                }
            ]
        }
    }

    @Test func podsOfANodeThatComesBackStay() async throws {
        let server = try APIServer(store: MemoryStore())
        try await server.start()
        let client = APIClient(
            handler: server, peer: .inProcess(user: "admin", groups: ["system:masters"]), userAgent: "test")
        let informers = ControllerInformers(client: client, time: SystemTime())
        let time = ManualTime()
        let controller = PodGCController(
            ControllerContext(
                client: client, informers: informers, time: time, random: RandomSource(), log: Logger(label: "test")),
            quarantine: .seconds(40))
        _ = try await client.create(Node(name: "n"))
        _ = try await client.create(Self.pod("a", on: "n"))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await informers.run() }
            group.addTask { await controller.run() }
            try await until { informers.nodes.get("n") != nil && informers.pods.get("a", in: "default") != nil }
            try await client.delete(Node.self, "n")
            try await until { time.untilNext != nil || informers.pods.get("a", in: "default") == nil }
            _ = try await client.create(Node(name: "n"))
            try await until { informers.nodes.get("n") != nil }
            time.advance(by: .seconds(41))
            // One node after the other: when this one's pod goes, the first was done with.
            _ = try await client.create(Self.pod("b", on: "missing"))
            try await until { time.untilNext != nil || informers.pods.get("b", in: "default") == nil }
            time.advance(by: .seconds(41))
            try await until { informers.pods.get("b", in: "default") == nil }
            let pod = try await client.get(Pod.self, "a", in: "default")
            #expect(pod.metadata.deletionTimestamp == nil && pod.status.phase == "Pending")
            group.cancelAll()
        }
    }

    private static func endpoints(_ name: String) -> Endpoints {
        Endpoints(name: name, namespace: "default") { endpoints in
            endpoints.subsets = [
                EndpointSubset { subset in
                    subset.addresses = [EndpointAddress { $0.ip = "192.0.2.1" }]
                    subset.ports = [EndpointSubsetPort { $0.port = 5_432 }]
                }
            ]
        }
    }

    private static func service(_ name: String) -> Service {
        Service(name: name, namespace: "default") { service in
            service.spec.ports = [ServicePort { $0.port = 5_432 }]
        }
    }

    @Test func endpointsMadeByHandGoWithTheirService() async throws {
        try await TestCluster.run { cluster in
            let client = cluster.client
            _ = try await client.create(Self.endpoints("early"))
            _ = try await client.create(Self.endpoints("db"))
            _ = try await client.create(Self.service("db"))
            try await cluster.until(cluster.informers.endpointSlices) { slices in
                slices.contains { $0.metadata.labels[EndpointSlicePlan.serviceLabel] == "db" }
            }
            try await client.delete(Service.self, "db", in: "default")
            try await cluster.until(cluster.informers.endpoints) { !$0.contains { $0.metadata.name == "db" } }
            try await cluster.until(cluster.informers.endpointSlices) { slices in
                !slices.contains { $0.metadata.labels[EndpointSlicePlan.serviceLabel] == "db" }
            }
            // Its service is yet to come.
            #expect(cluster.informers.endpoints.get("early", in: "default") != nil)
        }
    }

    @Test func endpointsMadeByHandStayWhereTheServiceIsThereAgain() async throws {
        let path = "/api/v1/namespaces/default"
        let interruption = Interruption(of: ["GET \(path)/services/db", "DELETE \(path)/endpoints/db"]) { client in
            _ = try await client.create(Self.service("db"))
        }
        try await TestCluster.run(handler: interruption.interrupted) { cluster in
            _ = try await cluster.client.create(Self.endpoints("db"))
            let first = try await cluster.client.create(Self.service("db")).metadata.uid
            try await cluster.until(cluster.informers.endpointSlices) { slices in
                slices.contains { $0.metadata.labels[EndpointSlicePlan.serviceLabel] == "db" }
            }
            try await cluster.client.delete(Service.self, "db", in: "default")
            try await cluster.until(cluster.informers.services) { services in
                services.contains { $0.metadata.name == "db" && $0.metadata.uid != first }
            }
            #expect(interruption.request == "GET \(path)/services/db")
            _ = try await cluster.direct.get(Endpoints.self, "db", in: "default")
        }
    }

    @Test func endpointsWhoseServiceWentUnseenGoAtTheStart() async throws {
        try await TestCluster.run(prepare: Self.makeLeftovers) { cluster in
            try await cluster.until(cluster.informers.endpoints) { all in
                all.map(\.metadata.name).contains("kept") && !all.contains { $0.metadata.name == "db" }
            }
            #expect(cluster.informers.endpoints.get("leader", in: "default") != nil)
        }
    }

    private static func makeLeftovers(_ client: APIClient) async throws {
        _ = try await client.create(endpoints("db"))
        _ = try await client.create(service("kept"))
        _ = try await client.create(endpoints("kept"))
        var leader = endpoints("leader")
        leader.metadata.annotations = ["control-plane.alpha.kubernetes.io/leader": "{}"]
        _ = try await client.create(leader)
    }
}
