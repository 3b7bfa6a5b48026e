import APIServer
import HTTP
import JSONTree
import PKI
import Testing

/// What a node's agent may read and ask for: what is of its node.
@Suite struct NodeIdentityTests {
    private let agent = Peer.certificate(commonName: "system:node:n1", organizations: ["system:nodes"])
    private let all = "/api/v1/pods"

    private func server() async throws -> TestServer {
        let tokens = try ServiceAccountTokens(keyPEM: ServiceAccountTokens.makeKeyPEM(), issuer: "test", object: "test")
        let api = try await TestServer(tokens: tokens)
        for (name, node) in [("mine", "n1"), ("other", "n2"), ("free", nil)] {
            #expect(try await api.send(.post, Path.pods, pod(name, node: node)).status == 201)
        }
        return api
    }

    @Test(arguments: [
        "spec.nodeName=n1", "spec.nodeName==n1", "status.phase!=Failed,spec.nodeName=n1",
        "spec.nodeName=n1,metadata.name=mine",
    ])
    func podsAreListedBySelector(_ selector: String) async throws {
        let api = try await server()
        for path in [all, Path.pods] {
            let list = try await api.get(path, query: ["fieldSelector": selector], peer: agent)
            #expect(list.status == 200 && list.names == ["mine"], "\(list.message)")
        }
    }

    @Test(arguments: [
        "", "spec.nodeName=n2", "spec.nodeName!=n1", "spec.nodeName=", "status.phase=Pending", "metadata.name=other",
        "metadata.name=free", "spec.nodeName=n2,metadata.name=mine", "spec.nodeName=n1\\", "spec.nodeName",
    ])
    func otherListsAreRefused(_ selector: String) async throws {
        let api = try await server()
        for query in [["fieldSelector": selector], ["fieldSelector": selector, "watch": "true"]] {
            for path in [all, Path.pods] {
                let answer = try await api.get(path, query: query, peer: agent)
                #expect(answer.status == 403, "\(path) \(query): \(answer.status) \(answer.message)")
            }
        }
    }

    @Test func onePodIsReadIfItIsOnTheNode() async throws {
        let api = try await server()
        #expect(try await api.get(Path.pods + "/mine", peer: agent).status == 200)
        let named = try await api.get(Path.pods, query: ["fieldSelector": "metadata.name=mine"], peer: agent)
        #expect(named.names == ["mine"], "\(named.message)")
        let unknown = try await api.get(Path.pods + "/none", peer: agent)
        #expect(unknown.status == 403 && unknown.message.contains("no such pod is on node"), "\(unknown.message)")
        let paths = ["/other", "/free", "/mine/status", "/other/status", "/other/log", "/mine/log"]
        for path in paths { #expect(try await api.get(Path.pods + path, peer: agent).status == 403, "\(path)") }
    }

    /// A write answers with the object.
    @Test func noWriteShowsAnothersPod() async throws {
        let api = try await server()
        let merge: HTTPHeaders = ["Content-Type": "application/merge-patch+json"]
        let status = "/status"
        #expect(
            try await api.send(.patch, Path.pods + "/mine" + status, [:], headers: merge, peer: agent).status == 200)
        let json: HTTPHeaders = ["Content-Type": "application/json-patch+json"]
        let copy: JSONValue = [["op": "copy", "from": "/spec/containers/0/image", "path": "/metadata/name"]]
        let dry = ["dryRun": "All"]
        // Like one that is not there, which the agent takes for gone; and like that too where the write itself is at fault.
        for name in ["other", "free", "none"] {
            let path = Path.pods + "/" + name
            for answer in [
                try await api.send(.patch, path + status, [:], headers: merge, peer: agent),
                try await api.send(.patch, path + status, copy, headers: json, peer: agent),
                try await api.send(.patch, path + status, "no patch", headers: json, peer: agent),
                try await api.send(.put, path + status, [:], peer: agent),
                try await api.send(.delete, path, query: dry, peer: agent),
                try await api.send(.delete, path, query: ["dryRun": "Some"], peer: agent),
                try await api.send(.post, path + "/eviction", [:], query: dry, peer: agent),
            ] {
                #expect(answer.status == 404 && answer.message == "pods \"\(name)\" not found", "\(answer.message)")
            }
        }
        // Who may write to no pod is told so of each.
        let stranger = Peer.certificate(commonName: "stranger", organizations: [])
        for name in ["/mine", "/other", "/none"] {
            #expect(try await api.send(.delete, Path.pods + name, peer: stranger).status == 403)
        }
        let missing = try await api.send(.delete, Path.pods + "/none", peer: TestServer.admin)
        #expect(missing.status == 404 && missing.message == "pods \"none\" not found", "\(missing.message)")
    }

