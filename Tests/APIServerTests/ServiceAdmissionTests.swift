import APIServer
import JSONTree
import Store
import TestSupport
import Testing

/// Addresses and ports of Services.
@Suite struct ServiceAdmissionTests {
    /// Others stay as they are, as upstream.
    @Test func theServersOwnServiceFollowsAnotherNetwork() async throws {
        var configuration = APIServerConfiguration()
        configuration.serviceCIDR = "10.96.0.0/28"
        let store = MemoryStore()
        let before = try await TestServer(configuration, store: store)
        let body: JSONValue = ["metadata": ["name": "a"], "spec": ["ports": [["port": 80]]]]
        _ = try await before.send(.post, Path.services, body)
        await before.server.stop()
        configuration.serviceCIDR = "10.97.0.0/28"
        let after = try await TestServer(configuration, store: store)
        try await until { try await after.get(Path.services + "/kubernetes").json["spec"]?["clusterIP"] == "10.97.0.1" }
        let spec = try await after.get(Path.services + "/kubernetes").json["spec"]
        #expect(spec?["clusterIPs"] == ["10.97.0.1"])
        let taken: JSONValue = [
            "metadata": ["name": "c"], "spec": ["clusterIP": "10.97.0.1", "ports": [["port": 80]]],
        ]
        #expect(try await after.send(.post, Path.services, taken).status == 422)
        #expect(try await after.get(Path.services + "/a").json["spec"]?["clusterIP"] == "10.96.0.2")
        #expect(
            try await after.send(.post, Path.services, ["metadata": ["name": "b"], "spec": ["ports": [["port": 80]]]])
                .json["spec"]?["clusterIP"] == "10.97.0.2")
    }

    /// The server's certificate names the first address of the network, and no two have one address.
    @Test func theServersOwnServiceHasTheFirstAddressUnlessAnotherHasIt() async throws {
        var configuration = APIServerConfiguration()
        configuration.serviceCIDR = "10.96.0.16/28"
        let store = MemoryStore()
        func restarted(with network: String, _ server: TestServer?) async throws -> TestServer {
            await server?.server.stop()
            configuration.serviceCIDR = network
            return try await TestServer(configuration, store: store)
        }
        func own(_ server: TestServer) async throws -> JSONValue? {
            try await server.get(Path.services + "/kubernetes").json["spec"]?["clusterIP"]
        }
        var server = try await restarted(with: "10.96.0.16/28", nil)
        #expect(try await own(server) == "10.96.0.17")
        server = try await restarted(with: "10.96.0.0/27", server)
        #expect(try await own(server) == "10.96.0.1")
        let body: JSONValue = [
            "metadata": ["name": "a"], "spec": ["clusterIP": "10.96.0.17", "ports": [["port": 80]]],
        ]
        #expect(try await server.send(.post, Path.services, body).status == 201)
        server = try await restarted(with: "10.96.0.16/28", server)
        #expect(try await own(server) == "10.96.0.1")
        #expect(try await server.get(Path.services + "/a").json["spec"]?["clusterIP"] == "10.96.0.17")
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
}
