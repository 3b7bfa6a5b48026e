import HTTP
import JSONTree
import PKI
import Testing

/// What a node's agent may not do, though it may write its own objects.
@Suite struct NodeRestrictionTests {
    private let agent = Peer.inProcess(user: "system:node:n1", groups: ["system:nodes"])

    private func mirror(_ name: String, _ change: (inout JSONObject) -> Void = { _ in }) -> JSONValue {
        var spec: JSONObject = ["nodeName": "n1", "containers": [["name": "main", "image": "busybox"]]]
        change(&spec)
        return [
            "metadata": ["name": .string(name), "annotations": ["kubernetes.io/config.mirror": "x"]],
            "spec": .object(spec),
        ]
    }

    @Test func aMirrorPodOpensNoSecret() async throws {
        let tokens = try ServiceAccountTokens(keyPEM: ServiceAccountTokens.makeKeyPEM(), issuer: "test", object: "test")
        let api = try await TestServer(tokens: tokens)
        let secret: JSONValue = ["metadata": ["name": "s"], "stringData": ["k": "v"]]
        #expect(try await api.send(.post, "/api/v1/namespaces/default/secrets", secret).status == 201)
        let plain = try await api.send(.post, Path.pods, mirror("plain"), peer: agent)
        #expect(plain.status == 201, "\(plain.message)")
        let reference: JSONValue = ["spec": ["boundObjectRef": ["kind": "Pod", "name": "plain"]]]
        let account = "/api/v1/namespaces/default/serviceaccounts/default/token"
        #expect(try await api.send(.post, account, reference, peer: agent).status == 400)
        let projected: JSONValue = [["name": "v", "projected": ["sources": [["secret": ["name": "s"]]]]]]
        let token: JSONValue = [["name": "v", "projected": ["sources": [["serviceAccountToken": ["path": "t"]]]]]]
        let changes: [(String, JSONValue)] = [
            ("volumes", [["name": "v", "secret": ["secretName": "s"]]]), ("volumes", projected), ("volumes", token),
            ("serviceAccountName", "default"), ("imagePullSecrets", [["name": "s"]]),
            ("containers", [["name": "m", "image": "i", "envFrom": [["secretRef": ["name": "s"]]]]]),
            ("volumes", [["name": "v", "csi": ["driver": "d", "nodePublishSecretRef": ["name": "s"]]]]),
        ]
        for (field, value) in changes {
            let answer = try await api.send(.post, Path.pods, mirror("bad") { $0[field] = value }, peer: agent)
            #expect(answer.status == 403, "\(field): \(answer.status) \(answer.message)")
        }
        #expect(try await api.get("/api/v1/namespaces/default/secrets/s", peer: agent).status == 403)
    }

    @Test func labelsOfPodsStay() async throws {
        let api = try await TestServer()
        #expect(try await api.send(.post, Path.pods, pod("a", labels: ["app": "web"], node: "n1")).status == 201)
        let type: HTTPHeaders = ["Content-Type": "application/merge-patch+json"]
        let status: JSONValue = ["status": ["phase": "Running"]]
        let patched = try await api.send(.patch, Path.pods + "/a/status", status, headers: type, peer: agent)
        #expect(patched.status == 200, "\(patched.message)")
        let labelled: JSONValue = ["metadata": ["labels": ["app": "database"]], "status": ["phase": "Running"]]
        #expect(try await api.send(.patch, Path.pods + "/a/status", labelled, headers: type, peer: agent).status == 403)
    }

    @Test func aNodeLabelsItselfWithWhatItIs() async throws {
        let api = try await TestServer()
        func node(_ labels: JSONValue) -> JSONValue { ["metadata": ["name": "n1", "labels": labels]] }
        let role: JSONValue = ["node-role.kubernetes.io/control-plane": ""]
        #expect(try await api.send(.post, "/api/v1/nodes", node(role), peer: agent).status == 403)
        let own: JSONValue = ["kubernetes.io/hostname": "n1", "node.kubernetes.io/gpu": "no", "example.com/rack": "3"]
        let created = try await api.send(.post, "/api/v1/nodes", node(own), peer: agent)
        #expect(created.status == 201, "\(created.message)")
        let type: HTTPHeaders = ["Content-Type": "application/merge-patch+json"]
        for (key, status) in [
            ("example.com/rack", 200), ("node-restriction.kubernetes.io/tier", 403), ("x.k8s.io/pool", 403),
        ] {
            let patch: JSONValue = ["metadata": ["labels": .object([key: "new"])]]
            #expect(try await api.send(.patch, "/api/v1/nodes/n1", patch, headers: type, peer: agent).status == status)
            #expect(
                try await api.send(.patch, "/api/v1/nodes/n1/status", patch, headers: type, peer: agent).status
                    == status)
        }
    }
}