    @Test func whatItsPodsNeedAndNoMore() async throws {
        let api = try await server()
        for path in ["services", "nodes"] { #expect(try await api.get("/api/v1/" + path, peer: agent).status == 200) }
        for path in ["namespaces", "endpoints", "serviceaccounts", "secrets", "configmaps"] {
            #expect(try await api.get("/api/v1/" + path, peer: agent).status == 403, "\(path)")
        }
        let leases = "/apis/coordination.k8s.io/v1/namespaces/"
        #expect(try await api.get(leases + "kube-node-lease/leases/n1", peer: agent).status == 404)
        #expect(try await api.get(leases + "kube-node-lease/leases/n2", peer: agent).status == 403)
        #expect(try await api.get(leases + "default/leases/n1", peer: agent).status == 403)
        #expect(try await api.get(Path.maps + "/kube-root-ca.crt", peer: agent).status == 404)
        let secret = "/api/v1/namespaces/default/secrets/kube-root-ca.crt"
        #expect(try await api.get(secret, peer: agent).status == 403)
    }

    @Test func itIsToldWhatItMay() async throws {
        let api = try await server()
        func may(_ attributes: JSONValue) async throws -> JSONValue? {
            let body: JSONValue = ["spec": ["resourceAttributes": attributes]]
            let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
            return try await api.send(.post, path, body, peer: agent).json["status"]?["allowed"]
        }
        #expect(try await may(["verb": "list", "resource": "pods"]) == false)
        let raw: JSONValue = ["rawSelector": "spec.nodeName=n1"]
        #expect(try await may(["verb": "list", "resource": "pods", "fieldSelector": raw]) == true)
        for (node, operation, expected) in [("n1", "In", true), ("n2", "In", false), ("n1", "NotIn", false)] {
            let requirement: JSONValue = [
                "key": "spec.nodeName", "operator": .string(operation), "values": [.string(node)],
            ]
            let selector: JSONValue = ["requirements": [requirement]]
            let allowed = try await may(["verb": "watch", "resource": "pods", "fieldSelector": selector])
            #expect(allowed == .bool(expected), "\(operation) \(node)")
        }
        for (name, expected) in [("mine", true), ("other", false)] {
            let attributes: JSONValue = [
                "verb": "get", "resource": "pods", "namespace": "default", "name": .string(name),
            ]
            #expect(try await may(attributes) == .bool(expected), "\(name)")
        }
        for (name, expected) in [("mine", true), ("other", false), ("free", false), ("none", false)] {
            let attributes: JSONValue = [
                "verb": "patch", "resource": "pods", "subresource": "status", "namespace": "default",
                "name": .string(name),
            ]
            #expect(try await may(attributes) == .bool(expected), "\(name)")
        }
        for name in ["other", "none"] {
            let attributes: JSONValue = [
                "verb": "create", "resource": "pods", "namespace": "default", "name": .string(name),
            ]
            #expect(try await may(attributes) == true, "\(name)")
        }
    }

    @Test func tokensAreForItsOwnPodsAndTheirAudiences() async throws {
        let api = try await server()
        let source: JSONValue = ["serviceAccountToken": ["audience": "vault", "path": "t"]]
        for (name, node) in [("vault", "n1"), ("far", "n2")] {
            var body = try #require(pod(name, node: node).object)
            var spec = try #require(body["spec"]?.object)
            spec["automountServiceAccountToken"] = false
            spec["volumes"] = [["name": "v", "projected": ["sources": [source]]]]
            body["spec"] = .object(spec)
            #expect(try await api.send(.post, Path.pods, .object(body)).status == 201)
        }
        let own = "https://kubernetes.default.svc.cluster.local"
        func ask(
            _ name: String, _ audiences: [String] = [], peer: Peer? = nil,
            _ change: (inout JSONObject) -> Void = { _ in }
        ) async throws -> Answer {
            let uid = try #require(try await api.get(Path.pods + "/" + name).json["metadata"]?["uid"])
            var reference: JSONObject = ["apiVersion": "v1", "kind": "Pod", "name": .string(name), "uid": uid]
            change(&reference)
            let spec: JSONValue = ["audiences": audiences.json, "boundObjectRef": .object(reference)]
            let path = "/api/v1/namespaces/default/serviceaccounts/default/token"
            return try await api.send(.post, path, ["spec": spec], peer: peer ?? agent)
        }
        for (name, audiences) in [("mine", []), ("mine", [own]), ("vault", ["vault"])] {
            let answer = try await ask(name, audiences)
            #expect(answer.status == 201, "\(name) \(audiences): \(answer.message)")
        }
        for (name, audiences) in [
            ("mine", ["vault"]), ("mine", ["elsewhere"]), ("mine", [own, "vault"]), ("vault", []), ("vault", [own]),
            ("vault", ["vault", own]), ("far", ["vault"]), ("other", []), ("free", []),
        ] {
            let answer = try await ask(name, audiences)
            #expect(answer.status == 403, "\(name) \(audiences): \(answer.status) \(answer.message)")
        }
        #expect(try await ask("mine") { $0["uid"] = nil }.status == 403)
        #expect(try await ask("mine") { $0["uid"] = "another's" }.status == 409)
        #expect(try await ask("mine") { $0["kind"] = "Secret" }.status == 403)
        #expect(try await ask("mine") { $0["apiVersion"] = nil }.status == 403)
        let hidden = try await ask("other") { $0["uid"] = "another's" }
        let path = "/api/v1/namespaces/default/serviceaccounts/"
        for account in ["default", "none"] {
            var messages: Set<String> = []
            for pod in ["other", "none"] {
                let reference: JSONValue = ["apiVersion": "v1", "kind": "Pod", "name": .string(pod), "uid": "u"]
                let body: JSONValue = ["spec": ["boundObjectRef": reference]]
                let answer = try await api.send(.post, path + account + "/token", body, peer: agent)
                #expect(answer.status == 403, "\(account) \(pod): \(answer.status)")
                messages.insert(answer.message)
            }
            #expect(messages.count == 1, "\(messages)")
        }
        #expect(hidden.status == 403 && !hidden.message.contains("UID"), "\(hidden.message)")
        // Who administers asks for what it likes.
        #expect(
            try await ask("mine", ["elsewhere", "vault"], peer: TestServer.admin) { $0["uid"] = nil }.status == 201)
    }
}
