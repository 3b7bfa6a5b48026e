import JSONTree

/// What every object carries: its name, its identity, its version, its labels, and who owns it.
package struct ObjectMeta: APIValue {
    package final class Fields: FieldSet {
        package let name = Total<String>(
            "name", "Name of the object, unique in its namespace for its kind. Cannot change.", .immutable)
        package let generateName = Total<String>(
            "generateName", "Prefix that the server appends random characters to where no name is given.", .immutable)
        package let namespace = Total<String>(
            "namespace", "Namespace that the object lives in; empty for objects of the whole cluster.", .immutable)
        package let selfLink = Key<String>("selfLink", "No longer set by the server; kept for old clients.")
        package let uid = Total<String>(
            "uid", "Identity of this object in time and space, set by the server.", .immutable)
        package let resourceVersion = Total<String>(
            "resourceVersion",
            "Version of the stored object, opaque to clients. An update that carries an old one is refused.")
        package let generation = Total<Int64>("generation", "Counts the changes of the desired state.")
        package let creationTimestamp = Key<Timestamp>(
            "creationTimestamp", "When the server created the object.")
        package let deletionTimestamp = Key<Timestamp>(
            "deletionTimestamp", "When the object is due to go away; set by the server on a deletion.")
        package let deletionGracePeriodSeconds = Key<Int64>(
            "deletionGracePeriodSeconds", "Seconds that the object has to end in an orderly way.")
        package let labels = Total<[String: String]>("labels", "Names and values that selectors match.")
        package let annotations = Total<[String: String]>("annotations", "Free text for tools; never selected by.")
        package let ownerReferences = Total<[OwnerReference]>(
            "ownerReferences", "Objects that this one depends on. It is collected when they are all gone.",
            .listMap(["uid"]), .mergeKey("uid"))
        package let finalizers = Total<[String]>(
            "finalizers", "Names that must be removed before the object goes away.", .set, .mergeItems)
        package let managedFields = Total<[ManagedFieldsEntry]>(
            "managedFields", "Which manager applies which fields; kept by the server.", .atomic)
        package init() {}
    }

    package static let groupVersion = GroupVersion.meta
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// An object that another one depends on.
package struct OwnerReference: APIValue {
    package final class Fields: FieldSet {
        package let apiVersion = Total<String>("apiVersion", "API version of the owner.", .required)
        package let kind = Total<String>("kind", "Kind of the owner.", .required)
        package let name = Total<String>("name", "Name of the owner.", .required)
        package let uid = Total<String>("uid", "UID of the owner.", .required)
        package let controller = Key<Bool>("controller", "Whether the owner manages the object. At most one does.")
        package let blockOwnerDeletion = Key<Bool>(
            "blockOwnerDeletion", "Whether a foreground deletion of the owner waits for this object.")
        package init() {}
    }

    package static let groupVersion = GroupVersion.meta
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// The fields that one manager applies or has updated.
package struct ManagedFieldsEntry: APIValue {
    package final class Fields: FieldSet {
        package let manager = Total<String>("manager", "Name of the workflow that manages these fields.")
        package let operation = Total<String>("operation", "How they came: Apply or Update.")
        package let apiVersion = Total<String>("apiVersion", "API version that the fields are named in.")
        package let time = Key<Timestamp>("time", "When the set of fields last changed.")
        package let fieldsType = Total<String>("fieldsType", "Form of the field set: FieldsV1.")
        package let fieldsV1 = Key<JSONObject>("fieldsV1", "The set of fields, as a trie of path elements.")
        package let subresource = Total<String>("subresource", "Subresource that the fields were written through.")
        package init() {}
    }

    package static let groupVersion = GroupVersion.meta
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

extension ObjectMeta {
    /// The owner that manages this object, if one does.
    package var controller: OwnerReference? {
        self.ownerReferences.first { $0.controller == true }
    }
}
