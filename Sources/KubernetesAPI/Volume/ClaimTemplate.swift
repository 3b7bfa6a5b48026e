import APIMachinery
import JSONTree

/// A claim to be made.
package struct PersistentVolumeClaimTemplate: APIValue {
    package final class Fields: FieldSet {
        package let metadata = Total<ObjectMeta>("metadata", "Labels and annotations of the claim.")
        package let spec = Total<PersistentVolumeClaimSpec>("spec", "What the claim asks for.", .required)
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// What a claim asks for.
package struct PersistentVolumeClaimSpec: APIValue {
    package final class Fields: FieldSet {
        package let accessModes = Total<[String]>(
            "accessModes", "How the volume is used: ReadWriteOnce, ReadOnlyMany, ReadWriteMany, ReadWriteOncePod.",
            .atomic)
        package let dataSource = Key<TypedLocalObjectReference>(
            "dataSource", "Snapshot or claim of this namespace that the volume is filled from.", .atomic)
        package let dataSourceRef = Key<TypedObjectReference>("dataSourceRef", "Object that the volume is filled from.")
        package let resources = Total<VolumeResourceRequirements>(
            "resources", "How large the volume is.", default: VolumeResourceRequirements())
        package let selector = Key<LabelSelector>("selector", "Labels of the volumes to choose from.", .atomic)
        package let storageClassName = Key<String>("storageClassName", "Class that the volume is made by; empty: none.")
        package let volumeAttributesClassName = Key<String>(
            "volumeAttributesClassName", "Class of attributes that the driver can change.")
        package let volumeMode = Total<String>(
            "volumeMode", "Whether it is a file system or a raw device.", default: "Filesystem",
            .oneOf(["Block", "Filesystem"]))
        package let volumeName = Key<String>("volumeName", "The volume bound to the claim.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// How large a volume is.
package struct VolumeResourceRequirements: APIValue {
    package final class Fields: FieldSet {
        package let limits = Total<[String: Quantity]>("limits", "The largest.")
        package let requests = Total<[String: Quantity]>("requests", "The smallest.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}
