import APIMachinery
import HTTP
import JSONTree
import Testing

@Suite struct DiscoveryTests {
    @Test func olderDocuments() async throws {
        let api = try await TestServer()
        #expect(try await api.get("/api").json["versions"] == ["v1"])
        let groups = try await api.get("/apis").json["groups"]?.array ?? []
        let names = groups.compactMap { $0["name"]?.string }
        #expect(names.contains("apps") && names.contains("coordination.k8s.io") && !names.contains(""))
        let apps = try await api.get("/apis/apps/v1")
        let resources = apps.json["resources"]?.array ?? []
        #expect(resources.contains { $0["name"] == "deployments/scale" && $0["group"] == "autoscaling" })
        let core = try await api.get("/api/v1").json["resources"]?.array ?? []
        let pods = try #require(core.first { $0["name"] == "pods" })
        #expect(pods["shortNames"] == ["po"] && pods["categories"] == ["all"] && pods["namespaced"] == true)
        #expect(pods["singularName"] == "pod")
        #expect(core.contains { $0["name"] == "pods/log" })
        #expect(try await api.get("/apis/apps").json["preferredVersion"]?["groupVersion"] == "apps/v1")
        #expect(try await api.get("/apis/none").status == 404)
    }

    @Test func aggregatedDocument() async throws {
        let api = try await TestServer()
        let accept: HTTPHeaders = [
            "Accept":
                "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json"
        ]
        let answer = try await api.get("/apis", headers: accept)
        #expect(
            answer.response.headers["Content-Type"]
                == "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList")
        #expect(answer.json["apiVersion"] == "apidiscovery.k8s.io/v2")
        let apps = try #require(answer.json["items"]?.array?.first { $0["metadata"]?["name"] == "apps" })
        let deployments = try #require(
            apps["versions"]?.array?.first?["resources"]?.array?.first { $0["resource"] == "deployments" })
        #expect(deployments["responseKind"] == ["group": "apps", "version": "v1", "kind": "Deployment"])
        #expect(deployments["scope"] == "Namespaced")
        let tag = try #require(answer.response.headers["ETag"])
        var again = accept
        again["If-None-Match"] = tag
        #expect(try await api.get("/apis", headers: again).status == 304)
        #expect(try await api.get("/api", headers: accept).json["items"]?.array?.count == 1)
    }

    @Test func healthAndVersionAreOpenToAll() async throws {
        let api = try await TestServer()
        #expect(try await api.get("/livez", peer: .anonymous).bytes == Array("ok".utf8))
        #expect(try await api.get("/readyz", peer: .anonymous).status == 200)
        let verbose = try await api.get("/readyz", query: ["verbose": ""], peer: .anonymous)
        #expect(String(decoding: verbose.bytes, as: UTF8.self).contains("[+]caches-follow-store ok"))
        #expect(try await api.get("/version", peer: .anonymous).json["gitVersion"] == "v1.36.0+swiftlet")
        await api.server.stop()
        #expect(try await api.get("/readyz", peer: .anonymous).status == 503)
    }
}
