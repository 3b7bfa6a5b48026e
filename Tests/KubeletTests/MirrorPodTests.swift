import APIMachinery
import APIServer
import Client
import KubernetesAPI
import Logging
import Store
import Testing

@testable import Kubelet

@Suite struct MirrorPlanTests {
    private func mirror(_ hash: String, isEnding: Bool = false) -> Pod {
        Pod(name: "p-n", namespace: "default") {
            $0.metadata.uid = "m"
            $0.metadata.annotations = [StaticPodAnnotation.mirror: hash]
            if isEnding { $0.metadata.deletionTimestamp = Timestamp(seconds: 1) }
        }
    }

    @Test func itFollowsFromThePodAndTheObject() {
        let own = staticPod("1")
        let foreign = Pod(name: "p-n", namespace: "default") { $0.metadata.uid = "x" }
        #expect(MirrorPlan(nil, mirror: nil) == .nothing)
        #expect(MirrorPlan(own, mirror: nil) == .create)
        #expect(MirrorPlan(own, mirror: mirror("1")) == .report)
        #expect(MirrorPlan(own, mirror: mirror("2")) == .delete(uid: "m"))
        #expect(MirrorPlan(own, mirror: mirror("1", isEnding: true)) == .delete(uid: "m"))
        #expect(MirrorPlan(nil, mirror: mirror("1")) == .delete(uid: "m"))
        #expect(MirrorPlan(own, mirror: foreign) == .nothing)
        #expect(MirrorPlan(nil, mirror: foreign) == .nothing)
    }
}

/// A pod of a StatefulSet that was removed by force comes again under its name, on another node or on none yet.
@Suite struct AnotherPodsStatusTests {
    @Test(arguments: ["m", "n", nil]) func aStatusIsNotForAnotherOfThatName(_ place: String?) async throws {
        let server = try await startedServer()
        let admin = client(of: server, as: "admin", "system:masters")
        let node = client(of: server, as: "system:node:n", "system:nodes")
        let new = try await admin.create(
            Pod(name: "p-n", namespace: "default") {
                $0.spec = staticPod("1").spec
                $0.spec.nodeName = place
            })
        let sink = APIStatusSink(client: node)
        try await sink.publish(PodStatus { $0.phase = "Failed" }, of: staticPod("1"))
        try await sink.confirmDeletion(of: staticPod("1"))
        let found = try await admin.get(Pod.self, "p-n", in: "default")
        #expect(found.metadata.uid == new.metadata.uid && found.status.phase != "Failed")
        #expect(found.metadata.deletionTimestamp == nil)
    }

    /// Both are tried again: the rules, or the certificate, may come right.
    @Test func whoMayWriteNothingHasWrittenNothing() async throws {
        let sink = APIStatusSink(client: client(of: try await startedServer(), as: "stranger"))
        await #expect(throws: OperationError.self) {
            try await sink.publish(PodStatus { $0.phase = "Failed" }, of: staticPod("1"))
        }
        await #expect(throws: OperationError.self) { try await sink.confirmDeletion(of: staticPod("1")) }
    }
}

@Suite(.timeLimit(.minutes(15))) struct MirrorPodsTests {
    @Test func theAPIShowsAStaticPodAsLongAsItsManifestIsThere() async throws {
        let server = try await startedServer()
        let admin = client(of: server, as: "admin", "system:masters")
        let node = client(of: server, as: "system:node:n", "system:nodes")
        _ = try await admin.create(Node(name: "n"))
        let mirrors = MirrorPods(
            client: node, node: "n", sink: APIStatusSink(client: node), time: SystemTime(),
            logger: Logger(label: "test"))
        let sink = MirroredStatusSink(mirrors: mirrors, sink: APIStatusSink(client: node))
        let informer = Informer(Pod.self, client: admin, time: SystemTime())
        let changes = informer.subscribe()
        let seen = informer.subscribe()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await informer.run() }
            group.addTask { await mirrors.run() }
            group.addTask {
                for await change in changes {
                    switch change {
                    case .added(let pod), .updated(_, let pod): mirrors.setMirror(pod, pod.key)
                    case .deleted(let pod): mirrors.setMirror(nil, pod.key)
                    case .synced: mirrors.synced()
                    }
                }
            }
            mirrors.set(staticPod("1"))
            try await sink.publish(PodStatus { $0.phase = "Running" }, of: staticPod("1"))
            let first = try #require(await pod(in: seen) { $0.status.phase == "Running" })
            #expect(first.metadata.annotations[StaticPodAnnotation.mirror] == "1")
            #expect(first.metadata.ownerReferences.first?.name == "n")
            try await admin.delete(Pod.self, "p-n", in: "default")
            let second = try #require(
                await pod(in: seen) { $0.metadata.uid != first.metadata.uid && $0.status.phase == "Running" })
            mirrors.remove(uid: "1")
            mirrors.set(staticPod("2"))
            let third = try #require(
                await pod(in: seen) { $0.metadata.annotations[StaticPodAnnotation.mirror] == "2" })
            #expect(third.metadata.uid != second.metadata.uid)
            mirrors.remove(uid: "2")
            for await case .deleted(let pod) in seen where pod.metadata.uid == third.metadata.uid { break }
            group.cancelAll()
        }
    }

    private func pod(in changes: InformerSubscription<Pod>, where isWanted: (Pod) -> Bool) async -> Pod? {
        for await change in changes {
            switch change {
            case .added(let pod), .updated(_, let pod): if isWanted(pod) { return pod }
            case .deleted, .synced: break
            }
        }
        return nil
    }
}

private func startedServer() async throws -> APIServer {
    let server = try APIServer(store: MemoryStore())
    try await server.start()
    return server
}

private func client(of server: APIServer, as user: String, _ groups: String...) -> APIClient {
    APIClient(handler: server, peer: .inProcess(user: user, groups: groups), userAgent: "test")
}

private func staticPod(_ hash: String) -> Pod {
    var pod = pod { $0.spec.nodeName = "n" }
    pod.metadata.name = "p-n"
    pod.metadata.uid = hash
    pod.metadata.annotations = [StaticPodAnnotation.hash: hash, StaticPodAnnotation.source: "file"]
    return pod
}
