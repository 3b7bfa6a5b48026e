import APIMachinery
import JSONTree

/// A disk of AWS.
package struct AWSElasticBlockStoreVolumeSource: APIValue {
    package final class Fields: FieldSet {
        package let fsType = Key<String>("fsType", "File system of the disk.")
        package let partition = Key<Int32>("partition", "Partition to mount; 0: the disk itself.")
        package let readOnly = Total<Bool>("readOnly", "Mount it read-only.")
        package let volumeID = Total<String>("volumeID", "Identifier of the disk.", .required)
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A disk of Azure.
package struct AzureDiskVolumeSource: APIValue {
    package final class Fields: FieldSet {
        package let cachingMode = Total<String>(
            "cachingMode", "Caching by the host.", default: "ReadWrite", .oneOf(["None", "ReadOnly", "ReadWrite"]))
        package let diskName = Total<String>("diskName", "Name of the disk.", .required)
        package let diskURI = Total<String>("diskURI", "Address of the disk.", .required)
        package let fsType = Total<String>("fsType", "File system of the disk.", default: "ext4")
        package let kind = Total<String>(
            "kind", "Kind of disk.", default: "Shared", .oneOf(["Shared", "Dedicated", "Managed"]))
        package let readOnly = Total<Bool>("readOnly", "Mount it read-only.", default: false)
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A share of Azure.
package struct AzureFileVolumeSource: APIValue {
    package final class Fields: FieldSet {
        package let readOnly = Total<Bool>("readOnly", "Mount it read-only.")
        package let secretName = Total<String>("secretName", "Secret with the account and its key.", .required)
        package let shareName = Total<String>("shareName", "Name of the share.", .required)
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A disk of OpenStack.
package struct CinderVolumeSource: APIValue {
    package final class Fields: FieldSet {
        package let fsType = Key<String>("fsType", "File system of the disk.")
        package let readOnly = Total<Bool>("readOnly", "Mount it read-only.")
        package let secretRef = Key<LocalObjectReference>(
            "secretRef", "Secret with the connection's parameters.", .atomic)
        package let volumeID = Total<String>("volumeID", "Identifier of the disk.", .required)
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A disk of GCE.
package struct GCEPersistentDiskVolumeSource: APIValue {
    package final class Fields: FieldSet {
        package let fsType = Key<String>("fsType", "File system of the disk.")
        package let partition = Key<Int32>("partition", "Partition to mount; 0: the disk itself.")
        package let pdName = Total<String>("pdName", "Name of the disk.", .required)
        package let readOnly = Total<Bool>("readOnly", "Mount it read-only.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A Photon disk.
package struct PhotonPersistentDiskVolumeSource: APIValue {
    package final class Fields: FieldSet {
        package let fsType = Key<String>("fsType", "File system of the disk.")
        package let pdID = Total<String>("pdID", "Identifier of the disk.", .required)
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A Portworx volume.
package struct PortworxVolumeSource: APIValue {
    package final class Fields: FieldSet {
        package let fsType = Key<String>("fsType", "File system of the volume.")
        package let readOnly = Total<Bool>("readOnly", "Mount it read-only.")
        package let volumeID = Total<String>("volumeID", "Identifier of the volume.", .required)
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A vSphere disk.
package struct VsphereVirtualDiskVolumeSource: APIValue {
    package final class Fields: FieldSet {
        package let fsType = Key<String>("fsType", "File system of the disk.")
        package let storagePolicyID = Key<String>("storagePolicyID", "Identifier of the storage profile.")
        package let storagePolicyName = Key<String>("storagePolicyName", "Name of the storage profile.")
        package let volumePath = Total<String>("volumePath", "Path of the disk.", .required)
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}
