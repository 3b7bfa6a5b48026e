import APIMachinery
import JSONTree

/// An environment variable.
package struct EnvVar: APIValue {
    package final class Fields: FieldSet {
        package let name = Total<String>("name", "Name of the variable.", .required, .format(.environmentName))
        package let value = Key<String>("value", "Its value; $(NAME) stands for a variable set before.")
        package let valueFrom = Key<EnvVarSource>("valueFrom", "Where the value comes from, in place of value.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// Where the value of a variable comes from; one of these.
package struct EnvVarSource: APIValue {
    package final class Fields: FieldSet {
        package let configMapKeyRef = Key<ConfigMapKeySelector>(
            "configMapKeyRef", "A key of a ConfigMap.", .atomic)
        package let fieldRef = Key<ObjectFieldSelector>("fieldRef", "A field of the pod.", .atomic)
        package let fileKeyRef = Key<FileKeySelector>(
            "fileKeyRef", "A variable of a file in a volume.", .atomic)
        package let resourceFieldRef = Key<ResourceFieldSelector>(
            "resourceFieldRef", "A request or limit of a container.", .atomic)
        package let secretKeyRef = Key<SecretKeySelector>(
            "secretKeyRef", "A key of a Secret.", .atomic)
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A ConfigMap or Secret whose keys become variables.
package struct EnvFromSource: APIValue {
    package final class Fields: FieldSet {
        package let configMapRef = Key<ConfigMapEnvSource>("configMapRef", "The ConfigMap.")
        package let prefix = Key<String>("prefix", "Text put before each key.")
        package let secretRef = Key<SecretEnvSource>("secretRef", "The Secret.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A ConfigMap that variables come from.
package struct ConfigMapEnvSource: APIValue {
    package final class Fields: FieldSet {
        package let name = Total<String>("name", "Name of the ConfigMap.")
        package let optional = Total<Bool>("optional", "The ConfigMap may be missing.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A Secret that variables come from.
package struct SecretEnvSource: APIValue {
    package final class Fields: FieldSet {
        package let name = Total<String>("name", "Name of the Secret.")
        package let optional = Total<Bool>("optional", "The Secret may be missing.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A key of a ConfigMap.
package struct ConfigMapKeySelector: APIValue {
    package final class Fields: FieldSet {
        package let key = Total<String>("key", "The key.", .required)
        package let name = Total<String>("name", "Name of the ConfigMap.")
        package let optional = Total<Bool>("optional", "The ConfigMap or its key may be missing.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A key of a Secret.
package struct SecretKeySelector: APIValue {
    package final class Fields: FieldSet {
        package let key = Total<String>("key", "The key.", .required)
        package let name = Total<String>("name", "Name of the Secret.")
        package let optional = Total<Bool>("optional", "The Secret or its key may be missing.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A variable of a file in a volume of the pod.
package struct FileKeySelector: APIValue {
    package final class Fields: FieldSet {
        package let key = Total<String>("key", "The variable in the file.", .required, .maxLength(128))
        package let optional = Total<Bool>("optional", "The variable may be missing.", default: false)
        package let path = Total<String>("path", "Path of the file within the volume.", .required)
        package let volumeName = Total<String>("volumeName", "The volume, an emptyDir.", .required)
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A field of the pod.
package struct ObjectFieldSelector: APIValue {
    package final class Fields: FieldSet {
        package let apiVersion = Total<String>(
            "apiVersion", "Version of the schema that the path is for.", default: "v1")
        package let fieldPath = Total<String>(
            "fieldPath", "Path of the field, as metadata.name or metadata.labels['KEY'].", .required)
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A request or limit of a container.
package struct ResourceFieldSelector: APIValue {
    package final class Fields: FieldSet {
        package let containerName = Key<String>(
            "containerName", "The container; absent: the one that the variable is for.")
        package let divisor = Total<Quantity>("divisor", "Unit of the value; 1 where absent.", default: Quantity.zero)
        package let resource = Total<String>("resource", "The resource, as limits.cpu or requests.memory.", .required)
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}
