import APIMachinery
import JSONTree
import Testing

@Suite struct ViewTests {
    @Test func metadataReadsAndWrites() {
        var meta = ObjectMeta { $0.name = "web" }
        meta.labels["app"] = "web"
        meta.ownerReferences = [OwnerReference { $0.uid = "1" }]
        #expect(meta.json == ["name": "web", "labels": ["app": "web"], "ownerReferences": [["uid": "1"]]])
        #expect(meta.namespace.isEmpty && meta.creationTimestamp == nil)
        meta.name = ""
        meta.labels = [:]
        meta.ownerReferences = []
        #expect(meta.storage.isEmpty)
    }

    @Test func unknownFieldsSurvive() {
        var meta = ObjectMeta(storage: ["x-new": ["a": 1], "name": "a"])
        meta.name = "b"
        #expect(meta.json == ["x-new": ["a": 1], "name": "b"])
    }

    @Test func schemasKnowTheirFields() throws {
        let schema = try #require(ObjectMeta.schema.object)
        #expect(schema["ownerReferences"]?.rules == [.listMap(["uid"]), .mergeKey("uid")])
        #expect(schema["nothing"] == nil)
        #expect(schema.fields.map(\.name) == schema.fields.map(\.name).sorted())
        #expect(ObjectMeta.schema.object === schema)
    }

    @Test func statusHasTheFormThatClientsKnow() {
        let status = Status.notFound(ResourceName(group: "apps", "deployments"), "web")
        #expect(
            status.json == [
                "apiVersion": "v1", "kind": "Status", "metadata": [:], "status": "Failure", "code": 404,
                "reason": "NotFound", "message": "deployments.apps \"web\" not found",
                "details": ["name": "web", "group": "apps", "kind": "deployments"],
            ])
    }

    @Test func invalidListsEveryField() {
        let status = Status.invalid(
            group: "", kind: "Pod", name: "web",
            [.required("spec.containers[0].image"), .invalid("metadata.name", "A", "must be lower case")])
        #expect(
            status.message == """
                Pod "web" is invalid: [spec.containers[0].image: Required value, metadata.name: Invalid value: "A": \
                must be lower case]
                """)
        #expect(status.details?.causes.map(\.reason) == ["FieldValueRequired", "FieldValueInvalid"])
    }
}
