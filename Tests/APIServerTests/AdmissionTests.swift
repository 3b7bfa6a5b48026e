import APIMachinery
import APIServer
import HTTP
import JSONTree
import Testing

@Suite struct AdmissionTests {
    @Test func podsGetTheirAccountAndItsToken() async throws {
        let api = try await TestServer()
        let created = try await api.send(.post, Path.pods, pod("a"))
        #expect(created.status == 201, "\(created.json.text)")
        let spec = created.json["spec"]
        #expect(spec?["serviceAccountName"] == "default")
        let volume = try #require(spec?["volumes"]?.array?.first)
        let name = try #require(volume["name"]?.string)
        #expect(name.hasPrefix("kube-api-access-"))
        #expect(volume["projected"]?["sources"]?.array?.count == 3)
        let mount = try #require(spec?["containers"]?.array?.first?["volumeMounts"]?.array?.first)
        #expect(mount["name"]?.string == name)
        #expect(mount["mountPath"] == "/var/run/secrets/kubernetes.io/serviceaccount")
        let keys = (spec?["tolerations"]?.array ?? []).compactMap { $0["key"]?.string }
        #expect(keys == ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"])
        #expect(spec?["priority"] == 0)
        #expect(created.json["status"] == ["phase": "Pending", "qosClass": "BestEffort"])
    }

    @Test func podsThatAskForSomethingTolerateMemoryPressure() async throws {
        let api = try await TestServer()
        var body = try #require(pod("a").object)
        let containers: JSONValue = [["name": "m", "image": "i", "resources": ["requests": ["memory": "1Mi"]]]]
        body["spec"] = ["containers": containers, "tolerations": [["key": "own", "operator": "Exists"]]]
        let created = try await api.send(.post, Path.pods, .object(body))
        let keys = (created.json["spec"]?["tolerations"]?.array ?? []).compactMap { $0["key"]?.string }
        #expect(keys.first == "own" && keys.last == "node.kubernetes.io/memory-pressure", "\(keys)")
        #expect(created.json["spec"]?["tolerations"]?.array?.last?["effect"] == "NoSchedule")
        body["metadata"] = ["name": "b"]
        body["spec"] = ["containers": containers, "tolerations": [["operator": "Exists"]]]
        let all = try await api.send(.post, Path.pods, .object(body))
        #expect(all.json["spec"]?["tolerations"]?.array?.count == 1)
    }

