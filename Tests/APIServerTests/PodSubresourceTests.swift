import APIMachinery
import APIServer
import HTTP
import JSONTree
import PKI
import Synchronization
import Testing

@Suite struct PodSubresourceTests {
    private let toNode: JSONValue = ["metadata": ["name": "a"], "target": ["kind": "Node", "name": "n1"]]

    @Test func bindsOnce() async throws {
        let api = try await TestServer()
        _ = try await api.send(.post, Path.pods, pod("a"))
        let bound = try await api.send(.post, Path.pods + "/a/binding", toNode)
        #expect(bound.status == 201, "\(bound.json.text)")
        let object = try await api.get(Path.pods + "/a").json
        #expect(object["spec"]?["nodeName"] == "n1")
        #expect(object["metadata"]?["generation"] == 1)
        #expect(object["status"]?["conditions"]?.array?.first?["type"] == "PodScheduled")
        let again = try await api.send(.post, Path.pods + "/a/binding", toNode)
        #expect(again.status == 409)
        #expect(again.message.contains("already assigned to node \"n1\""))
    }

    @Test func bindsByTheOlderPath() async throws {
        let api = try await TestServer()
        _ = try await api.send(.post, Path.pods, pod("a"))
        let body: JSONValue = ["metadata": ["name": "a"], "target": ["name": "n1"]]
        #expect(try await api.send(.post, "/api/v1/namespaces/default/bindings", body).status == 201)
        #expect(try await api.get(Path.pods + "/a").json["spec"]?["nodeName"] == "n1")
    }

    @Test func evicts() async throws {
        let api = try await TestServer()
        _ = try await api.send(.post, Path.pods, pod("a", node: "n1"))
        let body: JSONValue = ["metadata": ["name": "a"], "deleteOptions": ["gracePeriodSeconds": 3]]
        #expect(try await api.send(.post, Path.pods + "/a/eviction", body).status == 201)
        let evicted = try await api.get(Path.pods + "/a").json
        #expect(evicted["metadata"]?["deletionGracePeriodSeconds"] == 3)
        let condition = evicted["status"]?["conditions"]?.array?.first { $0["type"] == "DisruptionTarget" }
        #expect(condition?["reason"] == "EvictionByEvictionAPI")
    }

    @Test func anEvictionIsOfTheVersionItNames() async throws {
        let api = try await TestServer()
        let pod = try await api.send(.post, Path.pods, pod("a", node: "n1")).json
        func evict(_ preconditions: JSONValue) async throws -> Int {
            let body: JSONValue = ["metadata": ["name": "a"], "deleteOptions": ["preconditions": preconditions]]
            return Int(try await api.send(.post, Path.pods + "/a/eviction", body).status)
        }
        #expect(try await evict(["uid": "another"]) == 409)
        #expect(try await evict(["resourceVersion": "1"]) == 409)
        #expect(try await api.get(Path.pods + "/a").json["status"]?["conditions"] == nil)
        let version = pod["metadata"]?["resourceVersion"] ?? .null
        #expect(try await evict(["resourceVersion": version]) == 201)
    }

    @Test func theBodyNamesTheObjectOfTheURL() async throws {
        let tokens = try ServiceAccountTokens(keyPEM: ServiceAccountTokens.makeKeyPEM(), issuer: "test", object: "test")
        let api = try await TestServer(tokens: tokens)
        _ = try await api.send(.post, Path.pods, pod("a", node: "n1"))
        let other: JSONValue = ["name": "b"]
        for body: JSONValue in [["metadata": other], [:]] {
            let evicted = try await api.send(.post, Path.pods + "/a/eviction", body)
            #expect(evicted.status == 400)
            #expect(evicted.message == "name in URL does not match name in Eviction object")
        }
        let target: JSONValue = ["kind": "Node", "name": "n1"]
        let bound = try await api.send(.post, Path.pods + "/a/binding", ["metadata": other, "target": target])
        #expect(bound.status == 400)
        #expect(bound.message == "name in URL does not match name in Binding object")
        let elsewhere: JSONValue = ["metadata": ["name": "a", "namespace": "other"], "target": target]
        #expect(try await api.send(.post, Path.pods + "/a/binding", elsewhere).status == 400)
        let scaled = try await api.send(
            .put, Path.deployments + "/web/scale", ["metadata": other, "spec": ["replicas": 1]])
        #expect(scaled.status == 400)
        let finalized = try await api.send(.put, "/api/v1/namespaces/default/finalize", ["metadata": other])
        #expect(finalized.status == 400)
        let account = "/api/v1/namespaces/default/serviceaccounts/default/token"
        #expect(try await api.send(.post, account, ["metadata": other]).status == 422)
        #expect(try await api.send(.post, account, ["metadata": ["name": "default"]]).status == 201)
    }

