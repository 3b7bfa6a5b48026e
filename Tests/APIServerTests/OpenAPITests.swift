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

    /// kubectl looks here for kinds that version 3 does not tell of, and before 1.27 for all.
    @Test func versionTwoIsOneDocument() async throws {
        let api = try await TestServer()
        let answer = try await api.get("/openapi/v2", headers: ["Accept": "application/json"])
        #expect(answer.json["swagger"] == "2.0")
        let patch = answer.json["paths"]?["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]?["patch"]
        let names = (patch?["parameters"]?.array ?? []).compactMap { $0["name"]?.string }
        #expect(names == ["dryRun", "fieldManager", "fieldValidation", "force", "body"])
        let definitions = try #require(answer.json["definitions"]?.object)
        for definition in definitions.members { check(definition.value, definitions) }
        let other = try await api.get("/openapi/v2", headers: ["Accept": "application/yaml"])
        #expect(other.status == 406)
        #expect(try await api.get("/openapi/v4").status == 404)
    }

    /// kubectl before 1.24 shows these names in its errors, and clients are generated from them.
    @Test func namesAreUpstreams() async throws {
        let api = try await TestServer()
        let json = try await api.get("/openapi/v2", headers: ["Accept": "application/json"]).json
        let definitions = try #require(json["definitions"]?.object)
        for name in definitions.keys { #expect(name.hasPrefix("io.k8s.api"), "\(name)") }
        for name in [
            "io.k8s.api.core.v1.PodSpec", "io.k8s.api.apps.v1.DeploymentSpec", "io.k8s.api.core.v1.EndpointPort",
            "io.k8s.api.discovery.v1.EndpointPort", "io.k8s.api.coordination.v1.LeaseSpec",
            "io.k8s.api.autoscaling.v1.Scale",
            "io.k8s.api.policy.v1.Eviction", "io.k8s.api.core.v1.PodList",
            "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta",
            "io.k8s.apimachinery.pkg.apis.meta.v1.Time", "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions",
            "io.k8s.apimachinery.pkg.api.resource.Quantity", "io.k8s.apimachinery.pkg.util.intstr.IntOrString",
        ] { #expect(definitions[name] != nil, "\(name)") }
        let options = definitions["io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"]
        #expect(
            options?["x-kubernetes-group-version-kind"]?.array?.contains(
                ["group": "apps", "version": "v1", "kind": "DeleteOptions"]) ?? false)
        var operations: [String] = []
        for path in json["paths"]?.object?.members ?? [] {
            operations += (path.value.object?.members ?? []).compactMap { $0.value["operationId"]?.string }
        }
        #expect(Set(operations).count == operations.count)
        for name in [
            "listCoreV1NamespacedPod", "readAppsV1NamespacedDeploymentScale", "createCoreV1NamespacedPodBinding",
        ] {
            #expect(operations.contains(name), "\(name)")
        }
    }

    @Test func versionTwoAsTheMessageThatKubectlReads() async throws {
        let api = try await TestServer()
        let type = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
        let answer = try await api.get("/openapi/v2", headers: ["Accept": type])
        #expect(
            answer.response.headers["Content-Type"]
                == "application/com.github.proto-openapi.spec.v2.v1.0+protobuf")
        let json = try await api.get("/openapi/v2", headers: ["Accept": "application/json"]).json
        let document = try #require(Message(answer.bytes))
        #expect(document.texts(1) == ["2.0"])
        let paths = document.messages(8).flatMap { $0.messages(2) }
        #expect(paths.flatMap { $0.texts(1) } == json["paths"]?.object?.keys.map { $0 })
        let definitions = document.messages(9).flatMap { $0.messages(1) }
        #expect(definitions.flatMap { $0.texts(1) } == json["definitions"]?.object?.keys.map { $0 })
        let path = try #require(paths.first { $0.texts(1) == ["/api/v1/namespaces/{namespace}/pods/{name}"] })
        let patch = try #require(path.messages(2).first?.messages(8).first)
        // Each parameter in its wrappers: of the query 2, 3; the body 1.
        let parameters = patch.messages(8).flatMap { $0.messages(1) }
        #expect(
            parameters.flatMap { $0.messages(2) }.flatMap { $0.messages(3) }.flatMap { $0.texts(4) }
                == ["dryRun", "fieldManager", "fieldValidation", "force"])
        #expect(parameters.flatMap { $0.messages(1) }.flatMap { $0.texts(3) } == ["body"])
        let kinds = patch.messages(13).filter { $0.texts(1) == ["x-kubernetes-group-version-kind"] }
        #expect(
            kinds.flatMap { $0.messages(2) }.flatMap { $0.texts(2) }
                == ["{\"group\":\"\",\"kind\":\"Pod\",\"version\":\"v1\"}\n"])
        let spec = try #require(
            definitions.first { $0.texts(1) == ["io.k8s.api.core.v1.ContainerPort"] }?.messages(2).first)
        let fields = spec.messages(25).flatMap { $0.messages(1) }
        let port = try #require(fields.first { $0.texts(1) == ["containerPort"] }?.messages(2).first)
        #expect(port.messages(22).flatMap { $0.texts(1) } == ["integer"])
        #expect(port.doubles(7) == [65_535] && port.doubles(9) == [1])
        #expect(spec.texts(19) == ["containerPort"])
    }

    /// What the message has no field for would be lost in it without a word, and a reference must lead somewhere.
    private func check(_ schema: JSONValue, _ definitions: JSONObject) {
        let known: Set<String> = [
            "$ref", "additionalProperties", "default", "description", "enum", "format", "items", "maximum", "minimum",
            "properties", "required", "type",
        ]
        for member in schema.object?.members ?? [] where !member.key.hasPrefix("x-") {
            #expect(known.contains(member.key), "\(member.key)")
        }
        if let reference = schema["$ref"]?.string {
            #expect(definitions[String(reference.dropFirst("#/definitions/".count))] != nil, "\(reference)")
        }
        for inner in [schema["items"], schema["additionalProperties"]] { inner.map { check($0, definitions) } }
        for property in schema["properties"]?.object?.members ?? [] { check(property.value, definitions) }
    }
}

/// The fields of one protobuf message, in their order.
private struct Message {
    private var fields: [(number: Int, bytes: [UInt8])] = []

    /// nil where the bytes are no message.
    init?(_ bytes: [UInt8]) {
        var rest = bytes[...]
        func varint() -> Int? {
            var value = 0
            for shift in stride(from: 0, to: 56, by: 7) {
                guard let byte = rest.popFirst() else { return nil }
                value |= Int(byte & 0x7F) << shift
                if byte < 0x80 { return value }
            }
            return nil
        }
        while !rest.isEmpty {
            guard let tag = varint() else { return nil }
            var count: Int?
            switch tag & 7 {
            case 0:
                guard varint() != nil else { return nil }
                continue
            case 1: count = 8
            case 2: count = varint()
            default: return nil
            }
            guard let count, count <= rest.count else { return nil }
            fields.append((tag >> 3, Array(rest.prefix(count))))
            rest = rest.dropFirst(count)
        }
    }

    func messages(_ number: Int) -> [Message] { fields.filter { $0.number == number }.compactMap { Message($0.bytes) } }

    func texts(_ number: Int) -> [String] {
        fields.filter { $0.number == number }.map { String(decoding: $0.bytes, as: UTF8.self) }
    }

    func doubles(_ number: Int) -> [Double] {
        fields.filter { $0.number == number }.map { field in
            Double(bitPattern: field.bytes.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
        }
    }
}
