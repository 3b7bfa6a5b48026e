import APIMachinery
import JSONTree
import Testing

@Suite struct OpenAPITests {
    @Test func emitsKindsWithTheirExtensions() throws {
        var components = OpenAPIComponents()
        #expect(Gadget.schema.object?.name == "io.test.v1.Gadget")
        let references = components.add(Gadget.kind, Gadget.schema)
        let name = try #require(Gadget.schema.object?.name)
        #expect(references.object == ["$ref": .string("#/components/schemas/\(name)")])
        let gadget = try #require(components.schemas[name])
        #expect(gadget["required"] == ["spec"])
        #expect(gadget["x-kubernetes-group-version-kind"] == [["group": "test.io", "version": "v1", "kind": "Gadget"]])
        #expect(gadget["properties"]?.object?.keys.sorted() == ["apiVersion", "data", "kind", "metadata", "spec"])
        let spec = try #require(components.schemas[GadgetSpec.schema.object?.name ?? ""]?["properties"])
        #expect(
            spec["replicas"] == [
                "type": "integer", "format": "int32", "description": "How many.", "default": 1, "minimum": 0,
                "maximum": 10,
            ])
        let parts = try #require(spec["parts"]?.object)
        #expect(parts["x-kubernetes-list-type"] == "map" && parts["x-kubernetes-list-map-keys"] == ["name"])
        #expect(parts["x-kubernetes-patch-merge-key"] == "name" && parts["x-kubernetes-patch-strategy"] == "merge")
        #expect(parts["items"]?["allOf"]?.array?.count == 1)
        #expect(
            spec["tags"]?["x-kubernetes-list-type"] == "set" && spec["selector"]?["x-kubernetes-map-type"] == "atomic")
        #expect(
            spec["limits"]?["additionalProperties"] == [
                "allOf": [["$ref": "#/components/schemas/io.k8s.apimachinery.pkg.api.resource.Quantity"]]
            ])
        let list = try #require(components.schemas[name + "List"])
        #expect(list["required"] == ["items"])
    }

    @Test func everyReferenceLeadsSomewhere() throws {
        for version in [OpenAPIComponents.Version.v2, .v3] {
            var components = OpenAPIComponents(version)
            _ = components.add(Gadget.kind, Gadget.schema)
            let text = JSONValue.object(components.schemas).text
            for part in text.split(separator: "\"$ref\":\"#/").dropFirst() {
                let name = try #require(part.split(separator: "\"").first?.split(separator: "/").last)
                #expect(components.schemas[String(name)] != nil, "\(name)")
            }
            let before = components.schemas
            _ = components.add(Gadget.kind, Gadget.schema)
            #expect(components.schemas == before)
        }
    }
}

@Suite struct SchemaUpdateTests {
    @Test func immutableFieldsStay() {
        let old: JSONValue = ["spec": ["fixed": "a"], "metadata": ["name": "x"]]
        #expect(Gadget.schema.checkUpdate(from: old, to: old).isEmpty)
        let errors = Gadget.schema.checkUpdate(from: old, to: ["spec": ["fixed": "b"], "metadata": ["name": "x"]])
        #expect(errors.map(\.description) == [#"spec.fixed: Invalid value: "b": field is immutable"#])
        #expect(Gadget.schema.checkUpdate(from: old, to: ["spec": [:], "metadata": ["name": "x"]]).count == 1)
        #expect(Gadget.schema.checkUpdate(from: ["spec": [:]], to: ["spec": ["fixed": "b"]]).isEmpty)
    }
}