    @Test func ephemeralContainersAreAddedAndNeverChanged() async throws {
        let api = try await TestServer()
        let path = Path.pods + "/a/ephemeralcontainers"
        let patch: HTTPHeaders = ["Content-Type": "application/strategic-merge-patch+json"]
        func add(_ container: JSONValue) async throws -> Answer {
            try await api.send(
                .patch, path, ["spec": ["ephemeralContainers": [container], "hostname": "x"]], headers: patch)
        }
        _ = try await api.send(.post, Path.pods, pod("a", node: "n1"))
        let added = try await add(["name": "look", "image": "i", "targetContainerName": "main"])
        #expect(added.status == 200, "\(added.json.text)")
        let spec = added.json["spec"]
        #expect(spec?["ephemeralContainers"]?.array?.first?["terminationMessagePolicy"] == "File")
        #expect(spec?["hostname"] == nil)
        let both = try await add(["name": "second", "image": "i"])
        #expect(both.json["spec"]?["ephemeralContainers"]?.array?.count == 2)
        #expect(try await add(["name": "look", "image": "other"]).message.contains("may not be changed"))
        #expect(try await add(["name": "main", "image": "i"]).message.contains("Duplicate"))
        let astray = try await add(["name": "b", "image": "i", "targetContainerName": "nobody"])
        #expect(astray.message.contains("targetContainerName"))
        var object = try await api.get(path).json.object ?? JSONObject()
        var emptied = object["spec"]?.object ?? JSONObject()
        emptied["ephemeralContainers"] = []
        object["spec"] = .object(emptied)
        #expect(try await api.send(.put, path, .object(object)).message.contains("may not be removed"))
        let direct: JSONValue = ["spec": ["ephemeralContainers": [["name": "c", "image": "i"]]]]
        #expect(try await api.send(.patch, Path.pods + "/a", direct, headers: patch).status == 422)
    }

    @Test func aNodeTellsOfItselfAndNoMore() async throws {
        let node = RecordingNode()
        let api = try await TestServer(nodes: node)
        let path = "/api/v1/nodes/n1/proxy"
        _ = try await api.send(.post, "/api/v1/nodes", ["metadata": ["name": "n1"]])
        #expect(try await api.get(path + "/stats/summary").status == 200)
        #expect(node.last?.path == "/stats/summary")
        for refused in ["/exec/default/a/main", "/metrics/resource/..", "/../pods", ""] {
            #expect(try await api.get(path + refused).status == 404)
        }
        #expect(try await api.send(.post, path + "/pods").status == 405)
        let other = Peer.certificate(commonName: "system:node:n1", organizations: ["system:nodes"])
        #expect(try await api.get(path + "/pods", peer: other).status == 403)
    }

    @Test func logsComeFromTheNode() async throws {
        let node = RecordingNode()
        let api = try await TestServer(nodes: node)
        _ = try await api.send(.post, Path.pods, pod("a", node: "n1"))
        let answer = try await api.get(Path.pods + "/a/log", query: ["follow": "true", "container": "main"])
        #expect(answer.status == 200)
        let request = try #require(node.last)
        #expect(request.path == "/containerLogs/default/a/main")
        #expect(request.query == [QueryItem("follow", "true")])
        #expect(try await api.get(Path.pods + "/a/log", query: ["container": "x"]).status == 400)
        _ = try await api.send(.post, Path.pods, pod("free"))
        #expect(try await api.get(Path.pods + "/free/log").message.contains("does not have a host assigned"))
    }

