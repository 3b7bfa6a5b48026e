import APIMachinery
import APIServer
import Client
import HTTP
import KubernetesAPI
import Store
import TestSupport
import Testing

/// The client against the real API server in this process, over a store in memory.
@Suite struct APIServerRoundTripTests {
    @Test func objectsGoThereAndBack() async throws {
        try await serving { client, _ in
            let made = try await client.create(
                ConfigMap(name: "a", namespace: "default") { $0.data = ["k": "v"] })
            #expect(made.metadata.uid.isEmpty == false)
            let read = try await client.get(ConfigMap.self, "a", in: "default")
            #expect(read == made)
            let changed = try await client.modify(ConfigMap.self, "a", in: "default") { $0.data["k"] = "w" }
            #expect(changed.data == ["k": "w"])
            let stale = await #expect(throws: Status.self) { try await client.update(made) }
            #expect(stale?.isReason(.conflict) == true)
            let patched = try await client.patch(
                ConfigMap.self, "a", in: "default", .merge, ["metadata": ["labels": ["app": "web"]]])
            #expect(patched.metadata.labels == ["app": "web"])
            try await client.delete(ConfigMap.self, "a", in: "default")
            let missing = await #expect(throws: Status.self) {
                try await client.get(ConfigMap.self, "a", in: "default")
            }
            #expect(missing?.isReason(.notFound) == true)
        }
    }

    @Test func anInformerFollowsWhatOthersWrite() async throws {
        try await serving { client, time in
            for number in 0..<1_203 {
                _ = try await client.create(ConfigMap(name: "m-\(1_000 + number)", namespace: "default"))
            }
            let informer = Informer<ConfigMap>(client: client, in: "default", time: time, random: RandomSource(seed: 1))
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await informer.run() }
                let events = informer.subscribe()
                var added = 0
                while case .added = await events.next() { added += 1 }
                #expect(added == 1_203)
                #expect(informer.list().first?.metadata.name == "m-1000")
                let made = try await client.create(ConfigMap(name: "z", namespace: "default"))
                #expect(await events.next()?.text == "+z@\(made.metadata.resourceVersion)")
                let changed = try await client.modify(ConfigMap.self, "z", in: "default") { $0.data["k"] = "v" }
                #expect(
                    await events.next()?.text
                        == "~z@\(made.metadata.resourceVersion)>\(changed.metadata.resourceVersion)")
                try await client.delete(ConfigMap.self, "z", in: "default")
                guard case .deleted(let gone) = await events.next() else {
                    Issue.record("no deletion came")
                    return
                }
                #expect(gone.metadata.name == "z")
                group.cancelAll()
            }
        }
    }

    @Test func leasesAndEventsAreTaken() async throws {
        try await serving { client, time in
            let node = try await client.create(Node(name: "n1"))
            let holder = LeaseHolder(
                .init(node: "n1"), client: client, time: time, random: RandomSource(seed: 1))
            let first = try await holder.renew()
            time.advance(by: .seconds(10))
            let second = try await holder.renew(first)
            #expect(second.metadata.uid == first.metadata.uid)
            #expect(second.spec.renewTime != first.spec.renewTime)
            let recorder = EventRecorder(client: client, component: "kubelet", host: "n1", time: time)
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await recorder.run() }
                let informer = Informer<Event>(client: client, time: time, random: RandomSource(seed: 1))
                group.addTask { await informer.run() }
                let events = informer.subscribe()
                while case .added = await events.next() {}
                recorder.record(node, .normal, reason: "Starting", message: "the node starts")
                guard case .added(let event) = await events.next() else { return }
                #expect(event.metadata.namespace == "default")
                recorder.record(node, .normal, reason: "Starting", message: "the node starts")
                guard case .updated(_, let again) = await events.next() else { return }
                #expect(again.count == 2)
                group.cancelAll()
            }
        }
    }

    private func serving(_ body: (APIClient, ManualTime) async throws -> Void) async throws {
        let time = ManualTime()
        let server = try APIServer(store: MemoryStore(), time: time)
        try await server.start()
        let client = APIClient(
            handler: server, peer: .inProcess(user: "test", groups: ["system:masters"]), userAgent: "test")
        try await body(client, time)
        await server.stop()
    }
}
