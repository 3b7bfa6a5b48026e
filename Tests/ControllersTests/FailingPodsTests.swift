import APIMachinery
import APIServer
import Client
import KubernetesAPI
import Store
import TestSupport
import Testing

@testable import Controllers

/// A set whose pods the server refuses.
@Suite struct FailingPodsTests {
    @Test func theSameRefusalIsToldOnce() async throws {
        let server = try APIServer(store: MemoryStore())
        try await server.start()
        let client = APIClient(
            handler: server, peer: .inProcess(user: "admin", groups: ["system:masters"]), userAgent: "test")
        let events = EventRecorder(client: client, component: "test", time: ManualTime())
        var set = ReplicaSetPlanTests.set(2)
        set.spec.template.spec.serviceAccountName = "missing"
        set.spec.template.spec.containers = [
            Container {
                $0.name = "app"
                $0.image = "web"
            }
        ]
        set = try await client.create(set)
        var versions: [String] = []
        for seconds: Int64 in 1...3 {
            let now = Timestamp(seconds: 2_000_000 + seconds)
            var execution = ReplicaSetExecution(set: set, client: client, events: events, overlays: OverlayTable())
            await execution.carryOut(ReplicaSetPlan(for: set, pods: [], now: now), now: now)
            let refusal =
                #"pods "web-" is forbidden: error looking up service account default/missing: serviceaccount "missing" not found"#
            #expect(execution.failure?.message == refusal)
            set = try await client.get(ReplicaSet.self, "web", in: "default")
            #expect(set.status.conditions.map(\.message) == [refusal])
            versions.append(set.metadata.resourceVersion)
        }
        #expect(Set(versions).count == 1)

        // What has been put right is no failure any more.
        _ = try await client.create(ServiceAccount(name: "missing", namespace: "default"))
        var execution = ReplicaSetExecution(set: set, client: client, events: events, overlays: OverlayTable())
        let now = Timestamp(seconds: 2_000_010)
        await execution.carryOut(ReplicaSetPlan(for: set, pods: [], now: now), now: now)
        #expect(execution.failure == nil)
        set = try await client.get(ReplicaSet.self, "web", in: "default")
        #expect(set.status.conditions.isEmpty)
    }
}
