import APIServer
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
        let uid = try #require(plain.json["metadata"]?["uid"])
        let pod: JSONValue = ["apiVersion": "v1", "kind": "Pod", "name": "plain", "uid": uid]
        let account = "/api/v1/namespaces/default/serviceaccounts/default/token"
        #expect(try await api.send(.post, account, ["spec": ["boundObjectRef": pod]], peer: agent).status == 403)
        // Not even for an administrator.
        #expect(try await api.send(.post, account, ["spec": ["boundObjectRef": pod]]).status == 400)
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

    /// CVE-2025-5187: a node whose owner is gone is deleted, and may make itself anew as it likes.
    @Test func aNodeHasNoSayInWhoOwnsIt() async throws {
        let api = try await TestServer()
        let owners: JSONValue = [["apiVersion": "v1", "kind": "Namespace", "name": "gone", "uid": "1"]]
        let path = "/api/v1/nodes/n1"
        func node(_ owners: JSONValue) -> JSONValue { ["metadata": ["name": "n1", "ownerReferences": owners]] }
        #expect(try await api.send(.post, "/api/v1/nodes", node(owners), peer: agent).status == 403)
        #expect(try await api.send(.post, "/api/v1/nodes", node([]), peer: agent).status == 201)
        let type: HTTPHeaders = ["Content-Type": "application/merge-patch+json"]
        let refused = try await api.send(.patch, path, node(owners), headers: type, peer: agent)
        #expect(refused.status == 403 && refused.message.contains("ownerReferences"), "\(refused.message)")
        // Whom an administrator gives it as owner, it cannot take away.
        #expect(try await api.send(.patch, path, node(owners), headers: type).status == 200)
        #expect(try await api.send(.patch, path, node([]), headers: type, peer: agent).status == 403)
        let label: JSONValue = ["metadata": ["labels": ["example.com/rack": "3"]]]
        #expect(try await api.send(.patch, path, label, headers: type, peer: agent).status == 200)
    }

    /// Controllers and the garbage collector would take it for the owner's.
    @Test func aMirrorPodHasNoOwnerButItsNode() async throws {
        let api = try await TestServer()
        let nodes = "/api/v1/nodes"
        let made = try await api.send(.post, nodes, ["metadata": ["name": "n1"]], peer: agent)
        let uid = try #require(made.json["metadata"]?["uid"]?.string)
        func owned(_ name: String, _ change: JSONObject) -> JSONValue {
            var owner: JSONObject = [
                "apiVersion": "v1", "kind": "Node", "name": "n1", "uid": .string(uid), "controller": true,
            ]
            for member in change.members { owner[member.key] = member.value }
            var pod = mirror(name).object ?? JSONObject()
            var metadata = pod["metadata"]?.object ?? JSONObject()
            metadata["ownerReferences"] = [.object(owner)]
            pod["metadata"] = .object(metadata)
            return .object(pod)
        }
        let changes: [JSONObject] = [
            ["uid": "another's"], ["name": "n2"], ["kind": "Namespace"], ["blockOwnerDeletion": true],
        ]
        for change in changes {
            let answer = try await api.send(.post, Path.pods, owned("bad", change), peer: agent)
            #expect(answer.status == 403 && answer.message.contains("owner"), "\(change): \(answer.message)")
        }
        let own = try await api.send(.post, Path.pods, owned("own", [:]), peer: agent)
        #expect(own.status == 201, "\(own.message)")
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

    @Test func theServersOwnNodeHasItsRoleAndRunsPods() async throws {
        var configuration = APIServerConfiguration()
        configuration.nodeName = "own"
        let api = try await TestServer(configuration)
        let node = try await api.get("/api/v1/nodes/own").json
        #expect(node["metadata"]?["labels"]?["node-role.kubernetes.io/control-plane"] == "true")
        let taints = node["spec"]?["taints"]?.array?.map { $0["key"]?.string }
        #expect(taints == ["node.kubernetes.io/not-ready"], "not the role's")
        // Its agent could not say so itself.
        let agent = Peer.inProcess(user: "system:node:other", groups: ["system:nodes"])
        let claim: JSONValue = ["metadata": ["labels": ["node-role.kubernetes.io/control-plane": "true"]]]
        _ = try await api.send(.post, "/api/v1/nodes", ["metadata": ["name": "other"]], peer: agent)
        let refused = try await api.send(
            .patch, "/api/v1/nodes/other", claim, headers: ["Content-Type": "application/merge-patch+json"],
            peer: agent)
        #expect(refused.status == 403)
    }

    @Test func nodesWriteOnlyWhatIsTheirs() async throws {
        let api = try await TestServer()
        let node = Peer.certificate(commonName: "system:node:n1", organizations: ["system:nodes"])
        let nodes = "/api/v1/nodes"
        let created = try await api.send(.post, nodes, ["metadata": ["name": "n1"]], peer: node)
        #expect(created.status == 201, "\(created.json.text)")
        #expect(created.json["spec"]?["taints"]?.array?.first?["key"] == "node.kubernetes.io/not-ready")
        #expect(try await api.send(.post, nodes, ["metadata": ["name": "n2"]], peer: node).status == 403)
        let share: JSONValue = ["spec": ["podCIDR": "10.0.0.0/8", "podCIDRs": ["10.0.0.0/8"]]]
        let merge: HTTPHeaders = ["Content-Type": "application/merge-patch+json"]
        #expect(try await api.send(.patch, nodes + "/n1", share, headers: merge, peer: node).status == 403)
        #expect(try await api.send(.patch, nodes + "/n1", share, headers: merge).status == 200)
        _ = try await api.send(.post, Path.pods, pod("mine", node: "n1"))
        _ = try await api.send(.post, Path.pods, pod("other", node: "n2"))
        let status: JSONValue = ["status": ["phase": "Running"]]
        let patch: HTTPHeaders = ["Content-Type": "application/merge-patch+json"]
        #expect(
            try await api.send(.patch, Path.pods + "/mine/status", status, headers: patch, peer: node).status == 200)
        #expect(
            try await api.send(.patch, Path.pods + "/other/status", status, headers: patch, peer: node).status == 404)
        #expect(try await api.send(.delete, Path.pods + "/other", peer: node).status == 404)
        #expect(try await api.send(.post, Path.pods, pod("new", node: "n1"), peer: node).status == 403)
        #expect(try await api.get("/api/v1/secrets", peer: node).status == 403)
    }

    /// Else a node could read any secret: by a mirror that names it.
    @Test func nodesMakeOnlyMirrorsThatNameNothingSecret() async throws {
        let api = try await TestServer()
        let node = Peer.certificate(commonName: "system:node:n1", organizations: ["system:nodes"])
        func mirror(_ name: String, _ field: String, _ value: JSONValue) -> JSONValue {
            var spec: JSONObject = ["nodeName": "n1", "containers": [["name": "main", "image": "i"]]]
            spec[field] = value
            let metadata: JSONValue = [
                "name": .string(name), "annotations": ["kubernetes.io/config.mirror": "1"],
            ]
            return ["apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": .object(spec)]
        }
        let allowed = mirror("a", "volumes", [["name": "v", "emptyDir": [:]]])
        #expect(try await api.send(.post, Path.pods, allowed, peer: node).status == 201)
        let reading: JSONValue = ["name": "A", "valueFrom": ["secretKeyRef": ["name": "s", "key": "k"]]]
        let refused: [(String, JSONValue)] = [
            ("volumes", [["name": "v", "secret": ["secretName": "s"]]]),
            ("volumes", [["name": "v", "projected": ["sources": [["secret": ["name": "s"]]]]]]),
            ("containers", [["name": "main", "image": "i", "env": [reading]]]),
            ("serviceAccountName", "default"),
        ]
        for (field, value) in refused {
            let answer = try await api.send(.post, Path.pods, mirror("b", field, value), peer: node)
            #expect(answer.status == 403 && answer.message.contains("that reference"), "\(answer.json.text)")
        }
        let secret = "/api/v1/namespaces/default/secrets/x"
        #expect(try await api.get(secret, peer: node).status == 403)
        var user = try #require(pod("user", node: "n1").object)
        var spec = try #require(user["spec"]?.object)
        spec["volumes"] = [["name": "v", "secret": ["secretName": "x"]]]
        user["spec"] = .object(spec)
        #expect(try await api.send(.post, Path.pods, .object(user)).status == 201)
        #expect(try await api.get(secret, peer: node).status == 404)
        #expect(try await api.get(Path.maps + "/kube-root-ca.crt", peer: node).status == 404)
        let lease: JSONValue = ["metadata": ["name": "n1"], "spec": ["holderIdentity": "n1"]]
        let leases = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
        #expect(try await api.send(.post, leases, lease, peer: node).status == 201)
    }
}
