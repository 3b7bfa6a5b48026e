import APIMachinery
import APIServer
import Client
import HTTP
import KubernetesAPI
import Store
import TestSupport
import Testing

/// The client against the real API server over a store in memory: called in this process, and over HTTPS on loopback.
@Suite struct APIServerRoundTripTests {
    @Test(arguments: ServedAPI.Way.allCases)
    func objectsGoThereAndBack(way: ServedAPI.Way) async throws {
        try await ServedAPI.run(way) { api in
            let client = api.client
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

    @Test(arguments: ServedAPI.Way.allCases)
    func anInformerFollowsWhatOthersWrite(way: ServedAPI.Way) async throws {
        try await ServedAPI.run(way) { api in
            let (client, time) = (api.client, api.time)
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

    @Test(arguments: ServedAPI.Way.allCases)
    func eventsAreTaken(way: ServedAPI.Way) async throws {
        try await ServedAPI.run(way) { api in
            let (client, time) = (api.client, api.time)
            let node = try await client.create(Node(name: "n1"))
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

    @Test func anInformerGoesOnAfterTheServerWasAway() async throws {
        try await ServedAPI.run(.https) { api in
            let informer = Informer<ConfigMap>(
                client: api.client, in: "default", time: api.time, random: RandomSource(seed: 1))
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await informer.run() }
                let events = informer.subscribe()
                guard case .synced = await events.next() else { return }
                _ = try await api.client.create(ConfigMap(name: "a", namespace: "default"))
                guard case .added = await events.next() else { return }
                try await api.interrupt { local in
                    _ = try await local.create(ConfigMap(name: "b", namespace: "default"))
                    try await local.delete(ConfigMap.self, "a", in: "default")
                }
                // The two loops of the server's housekeeping, and the informer that waits to try again.
                await api.time.waitForSleepers(3)
                api.time.advance(by: .seconds(60))
                guard case .added(let made) = await events.next(), case .deleted(let gone) = await events.next() else {
                    Issue.record("the events of the time away did not come")
                    return
                }
                #expect(made.metadata.name == "b")
                #expect(gone.metadata.name == "a")
                group.cancelAll()
            }
        }
    }
}
