import APIMachinery
import JSONTree

/// An object, or a part of one.
package struct ObjectReference: APIValue {
    package final class Fields: FieldSet {
        package let apiVersion = Key<String>("apiVersion", "Group and version of the object.")
        package let fieldPath = Key<String>("fieldPath", "The part meant, as spec.containers{NAME}.")
        package let kind = Key<String>("kind", "Kind of the object.")
        package let name = Key<String>("name", "Name of the object.")
        package let namespace = Key<String>("namespace", "Namespace of the object.")
        package let resourceVersion = Key<String>("resourceVersion", "The version of the object that is meant.")
        package let uid = Key<String>("uid", "Unique identifier of the object.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// An object of the same namespace.
package struct LocalObjectReference: APIValue {
    package final class Fields: FieldSet {
        package let name = Total<String>("name", "Name of the object.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// An object of the same namespace and any kind.
package struct TypedLocalObjectReference: APIValue {
    package final class Fields: FieldSet {
        package let apiGroup = Key<String>("apiGroup", "Group of the kind; absent: the core group.")
        package let kind = Total<String>("kind", "Kind of the object.", .required)
        package let name = Total<String>("name", "Name of the object.", .required)
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// An object of any kind and namespace.
package struct TypedObjectReference: APIValue {
    package final class Fields: FieldSet {
        package let apiGroup = Key<String>("apiGroup", "Group of the kind; absent: the core group.")
        package let kind = Total<String>("kind", "Kind of the object.", .required)
        package let name = Total<String>("name", "Name of the object.", .required)
        package let namespace = Key<String>("namespace", "Namespace of the object; absent: the same.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}