    @Test func sessionsPassThrough() async throws {
        let node = RecordingNode()
        let api = try await TestServer(nodes: node)
        _ = try await api.send(.post, Path.pods, pod("a", node: "n1"))
        let answer = try await api.get(
            Path.pods + "/a/exec", query: ["command": "sh", "stdin": "true", "stdout": "true", "tty": "true"],
            headers: ["Sec-WebSocket-Protocol": "v5.channel.k8s.io", "Authorization": "Bearer secret"])
        #expect(answer.status == 200)
        let request = try #require(node.last)
        #expect(request.path == "/exec/default/a/main")
        #expect(request.query("input") == "1" && request.query("output") == "1" && request.query("tty") == "1")
        #expect(request.headers["Sec-WebSocket-Protocol"] == "v5.channel.k8s.io")
        #expect(request.headers["Authorization"] == nil)
    }

    @Test func aSessionsFlagsAreReadAsKubernetesDoes() async throws {
        let node = RecordingNode()
        let api = try await TestServer(nodes: node)
        _ = try await api.send(.post, Path.pods, pod("a", node: "n1"))
        _ = try await api.get(
            Path.pods + "/a/attach", query: ["stdin": "True", "stdout": "", "stderr": "FALSE", "tty": "0"])
        let request = try #require(node.last)
        #expect(["input", "output", "error", "tty"].map { request.query($0) } == ["1", "1", "0", "0"])
    }

    @Test func aNodeThatIsAwayIsSaidToBe() async throws {
        let api = try await TestServer()
        _ = try await api.send(.post, Path.pods, pod("a", node: "n1"))
        let answer = try await api.get(Path.pods + "/a/log")
        #expect(answer.status == 503)
        #expect(answer.message.contains("node \"n1\" cannot be reached"))
    }

    @Test func scales() async throws {
        let api = try await TestServer()
        _ = try await api.send(.post, Path.deployments, deployment("web"))
        let scale = try await api.get(Path.deployments + "/web/scale")
        #expect(scale.json["kind"] == "Scale")
        #expect(scale.json["status"]?["selector"] == "app=web")
        let patched = try await api.send(
            .patch, Path.deployments + "/web/scale", ["spec": ["replicas": 4]],
            headers: ["Content-Type": "application/merge-patch+json"])
        #expect(patched.status == 200, "\(patched.json.text)")
        #expect(patched.json["spec"]?["replicas"] == 4)
        let deployment = try await api.get(Path.deployments + "/web").json
        #expect(deployment["spec"]?["replicas"] == 4)
        #expect(deployment["metadata"]?["generation"] == 2)
        var body = try #require(scale.json.object)
        body["spec"] = ["replicas": 9]
        #expect(try await api.send(.put, Path.deployments + "/web/scale", .object(body)).status == 409)
        let negative: JSONValue = ["spec": ["replicas": -1]]
        let refused = try await api.send(
            .patch, Path.deployments + "/web/scale", negative, headers: ["Content-Type": "application/merge-patch+json"]
        )
        #expect(refused.status == 422)
    }

    @Test func scalesAsRows() async throws {
        let api = try await TestServer()
        _ = try await api.send(.post, Path.deployments, deployment("web"))
        var rows: HTTPHeaders = ["Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"]
        let table = try await api.get(Path.deployments + "/web/scale", headers: rows)
        #expect(table.json["kind"] == "Table")
        let columns = table.json["columnDefinitions"]?.array?.compactMap { $0["name"]?.string }
        #expect(columns == ["Name", "Desired", "Available", "Age"])
        let cells = table.json["rows"]?.array?.first?["cells"]?.array
        let scale = try await api.get(Path.deployments + "/web/scale").json
        #expect(cells?.prefix(3) == ["web", try #require(scale["spec"]?["replicas"]), 0])
        #expect(table.json["metadata"]?["resourceVersion"] == scale["metadata"]?["resourceVersion"])
        rows.add("Content-Type", "application/merge-patch+json")
        let patched = try await api.send(
            .patch, Path.deployments + "/web/scale", ["spec": ["replicas": 4]], headers: rows)
        #expect(patched.json["rows"]?.array?.first?["cells"]?.array?[1] == 4)
    }

