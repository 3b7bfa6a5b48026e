import APIMachinery
import JSONTree

/// A directory or device that containers can mount; one source at most, emptyDir where none is named.
package struct Volume: APIValue {
    package final class Fields: FieldSet {
        package let awsElasticBlockStore = Key<AWSElasticBlockStoreVolumeSource>(
            "awsElasticBlockStore", "A disk of AWS. Out of use; a CSI driver serves it.", .union("volume type"))
        package let azureDisk = Key<AzureDiskVolumeSource>(
            "azureDisk", "A disk of Azure. Out of use; a CSI driver serves it.", .union("volume type"))
        package let azureFile = Key<AzureFileVolumeSource>(
            "azureFile", "A share of Azure. Out of use; a CSI driver serves it.", .union("volume type"))
        package let cephfs = Key<CephFSVolumeSource>("cephfs", "A CephFS. No longer supported.", .union("volume type"))
        package let cinder = Key<CinderVolumeSource>(
            "cinder", "A disk of OpenStack. Out of use; a CSI driver serves it.", .union("volume type"))
        package let configMap = Key<ConfigMapVolumeSource>(
            "configMap", "A ConfigMap's keys as files.", .union("volume type"))
        package let csi = Key<CSIVolumeSource>(
            "csi", "A volume that a CSI driver makes for the life of the pod.", .union("volume type"))
        package let downwardAPI = Key<DownwardAPIVolumeSource>(
            "downwardAPI", "Fields of the pod as files.", .union("volume type"))
        package let emptyDir = Key<EmptyDirVolumeSource>(
            "emptyDir", "An empty directory that lives as long as the pod.", .union("volume type"))
        package let ephemeral = Key<EphemeralVolumeSource>(
            "ephemeral", "A claim made for this pod, gone with it.", .union("volume type"))
        package let fc = Key<FCVolumeSource>("fc", "A Fibre Channel disk.", .union("volume type"))
        package let flexVolume = Key<FlexVolumeSource>(
            "flexVolume", "A volume of an exec plugin. Out of use.", .union("volume type"))
        package let flocker = Key<FlockerVolumeSource>(
            "flocker", "A Flocker dataset. No longer supported.", .union("volume type"))
        package let gcePersistentDisk = Key<GCEPersistentDiskVolumeSource>(
            "gcePersistentDisk", "A disk of GCE. Out of use; a CSI driver serves it.", .union("volume type"))
        package let gitRepo = Key<GitRepoVolumeSource>(
            "gitRepo", "A clone of a git repository. No longer supported.", .union("volume type"))
        package let glusterfs = Key<GlusterfsVolumeSource>(
            "glusterfs", "A Gluster volume. No longer supported.", .union("volume type"))
        package let hostPath = Key<HostPathVolumeSource>(
            "hostPath", "A file or directory of the node.", .union("volume type"))
        package let image = Key<ImageVolumeSource>("image", "The files of an image, read-only.", .union("volume type"))
        package let iscsi = Key<ISCSIVolumeSource>("iscsi", "An iSCSI disk.", .union("volume type"))
        package let name = Total<String>("name", "Name that mounts refer to.", .required, .format(.dnsLabel))
        package let nfs = Key<NFSVolumeSource>("nfs", "A directory of an NFS server.", .union("volume type"))
        package let persistentVolumeClaim = Key<PersistentVolumeClaimVolumeSource>(
            "persistentVolumeClaim", "The volume of a claim in this namespace.", .union("volume type"))
        package let photonPersistentDisk = Key<PhotonPersistentDiskVolumeSource>(
            "photonPersistentDisk", "A Photon disk. No longer supported.", .union("volume type"))
        package let portworxVolume = Key<PortworxVolumeSource>(
            "portworxVolume", "A Portworx volume. Out of use; a CSI driver serves it.", .union("volume type"))
        package let projected = Key<ProjectedVolumeSource>(
            "projected", "Several sources in one directory.", .union("volume type"))
        package let quobyte = Key<QuobyteVolumeSource>(
            "quobyte", "A Quobyte volume. No longer supported.", .union("volume type"))
        package let rbd = Key<RBDVolumeSource>(
            "rbd", "A Rados block device. No longer supported.", .union("volume type"))
        package let scaleIO = Key<ScaleIOVolumeSource>(
            "scaleIO", "A ScaleIO volume. No longer supported.", .union("volume type"))
        package let secret = Key<SecretVolumeSource>("secret", "A Secret's keys as files.", .union("volume type"))
        package let storageos = Key<StorageOSVolumeSource>(
            "storageos", "A StorageOS volume. No longer supported.", .union("volume type"))
        package let vsphereVolume = Key<VsphereVirtualDiskVolumeSource>(
            "vsphereVolume", "A vSphere disk. Out of use; a CSI driver serves it.", .union("volume type"))
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A volume and where it appears in a container.
package struct VolumeMount: APIValue {
    package final class Fields: FieldSet {
        package let mountPath = Total<String>(
            "mountPath", "Where the volume appears.", .required, .minLength(1))
        package let mountPropagation = Key<String>(
            "mountPropagation", "Whether mounts pass between the node and the container; None where absent.",
            .oneOf(["None", "HostToContainer", "Bidirectional"]))
        package let name = Total<String>("name", "Name of the volume.", .required)
        package let readOnly = Total<Bool>("readOnly", "Mount it read-only.")
        package let recursiveReadOnly = Key<String>(
            "recursiveReadOnly", "Whether mounts below it become read-only too; Disabled where absent.",
            .oneOf(["Disabled", "IfPossible", "Enabled"]))
        package let subPath = Key<String>("subPath", "Path within the volume to mount in place of its root.")
        package let subPathExpr = Key<String>("subPathExpr", "Like subPath, with $(NAME) for environment variables.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A block device given to a container.
package struct VolumeDevice: APIValue {
    package final class Fields: FieldSet {
        package let devicePath = Total<String>("devicePath", "Path of the device in the container.", .required)
        package let name = Total<String>("name", "Name of the volume, of a claim with volumeMode Block.", .required)
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}
