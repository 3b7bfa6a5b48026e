import APIMachinery
import APIServer
import Client
import KubernetesAPI
import Store
import Testing

@testable import Kubelet

@Suite(.timeLimit(.minutes(15))) struct ObjectWatchesTests {
    @Test func everyPodThatNamesAnObjectHearsOfItsChanges() async throws {
        let server = try APIServer(store: MemoryStore())
        try await server.start()
        let client = APIClient(
            handler: server, peer: .inProcess(user: "test", groups: ["system:masters"]), userAgent: "test")
        let watches = ObjectWatches(client: client, time: SystemTime())
        let object = ReferencedObject(.configMap, "c", in: "default")
        let (first, second) = (PodInbox(), PodInbox())
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await watches.run() }
            watches.follow([object], first)
            #expect(await next(first) == "")
            watches.follow([object], second)
            let created = try await client.create(ConfigMap(name: "c", namespace: "default"))
            #expect(await next(first) == created.metadata.resourceVersion)
            #expect(await next(second) == created.metadata.resourceVersion)
            watches.leave([object], first)
            try await client.delete(ConfigMap.self, "c", in: "default")
            #expect(await next(second) == "")
            #expect(first.take().isEmpty)
            group.cancelAll()
        }
    }

    /// The version that the inbox is told next.
    private func next(_ inbox: PodInbox) async -> String? {
        for await _ in inbox.arrivals {
            for case .announced(_, let version) in inbox.take() { return version }
        }
        return nil
    }
}