    @Test func tokensOfServiceAccounts() async throws {
        let tokens = try ServiceAccountTokens(
            keyPEM: ServiceAccountTokens.makeKeyPEM(), issuer: "https://test", object: "test key")
        let api = try await TestServer(tokens: tokens)
        _ = try await api.send(.post, Path.pods, pod("a", node: "n1"))
        let uid = try #require(try await api.get(Path.pods + "/a").json["metadata"]?["uid"])
        let path = "/api/v1/namespaces/default/serviceaccounts/default/token"
        let body: JSONValue = ["spec": ["boundObjectRef": ["kind": "Pod", "name": "a", "uid": uid]]]
        let answer = try await api.send(.post, path, body)
        #expect(answer.status == 201, "\(answer.json.text)")
        let token = try #require(answer.json["status"]?["token"]?.string)
        let headers: HTTPHeaders = ["Authorization": "Bearer \(token)"]
        #expect(try await api.get(Path.maps, headers: headers, peer: .anonymous).status == 200)
        #expect(
            try await api.get("/api/v1/namespaces/default/secrets", headers: headers, peer: .anonymous).status == 403)
        #expect(
            try await api.get("/api/v1/namespaces/kube-system/configmaps", headers: headers, peer: .anonymous).status
                == 403)
        // The token dies with its pod.
        _ = try await api.send(.delete, Path.pods + "/a", ["gracePeriodSeconds": 0])
        #expect(try await api.get(Path.maps, headers: headers, peer: .anonymous).status == 401)
        #expect(try await api.send(.post, path, ["spec": ["expirationSeconds": 1]]).status == 422)
        let node = Peer.certificate(commonName: "system:node:n1", organizations: ["system:nodes"])
        #expect(try await api.send(.post, path, [:], peer: node).status == 403)
    }
}

/// Tokens that live and die with something else than a pod.
@Suite struct BoundTokenTests {
    private let path = "/api/v1/namespaces/default/serviceaccounts/default/token"
    private let secrets = "/api/v1/namespaces/default/secrets"

    private func server() async throws -> TestServer {
        try await TestServer(
            tokens: ServiceAccountTokens(
                keyPEM: ServiceAccountTokens.makeKeyPEM(), issuer: "https://test", object: "test key"))
    }

    private func bind(_ api: TestServer, _ kind: String, _ name: String, uid: String = "") async throws -> Answer {
        let reference: JSONValue = [
            "apiVersion": "v1", "kind": .string(kind), "name": .string(name), "uid": .string(uid),
        ]
        return try await api.send(.post, path, ["spec": ["boundObjectRef": reference]])
    }

    private func user(_ issued: Answer, _ api: TestServer) async throws -> Answer {
        let token = issued.json["status"]?["token"]?.string ?? ""
        return try await api.send(
            .post, "/apis/authentication.k8s.io/v1/selfsubjectreviews", [:],
            headers: ["Authorization": "Bearer \(token)"], peer: .anonymous)
    }

