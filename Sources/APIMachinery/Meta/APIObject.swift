import JSONTree

extension APIObject {
    package var metadata: ObjectMeta {
        get { ObjectMeta(storage: storage["metadata"]?.object ?? JSONObject()) }
        set { storage["metadata"] = newValue.json }
    }

    /// A new object with its `apiVersion` and `kind` written.
    package init(name: String, namespace: String = "", _ build: (inout Self) -> Void = { _ in }) {
        self.init(storage: JSONObject())
        storage["apiVersion"] = .string(Self.kind.apiVersion)
        storage["kind"] = .string(Self.kind.kind)
        self.metadata = ObjectMeta {
            $0.name = name
            $0.namespace = namespace
        }
        build(&self)
    }

    /// The declared fields, and before them what every object has: `apiVersion`, `kind`, `metadata`.
    package static var schema: Schema {
        .object(.of(Self.self, leading: { FieldSchema.ofEveryObject }))
    }

    /// A reference to this object as the owner that manages another.
    package func controllerReference() -> OwnerReference {
        OwnerReference {
            $0.apiVersion = Self.kind.apiVersion
            $0.kind = Self.kind.kind
            $0.name = metadata.name
            $0.uid = metadata.uid
            $0.controller = true
            $0.blockOwnerDeletion = true
        }
    }
}

extension FieldSchema {
    /// `apiVersion`, `kind` and `metadata`.
    package static let ofEveryObject = [
        FieldSchema("apiVersion", "Group and version of the API that this object is written in.", .string),
        FieldSchema("kind", "Kind of the object.", .string),
        FieldSchema("metadata", "Name, labels and what else every object carries.", ObjectMeta.schema),
    ]
}
