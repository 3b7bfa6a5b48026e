import APIMachinery
import JSONTree

/// An empty directory that lives as long as the pod.
package struct EmptyDirVolumeSource: APIValue {
    package final class Fields: FieldSet {
        package let medium = Key<String>("medium", "Memory for a tmpfs; empty for the node's disk.")
        package let sizeLimit = Key<Quantity>(
            "sizeLimit", "Most that may be stored; a pod that stores more is evicted.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A file or directory of the node.
package struct HostPathVolumeSource: APIValue {
    package final class Fields: FieldSet {
        package let path = Total<String>("path", "Path on the node.", .required)
        package let type = Total<String>(
            "type", "What must be there, or is made.", default: "",
            .oneOf([
                "", "DirectoryOrCreate", "Directory", "FileOrCreate", "File", "Socket", "CharDevice", "BlockDevice",
            ]))
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A ConfigMap's keys as files.
package struct ConfigMapVolumeSource: APIValue {
    package final class Fields: FieldSet {
        package let defaultMode = Total<Int32>(
            "defaultMode", "Permission bits of the files.", default: 0o644)
        package let items = Total<[KeyToPath]>("items", "The keys that appear, and where; absent: all.", .atomic)
        package let name = Total<String>("name", "Name of the ConfigMap.")
        package let optional = Total<Bool>("optional", "The ConfigMap or its keys may be missing.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A Secret's keys as files.
package struct SecretVolumeSource: APIValue {
    package final class Fields: FieldSet {
        package let defaultMode = Total<Int32>(
            "defaultMode", "Permission bits of the files.", default: 0o644)
        package let items = Total<[KeyToPath]>("items", "The keys that appear, and where; absent: all.", .atomic)
        package let optional = Total<Bool>("optional", "The Secret or its keys may be missing.")
        package let secretName = Total<String>("secretName", "Name of the Secret.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A key and the file it becomes.
package struct KeyToPath: APIValue {
    package final class Fields: FieldSet {
        package let key = Total<String>("key", "The key.", .required)
        package let mode = Key<Int32>(
            "mode", "Permission bits of this file, in place of the default.")
        package let path = Total<String>("path", "Relative path of the file, without \"..\".", .required)
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// Fields of the pod as files.
package struct DownwardAPIVolumeSource: APIValue {
    package final class Fields: FieldSet {
        package let defaultMode = Total<Int32>(
            "defaultMode", "Permission bits of the files.", default: 0o644)
        package let items = Total<[DownwardAPIVolumeFile]>("items", "The files.", .atomic)
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A field of the pod as a file.
package struct DownwardAPIVolumeFile: APIValue {
    package final class Fields: FieldSet {
        package let fieldRef = Key<ObjectFieldSelector>(
            "fieldRef", "A field of the pod: labels, annotations, name, namespace or uid.", .atomic)
        package let mode = Key<Int32>(
            "mode", "Permission bits of this file, in place of the default.")
        package let path = Total<String>("path", "Relative path of the file, without \"..\".", .required)
        package let resourceFieldRef = Key<ResourceFieldSelector>(
            "resourceFieldRef", "A request or limit of a container.", .atomic)
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// The files of an image or artifact.
package struct ImageVolumeSource: APIValue {
    package final class Fields: FieldSet {
        package let pullPolicy = Key<String>(
            "pullPolicy", "When the image is pulled.", .oneOf(["Always", "IfNotPresent", "Never"]))
        package let reference = Total<String>("reference", "Name of the image.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// The volume of a claim.
package struct PersistentVolumeClaimVolumeSource: APIValue {
    package final class Fields: FieldSet {
        package let claimName = Total<String>("claimName", "Name of the claim in the pod's namespace.", .required)
        package let readOnly = Total<Bool>("readOnly", "Mount it read-only everywhere.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A claim made for one pod.
package struct EphemeralVolumeSource: APIValue {
    package final class Fields: FieldSet {
        package let volumeClaimTemplate = Key<PersistentVolumeClaimTemplate>(
            "volumeClaimTemplate", "The claim to make, named POD-VOLUME.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A directory of an NFS server.
package struct NFSVolumeSource: APIValue {
    package final class Fields: FieldSet {
        package let path = Total<String>("path", "Path exported by the server.", .required)
        package let readOnly = Total<Bool>("readOnly", "Mount it read-only.")
        package let server = Total<String>("server", "Name or address of the server.", .required)
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A volume that a CSI driver makes for the life of a pod.
package struct CSIVolumeSource: APIValue {
    package final class Fields: FieldSet {
        package let driver = Total<String>("driver", "Name of the driver.", .required)
        package let fsType = Key<String>("fsType", "File system to mount; the driver's choice where absent.")
        package let nodePublishSecretRef = Key<LocalObjectReference>(
            "nodePublishSecretRef", "Secret passed to the driver.", .atomic)
        package let readOnly = Total<Bool>("readOnly", "Mount it read-only.")
        package let volumeAttributes = Total<[String: String]>("volumeAttributes", "Settings that the driver knows.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}