    @Test(arguments: ["Secret", "Node"])
    func aTokenDiesWithWhatItIsBoundTo(_ kind: String) async throws {
        let api = try await server()
        let collection = kind == "Secret" ? secrets : "/api/v1/nodes"
        let made = try await api.send(.post, collection, ["metadata": ["name": "a"]])
        #expect(try await bind(api, kind, "b").status == 404)
        #expect(try await bind(api, kind, "a", uid: "other").status == 409)
        let issued = try await bind(api, kind, "a", uid: made.json["metadata"]?["uid"]?.string ?? "")
        #expect(issued.status == 201, "\(issued.message)")
        let extra = try await user(issued, api).json["status"]?["userInfo"]?["extra"]
        #expect(
            extra?["authentication.kubernetes.io/node-name"] == (kind == "Node" ? ["a"] : nil), "\(extra?.text ?? "")")
        _ = try await api.send(.delete, collection + "/a")
        #expect(try await user(issued, api).status == 401)
        // Another of that name is not the same.
        _ = try await api.send(.post, collection, ["metadata": ["name": "a"]])
        #expect(try await user(issued, api).status == 401)
        #expect(try await bind(api, "ConfigMap", "a").status == 400)
    }

    @Test func aPodsTokenTellsItsNode() async throws {
        let api = try await server()
        let node = try await api.send(.post, "/api/v1/nodes", ["metadata": ["name": "n1"]])
        _ = try await api.send(.post, Path.pods, pod("a", node: "n1"))
        let issued = try await bind(api, "Pod", "a")
        let extra = try await user(issued, api).json["status"]?["userInfo"]?["extra"]
        #expect(extra?["authentication.kubernetes.io/pod-name"] == ["a"])
        #expect(extra?["authentication.kubernetes.io/node-name"] == ["n1"])
        #expect(extra?["authentication.kubernetes.io/node-uid"]?.array == [node.json["metadata"]?["uid"] ?? .null])
        // It is the pod's, whatever becomes of the node.
        _ = try await api.send(.delete, "/api/v1/nodes/n1")
        #expect(try await user(issued, api).status == 201)
    }

    @Test func aNodeThatIsNotThereHasNoUID() async throws {
        let api = try await server()
        _ = try await api.send(.post, Path.pods, pod("a", node: "n1"))
        let extra = try await user(bind(api, "Pod", "a"), api).json["status"]?["userInfo"]?["extra"]
        #expect(extra?["authentication.kubernetes.io/node-name"] == ["n1"])
        #expect(extra?["authentication.kubernetes.io/node-uid"] == nil)
    }

    @Test(arguments: ["pods", "secrets", "serviceaccounts", "nodes"])
    func aTokenOutlivesADeletionThatIsHeldByAMinute(_ plural: String) async throws {
        let api = try await server()
        let collection = plural == "nodes" ? "/api/v1/nodes" : "/api/v1/namespaces/default/\(plural)"
        let hold: JSONValue = ["metadata": ["finalizers": ["test.io/hold"]]]
        let name = plural == "serviceaccounts" ? "default" : "a"
        if plural == "pods" {
            _ = try await api.send(.post, collection, pod("a"))
        } else if plural != "serviceaccounts" {
            _ = try await api.send(.post, collection, ["metadata": ["name": "a"]])
        }
        let held = try await api.send(
            .patch, "\(collection)/\(name)", hold, headers: ["Content-Type": "application/merge-patch+json"])
        #expect(held.status == 200, "\(held.message)")
        let kinds = ["pods": "Pod", "secrets": "Secret", "nodes": "Node"]
        let issued: Answer
        if let kind = kinds[plural] {
            issued = try await bind(api, kind, name)
        } else {
            issued = try await api.send(.post, path, [:])
        }
        _ = try await api.send(.delete, "\(collection)/\(name)", ["gracePeriodSeconds": 0])
        #expect(try await user(issued, api).status == 201)
        api.time.advance(by: .seconds(60))
        #expect(try await user(issued, api).status == 201)
        api.time.advance(by: .seconds(1))
        #expect(try await user(issued, api).status == 401)
        #expect(try await api.get("\(collection)/\(name)").status == 200)
    }
}

/// A node that answers everything and remembers what it was asked.
final class RecordingNode: NodeProxy, HTTPHandler {
    private let requests = Mutex<[HTTPRequest]>([])

    var last: HTTPRequest? { requests.withLock { $0.last } }

    func kubelet(onNode node: String) async throws(HTTPError) -> any HTTPHandler { self }

    func handle(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
        requests.withLock { $0.append(request) }
        return HTTPResponse(200, contentType: "text/plain", Array("line\n".utf8))
    }
}