    @Test func appArmorFieldsAndAnnotationsBecomeTheSame() async throws {
        let api = try await TestServer()
        let prefix = "container.apparmor.security.beta.kubernetes.io/"
        var body = try #require(pod("a").object)
        body["metadata"] = ["name": "a", "annotations": .object(JSONObject([(prefix + "old", "localhost/mine")]))]
        body["spec"] = [
            "securityContext": ["appArmorProfile": ["type": "RuntimeDefault"]],
            "containers": [
                ["name": "old", "image": "i"], ["name": "plain", "image": "i"],
                [
                    "name": "free", "image": "i",
                    "securityContext": ["appArmorProfile": ["type": "Unconfined"]],
                ],
            ],
        ]
        let created = try await api.send(.post, Path.pods, .object(body))
        let annotations = created.json["metadata"]?["annotations"]
        #expect(annotations?[prefix + "plain"] == "runtime/default", "\(created.json.text)")
        #expect(annotations?[prefix + "free"] == "unconfined")
        let containers = created.json["spec"]?["containers"]?.array ?? []
        #expect(
            containers.first?["securityContext"]?["appArmorProfile"]
                == ["type": "Localhost", "localhostProfile": "mine"])
        #expect(containers.count == 3 && containers[1]["securityContext"] == nil)
    }

    @Test func podsMayDeclineTheToken() async throws {
        let api = try await TestServer()
        var body = try #require(pod("a").object)
        body["spec"] = ["containers": [["name": "m", "image": "i"]], "automountServiceAccountToken": false]
        #expect(try await api.send(.post, Path.pods, .object(body)).json["spec"]?["volumes"] == nil)
        body["spec"] = ["containers": [["name": "m", "image": "i"]], "serviceAccountName": "other"]
        let refused = try await api.send(.post, Path.pods, .object(body))
        #expect(refused.status == 403)
        #expect(refused.message.contains("serviceaccount \"other\" not found"))
    }

    @Test func aPodOfNoNamespaceIsToldSo() async throws {
        let api = try await TestServer()
        let refused = try await api.send(.post, "/api/v1/namespaces/none/pods", pod("a"))
        #expect(refused.status == 404)
        #expect(refused.message == "namespaces \"none\" not found")
    }

    @Test func aPodThatWantsAnotherSandboxIsRefused() async throws {
        let api = try await TestServer()
        var body = try #require(pod("a").object)
        body["spec"] = ["containers": [["name": "m", "image": "i"]], "runtimeClassName": "gvisor"]
        let refused = try await api.send(.post, Path.pods, .object(body))
        #expect(refused.status == 403)
        #expect(refused.message.contains("RuntimeClass \"gvisor\" not found"))
        body["spec"] = ["containers": [["name": "m", "image": "i"]], "overhead": ["cpu": "1"]]
        #expect(try await api.send(.post, Path.pods, .object(body)).status == 403)
    }

    @Test func anUpdateOfWhatWasAdmittedChangesNothing() async throws {
        let api = try await TestServer()
        let created = try await api.send(.post, Path.pods, pod("a"))
        let same = try await api.send(.put, Path.pods + "/a", created.json)
        #expect(same.status == 200, "\(same.json.text)")
        #expect(same.revision == created.revision)
        // A client that applies its manifest again leaves out what the server filled in.
        let body = try #require(deployment("web").object)
        let first = try await api.send(.post, Path.deployments, .object(body))
        let again = try await api.send(.put, Path.deployments + "/web", .object(body))
        #expect(again.revision == first.revision)
    }

    @Test func podSpecsDoNotChange() async throws {
        let api = try await TestServer()
        let created = try await api.send(.post, Path.pods, pod("a"))
        var body = try #require(created.json.object)
        var spec = try #require(body["spec"]?.object)
        spec["restartPolicy"] = "Never"
        body["spec"] = .object(spec)
        #expect(try await api.send(.put, Path.pods + "/a", .object(body)).status == 422)
    }

    @Test func aLoadBalancerTakesNobodysNodePort() async throws {
        let api = try await TestServer()
        func service(_ name: String, _ spec: JSONObject) async throws -> Int {
            var spec = spec
            spec["ports"] = [["port": 80, "nodePort": 30_080]]
            return try await api.send(
                .post, Path.services, ["metadata": ["name": .string(name)], "spec": .object(spec)]
            ).status
        }
        #expect(try await service("a", ["type": "NodePort"]) == 201)
        let balancer: JSONObject = ["type": "LoadBalancer", "allocateLoadBalancerNodePorts": false]
        #expect(try await service("b", balancer) == 422)
        #expect(try await api.send(.delete, Path.services + "/a").status == 200)
        #expect(try await service("b", balancer) == 201)
        #expect(try await service("c", ["type": "NodePort"]) == 422)
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

    @Test func servicesGetAddresses() async throws {
        var configuration = APIServerConfiguration()
        configuration.serviceCIDR = "10.96.0.0/28"
        let api = try await TestServer(configuration)
        let kubernetes = try await api.get(Path.services + "/kubernetes")
        #expect(kubernetes.json["spec"]?["clusterIP"] == "10.96.0.1")
        let endpoints = try await api.get("/api/v1/namespaces/default/endpoints/kubernetes").json["subsets"]
        #expect(endpoints?.array?.first?["addresses"] == [["ip": "127.0.0.1"]])
        #expect(endpoints?.array?.first?["ports"]?.array?.first?["port"] == 6443)
        let path = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes"
        #expect(try await api.get(path).json["endpoints"]?.array?.first?["addresses"] == ["127.0.0.1"])
        func service(_ name: String, _ spec: JSONValue) async throws -> Answer {
            let body: JSONValue = ["metadata": ["name": .string(name)], "spec": spec]
            return try await api.send(.post, Path.services, body)
        }
        let ports: JSONValue = [["port": 80]]
        let first = try await service("a", ["ports": ports])
        #expect(first.status == 201, "\(first.json.text)")
        #expect(first.json["spec"]?["clusterIP"] == "10.96.0.2")
        #expect(first.json["spec"]?["ipFamilies"] == ["IPv4"])
        let taken = try await service("b", ["ports": ports, "clusterIP": "10.96.0.2"])
        #expect(taken.status == 422)
        #expect(taken.message.contains("provided IP is already allocated"))
        #expect(
            try await service("b", ["ports": ports, "clusterIP": "10.1.1.1"]).message.contains("not in the valid range")
        )
        #expect(try await service("h", ["ports": ports, "clusterIP": "None"]).json["spec"]?["clusterIP"] == "None")
        // A refused service takes nothing: the next address is the next one.
        #expect(try await service("b", ["ports": ports]).json["spec"]?["clusterIP"] == "10.96.0.3")
        _ = try await api.send(.delete, Path.services + "/a")
        #expect(try await service("c", ["ports": ports, "clusterIP": "10.96.0.2"]).status == 201)
        for index in 0..<11 { _ = try await service("s\(index)", ["ports": ports]) }
        #expect(try await service("full", ["ports": ports]).message.contains("used up"))
    }

    @Test func servicesHaveNothingThatTheClusterLacks() async throws {
        let api = try await TestServer()
        func refusal(_ spec: JSONValue) async throws -> String {
            try await api.send(.post, Path.services, ["metadata": ["name": "a"], "spec": spec]).message
        }
        let ports: JSONValue = [["port": 80]]
        #expect(
            try await refusal(["ports": ports, "ipFamilies": ["IPv6"]])
                .contains("spec.ipFamilies[0]: Invalid value: \"IPv6\": not configured on this cluster"))
        #expect(
            try await refusal(["ports": ports, "ipFamilyPolicy": "RequireDualStack"])
                .contains("not configured for dual-stack"))
        #expect(
            try await refusal(["ports": [["port": 80, "nodePort": 30_010]]])
                .contains("spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"))
        let preferring: JSONValue = ["ports": ports, "ipFamilyPolicy": "PreferDualStack"]
        #expect(
            try await api.send(.post, Path.services, ["metadata": ["name": "a"], "spec": preferring]).status == 201)
    }

    @Test func servicesGetNodePorts() async throws {
        var configuration = APIServerConfiguration()
        configuration.nodePorts = 30000...30002
        let api = try await TestServer(configuration)
        func service(_ name: String, _ port: JSONValue) async throws -> Answer {
            let body: JSONValue = ["metadata": ["name": .string(name)], "spec": ["type": "NodePort", "ports": [port]]]
            return try await api.send(.post, Path.services, body)
        }
        let first = try await service("a", ["port": 80])
        #expect(first.json["spec"]?["ports"]?.array?.first?["nodePort"] == 30000, "\(first.json.text)")
        #expect(try await service("b", ["port": 80, "nodePort": 30000]).message.contains("already allocated"))
        #expect(try await service("b", ["port": 80, "nodePort": 80]).message.contains("not in the valid range"))
        let body: JSONValue = ["metadata": ["name": "a"], "spec": ["type": "NodePort", "ports": [["port": 80]]]]
        let updated = try await api.send(.put, Path.services + "/a", body)
        #expect(updated.json["spec"]?["ports"]?.array?.first?["nodePort"] == 30000)
        #expect(updated.json["spec"]?["clusterIP"] == first.json["spec"]?["clusterIP"])
        let plain: JSONValue = ["metadata": ["name": "a"], "spec": ["type": "ClusterIP", "ports": [["port": 80]]]]
        #expect(
            try await api.send(.put, Path.services + "/a", plain).json["spec"]?["ports"]?.array?.first?["nodePort"]
                == nil)
        #expect(try await service("b", ["port": 80, "nodePort": 30000]).status == 201)
    }

    @Test func whatServicesHoldIsKnownAfterARestart() async throws {
        let api = try await TestServer()
        let body: JSONValue = ["metadata": ["name": "a"], "spec": ["ports": [["port": 80]]]]
        let first = try await api.send(.post, Path.services, body)
        let address = try #require(first.json["spec"]?["clusterIP"]?.string)
        let later = try await TestServer(store: api.store)
        let again: JSONValue = [
            "metadata": ["name": "b"], "spec": ["ports": [["port": 80]], "clusterIP": .string(address)],
        ]
        #expect(try await later.send(.post, Path.services, again).status == 422)
        let next = try await later.send(
            .post, Path.services, ["metadata": ["name": "b"], "spec": ["ports": [["port": 80]]]])
        #expect(next.json["spec"]?["clusterIP"]?.string != address)
    }

    @Test func namespacesEndInSteps() async throws {
        let api = try await TestServer()
        let created = try await api.send(.post, "/api/v1/namespaces", ["metadata": ["name": "x"]])
        #expect(created.json["spec"]?["finalizers"] == ["kubernetes"])
        #expect(created.json["metadata"]?["labels"]?["kubernetes.io/metadata.name"] == "x")
        #expect(try await api.get("/api/v1/namespaces/x/serviceaccounts/default").status == 200)
        let ending = try await api.send(.delete, "/api/v1/namespaces/x")
        #expect(ending.json["status"]?["phase"] == "Terminating")
        let refused = try await api.send(.post, "/api/v1/namespaces/x/configmaps", configMap("a"))
        #expect(refused.status == 403)
        #expect(refused.json["details"]?["causes"]?.array?.first?["reason"] == "NamespaceTerminating")
        var body = try #require(ending.json.object)
        body["spec"] = ["finalizers": []]
        #expect(try await api.send(.put, "/api/v1/namespaces/x/finalize", .object(body)).status == 200)
        #expect(try await api.get("/api/v1/namespaces/x").status == 404)
        #expect(try await api.send(.delete, "/api/v1/namespaces/default").status == 403)
    }

    @Test func everyNamespaceHasTheAuthority() async throws {
        var configuration = APIServerConfiguration()
        configuration.clusterAuthority = "PEM"
        let api = try await TestServer(configuration)
        for namespace in ["default", "kube-system"] {
            let map = try await api.get("/api/v1/namespaces/\(namespace)/configmaps/kube-root-ca.crt")
            #expect(map.json["data"]?["ca.crt"] == "PEM")
        }
        configuration.clusterAuthority = "NEW"
        let later = try await TestServer(configuration, store: api.store)
        #expect(try await later.get(Path.maps + "/kube-root-ca.crt").json["data"]?["ca.crt"] == "NEW")
    }

    @Test func whatEveryClusterHasComesBack() async throws {
        let api = try await TestServer()
        let address = try await api.get(Path.services + "/kubernetes").json["spec"]?["clusterIP"]
        _ = try await api.send(.delete, Path.services)
        #expect(try await api.get(Path.services + "/kubernetes").status == 404)
        try await api.tick(seconds: 11)
        #expect(try await api.get(Path.services + "/kubernetes").json["spec"]?["clusterIP"] == address)
        _ = try await api.send(.delete, "/api/v1/namespaces/default/serviceaccounts/default")
        try await api.tick(seconds: 60)
        #expect(try await api.get("/api/v1/namespaces/default/serviceaccounts/default").status == 200)
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
            try await api.send(.patch, Path.pods + "/other/status", status, headers: patch, peer: node).status == 403)
        #expect(try await api.send(.delete, Path.pods + "/other", peer: node).status == 403)
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

    @Test func oldEventsGo() async throws {
        let api = try await TestServer()
        func event(_ name: String) -> JSONValue {
            [
                "metadata": ["name": .string(name)],
                "involvedObject": ["kind": "Pod", "name": "a", "namespace": "default"],
                "reason": "Test", "message": "m", "type": "Normal",
            ]
        }
        let path = "/api/v1/namespaces/default/events"
        let created = try await api.send(.post, path, event("e"))
        #expect(created.status == 201, "\(created.json.text)")
        try await api.tick(seconds: 120)
        #expect(try await api.get(path).names == ["e"])
        api.time.advance(by: .seconds(3600))
        // Younger ones before and after it in the list stay.
        for name in ["a", "z"] { _ = try await api.send(.post, path, event(name)) }
        try await api.tick(seconds: 62)
        #expect(try await api.get(path).names == ["a", "z"])
    }
}
