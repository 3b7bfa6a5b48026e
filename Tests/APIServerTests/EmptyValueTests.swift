import APIMachinery
import HTTP
import JSONTree
import Store
import Testing

/// Empty lists and maps are not stored, as upstream's encoding has no such thing.
@Suite struct EmptyValueTests {
    private static let merge: HTTPHeaders = ["Content-Type": "application/merge-patch+json"]

    @Test func noneIsStored() async throws {
        let api = try await TestServer()
        let body: JSONValue = [
            "metadata": ["name": "a", "labels": [:], "annotations": [:], "finalizers": [], "ownerReferences": []],
            "data": [:], "binaryData": [:],
        ]
        let created = try await api.send(.post, Path.maps, body)
        #expect(created.status == 201)
        for answer in [created, try await api.send(.put, Path.maps + "/a", body)] {
            #expect(answer.json.object?.members.map(\.key) == ["apiVersion", "kind", "metadata"])
            let metadata = answer.json["metadata"]?.object?.members.map(\.key) ?? []
            #expect(Set(metadata).isSubset(of: Self.serverKept), "\(metadata)")
        }
        let labelled: JSONValue = ["metadata": ["labels": ["k": "v"]], "data": ["k": "v"]]
        _ = try await api.send(.patch, Path.maps + "/a", labelled, headers: Self.merge)
        let last: JSONValue = ["metadata": ["labels": ["k": .null]], "data": ["k": .null]]
        let patched = try await api.send(.patch, Path.maps + "/a", last, headers: Self.merge)
        #expect(patched.json["metadata"]?["labels"] == nil && patched.json["data"] == nil)
        let config: JSONValue = [
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "b", "annotations": [:]],
        ]
        let applied = try await api.send(
            .patch, Path.maps + "/b", config, query: ["fieldManager": "me"],
            headers: ["Content-Type": "application/apply-patch+yaml"])
        #expect(applied.status == 201 && applied.json["metadata"]?["annotations"] == nil)
    }

    private static let serverKept: Set = [
        "creationTimestamp", "managedFields", "name", "namespace", "resourceVersion", "uid",
    ]

    /// Where empty says something, it is an object, not a list or map.
    @Test func emptyObjectsStay() async throws {
        let api = try await TestServer()
        let everyPod: JSONValue = ["topologyKey": "zone", "labelSelector": [:], "namespaceSelector": [:]]
        let body: JSONValue = [
            "metadata": ["name": "a"],
            "spec": [
                "containers": [["name": "m", "image": "i", "resources": ["limits": [:]], "command": []]],
                "nodeSelector": [:], "volumes": [["name": "v", "emptyDir": [:]]],
                "affinity": ["podAffinity": ["requiredDuringSchedulingIgnoredDuringExecution": [everyPod]]],
            ],
        ]
        let spec = try await api.send(.post, Path.pods, body).json["spec"]
        #expect(spec?["nodeSelector"] == nil)
        #expect(spec?["containers"]?.array?.first?["resources"] == [:])
        #expect(spec?["containers"]?.array?.first?["command"] == nil)
        #expect(spec?["volumes"]?.array?.first?["emptyDir"] == [:])
        let term = spec?["affinity"]?["podAffinity"]?["requiredDuringSchedulingIgnoredDuringExecution"]?.array?.first
        #expect(term == everyPod)
    }

    /// Of a pod little may change: what an older release stored is not taken for a change.
    @Test func whatWasStoredOnceIsNoChange() async throws {
        let api = try await Self.restarted(
            after: pod("a"), at: Path.pods, key: "core/pods",
            with: ["spec.nodeSelector": [:], "metadata.annotations": [:]])
        #expect(try await api.get(Path.pods + "/a").json["spec"]?["nodeSelector"] == [:])
        let patch: JSONValue = ["metadata": ["labels": ["k": "v"]]]
        let patched = try await api.send(.patch, Path.pods + "/a", patch, headers: Self.merge)
        #expect(patched.status == 200 && patched.json["spec"]?["nodeSelector"] == nil, "\(patched.message)")
    }

    /// A server over what an older release stored in another form, which has these fields.
    private static func restarted(
        after body: JSONValue, at path: String, key: String, with fields: [String: JSONValue]
    ) async throws -> TestServer {
        let store = MemoryStore()
        let first = try await TestServer(store: store)
        let created = try await first.send(.post, path, body)
        var old = created.json
        set("metadata.resourceVersion", to: nil, in: &old)
        for (field, value) in fields { set(field, to: value, in: &old) }
        let key = "/registry/\(key)/default/\(created.name)"
        let revision = try #require(await store.get(key, at: nil)).modRevision
        _ = try await store.write(.update(key: key, bytes: old.encoded(), expecting: revision))
        return try await TestServer(store: store)
    }

    private static func set(_ path: String, to value: JSONValue?, in tree: inout JSONValue) {
        let steps = path.split(separator: ".", maxSplits: 1).map(String.init)
        var object = tree.object ?? JSONObject()
        if steps.count > 1 {
            var below = object[steps[0]] ?? [:]
            set(steps[1], to: value, in: &below)
            object[steps[0]] = below
        } else {
            object[steps[0]] = value
        }
        tree = .object(object)
    }

    @Test func noSubresourceTakesItForAChange() async throws {
        let deployment: JSONValue = [
            "metadata": ["name": "a"],
            "spec": [
                "replicas": 1, "selector": ["matchLabels": ["app": "a"]],
                "template": [
                    "metadata": ["labels": ["app": "a"]], "spec": ["containers": [["name": "m", "image": "i"]]],
                ],
            ],
        ]
        let api = try await Self.restarted(
            after: deployment, at: Path.deployments, key: "apps/deployments",
            with: ["spec.template.spec.nodeSelector": [:]])
        let scale: JSONValue = [
            "apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": ["name": "a"], "spec": ["replicas": 1],
        ]
        let scaled = try await api.send(
            .patch, Path.deployments + "/a/scale", scale, query: ["fieldManager": "me"],
            headers: ["Content-Type": "application/apply-patch+yaml"])
        #expect(scaled.status == 200, "\(scaled.message)")
        #expect(try await api.get(Path.deployments + "/a").json["metadata"]?["generation"] == 1)
    }

    @Test func olderEphemeralContainersDoNotChange() async throws {
        let look: JSONValue = [
            "name": "look", "image": "i", "args": [], "imagePullPolicy": "Always", "resources": [:],
            "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
        ]
        let api = try await Self.restarted(
            after: pod("a"), at: Path.pods, key: "core/pods", with: ["spec.ephemeralContainers": [look]])
        let next: JSONValue = ["spec": ["ephemeralContainers": [["name": "next", "image": "i"]]]]
        let added = try await api.send(
            .patch, Path.pods + "/a/ephemeralcontainers", next,
            headers: ["Content-Type": "application/strategic-merge-patch+json"])
        #expect(added.json["spec"]?["ephemeralContainers"]?.array?.count == 2, "\(added.message)")
    }
}
