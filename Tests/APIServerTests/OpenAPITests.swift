import APIMachinery
import HTTP
import JSONTree
import Testing

@Suite struct OpenAPITests {
    @Test func documentsOfEachGroupVersion() async throws {
        let api = try await TestServer()
        let index = try await api.get("/openapi/v3")
        let url = try #require(index.json["paths"]?["apis/apps/v1"]?["serverRelativeURL"]?.string)
        #expect(url.hasPrefix("/openapi/v3/apis/apps/v1?hash="))
        let apps = try await api.get("/openapi/v3/apis/apps/v1")
        let patch = apps.json["paths"]?["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]?["patch"]
        #expect(patch?["x-kubernetes-group-version-kind"] == ["group": "apps", "version": "v1", "kind": "Deployment"])
        let names = (patch?["parameters"]?.array ?? []).compactMap { $0["name"]?.string }
        #expect(names.contains("fieldValidation") && names.contains("dryRun"))
        let schemas = apps.json["components"]?["schemas"]?.object?.members ?? []
        #expect(
            schemas.contains {
                $0.value["x-kubernetes-group-version-kind"]?.array?.contains { $0["kind"] == "Deployment" } ?? false
            })
        let tag = try #require(apps.response.headers["ETag"])
        #expect(try await api.get("/openapi/v3/apis/apps/v1", headers: ["If-None-Match": tag]).status == 304)
        #expect(try await api.get("/openapi/v3/api/v1").status == 200)
        #expect(try await api.get("/openapi/v3/apis/none/v1").status == 404)
    }
}
