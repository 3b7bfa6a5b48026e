import APIMachinery
import JSONTree

/// A CephFS.
package struct CephFSVolumeSource: APIValue {
    package final class Fields: FieldSet {
        package let monitors = Total<[String]>("monitors", "Addresses of the monitors.", .required, .atomic)
        package let path = Key<String>("path", "Directory to mount; / where absent.")
        package let readOnly = Total<Bool>("readOnly", "Mount it read-only.")
        package let secretFile = Key<String>("secretFile", "File on the node with the key.")
        package let secretRef = Key<LocalObjectReference>("secretRef", "Secret with the key.", .atomic)
        package let user = Key<String>("user", "User to connect as.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A Fibre Channel disk.
package struct FCVolumeSource: APIValue {
    package final class Fields: FieldSet {
        package let fsType = Key<String>("fsType", "File system of the disk.")
        package let lun = Key<Int32>("lun", "Number of the unit.")
        package let readOnly = Total<Bool>("readOnly", "Mount it read-only.")
        package let targetWWNs = Total<[String]>("targetWWNs", "World-wide names of the targets.", .atomic)
        package let wwids = Total<[String]>(
            "wwids", "World-wide identifiers of the disk, in place of targets and unit.", .atomic)
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A volume of an exec plugin.
package struct FlexVolumeSource: APIValue {
    package final class Fields: FieldSet {
        package let driver = Total<String>("driver", "Name of the plugin.", .required)
        package let fsType = Key<String>("fsType", "File system of the volume.")
        package let options = Total<[String: String]>("options", "Settings that the plugin knows.")
        package let readOnly = Total<Bool>("readOnly", "Mount it read-only.")
        package let secretRef = Key<LocalObjectReference>("secretRef", "Secret passed to the plugin.", .atomic)
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A Flocker dataset.
package struct FlockerVolumeSource: APIValue {
    package final class Fields: FieldSet {
        package let datasetName = Key<String>("datasetName", "Name of the dataset.")
        package let datasetUUID = Key<String>("datasetUUID", "Identifier of the dataset.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A clone of a git repository.
package struct GitRepoVolumeSource: APIValue {
    package final class Fields: FieldSet {
        package let directory = Key<String>("directory", "Directory to clone into.")
        package let repository = Total<String>("repository", "Address of the repository.", .required)
        package let revision = Key<String>("revision", "Commit to check out.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A Gluster volume.
package struct GlusterfsVolumeSource: APIValue {
    package final class Fields: FieldSet {
        package let endpoints = Total<String>("endpoints", "Endpoints object with the servers.", .required)
        package let path = Total<String>("path", "Name of the volume.", .required)
        package let readOnly = Total<Bool>("readOnly", "Mount it read-only.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// An iSCSI disk.
package struct ISCSIVolumeSource: APIValue {
    package final class Fields: FieldSet {
        package let chapAuthDiscovery = Total<Bool>("chapAuthDiscovery", "Authenticate discovery with CHAP.")
        package let chapAuthSession = Total<Bool>("chapAuthSession", "Authenticate the session with CHAP.")
        package let fsType = Key<String>("fsType", "File system of the disk.")
        package let initiatorName = Key<String>("initiatorName", "Name of the initiator.")
        package let iqn = Total<String>("iqn", "Name of the target.", .required)
        package let iscsiInterface = Total<String>(
            "iscsiInterface", "Interface to connect through.", default: "default")
        package let lun = Total<Int32>("lun", "Number of the unit.", .required)
        package let portals = Total<[String]>("portals", "More portals of the target.", .atomic)
        package let readOnly = Total<Bool>("readOnly", "Mount it read-only.")
        package let secretRef = Key<LocalObjectReference>("secretRef", "Secret with the CHAP credentials.", .atomic)
        package let targetPortal = Total<String>("targetPortal", "Address of the target.", .required)
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A Quobyte volume.
package struct QuobyteVolumeSource: APIValue {
    package final class Fields: FieldSet {
        package let group = Key<String>("group", "Group to map access to.")
        package let readOnly = Total<Bool>("readOnly", "Mount it read-only.")
        package let registry = Total<String>("registry", "Addresses of the registry.", .required)
        package let tenant = Key<String>("tenant", "Owner of the volume.")
        package let user = Key<String>("user", "User to map access to.")
        package let volume = Total<String>("volume", "Name of the volume.", .required)
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A Rados block device.
package struct RBDVolumeSource: APIValue {
    package final class Fields: FieldSet {
        package let fsType = Key<String>("fsType", "File system of the image.")
        package let image = Total<String>("image", "Name of the image.", .required)
        package let keyring = Total<String>("keyring", "File on the node with the key.", default: "/etc/ceph/keyring")
        package let monitors = Total<[String]>("monitors", "Addresses of the monitors.", .required, .atomic)
        package let pool = Total<String>("pool", "Pool of the image.", default: "rbd")
        package let readOnly = Total<Bool>("readOnly", "Mount it read-only.")
        package let secretRef = Key<LocalObjectReference>(
            "secretRef", "Secret with the key, in place of the file.", .atomic)
        package let user = Total<String>("user", "User to connect as.", default: "admin")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A ScaleIO volume.
package struct ScaleIOVolumeSource: APIValue {
    package final class Fields: FieldSet {
        package let fsType = Total<String>("fsType", "File system of the volume.", default: "xfs")
        package let gateway = Total<String>("gateway", "Address of the gateway.", .required)
        package let protectionDomain = Key<String>("protectionDomain", "Protection domain of the storage.")
        package let readOnly = Total<Bool>("readOnly", "Mount it read-only.")
        package let secretRef = Total<LocalObjectReference>(
            "secretRef", "Secret with the credentials.", .required, .atomic)
        package let sslEnabled = Total<Bool>("sslEnabled", "Speak TLS with the gateway.")
        package let storageMode = Total<String>(
            "storageMode", "Whether storage is thick or thin.", default: "ThinProvisioned")
        package let storagePool = Key<String>("storagePool", "Pool of the protection domain.")
        package let system = Total<String>("system", "Name of the storage system.", .required)
        package let volumeName = Key<String>("volumeName", "Name of the volume.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A StorageOS volume.
package struct StorageOSVolumeSource: APIValue {
    package final class Fields: FieldSet {
        package let fsType = Key<String>("fsType", "File system of the volume.")
        package let readOnly = Total<Bool>("readOnly", "Mount it read-only.")
        package let secretRef = Key<LocalObjectReference>("secretRef", "Secret with the credentials.", .atomic)
        package let volumeName = Key<String>("volumeName", "Name of the volume.")
        package let volumeNamespace = Key<String>(
            "volumeNamespace", "Scope of the name; the pod's namespace where absent.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}
