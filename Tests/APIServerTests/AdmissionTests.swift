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
