import APIMachinery
import JSONTree

/// Identity and security of all containers of a pod.
package struct PodSecurityContext: APIValue {
    package final class Fields: FieldSet {
        package let appArmorProfile = Key<AppArmorProfile>("appArmorProfile", "AppArmor profile of the containers.")
        package let fsGroup = Key<Int64>(
            "fsGroup", "Group that owns the files of volumes, and that the processes belong to.", .minimum(0),
            .maximum(2_147_483_647))
        package let fsGroupChangePolicy = Key<String>(
            "fsGroupChangePolicy",
            "Whether the owner of a volume's files is changed always or only where its root differs.",
            .oneOf(["Always", "OnRootMismatch"]))
        package let runAsGroup = Key<Int64>(
            "runAsGroup", "Group of the processes; the image's where absent.", .minimum(0), .maximum(2_147_483_647))
        package let runAsNonRoot = Key<Bool>("runAsNonRoot", "Refuse to start containers that would run as user 0.")
        package let runAsUser = Key<Int64>(
            "runAsUser", "User of the processes; the image's where absent.", .minimum(0), .maximum(2_147_483_647))
        package let seLinuxChangePolicy = Key<String>(
            "seLinuxChangePolicy", "How volumes get their SELinux label.", .oneOf(["MountOption", "Recursive"]))
        package let seLinuxOptions = Key<SELinuxOptions>("seLinuxOptions", "SELinux context of the containers.")
        package let seccompProfile = Key<SeccompProfile>("seccompProfile", "System call filter of the containers.")
        package let supplementalGroups = Total<[Int64]>(
            "supplementalGroups", "More groups of the processes.", .atomic, .minimum(0), .maximum(2_147_483_647))
        package let supplementalGroupsPolicy = Key<String>(
            "supplementalGroupsPolicy", "Whether the groups that the image gives the user are added.",
            .oneOf(["Merge", "Strict"]))
        package let sysctls = Total<[Sysctl]>("sysctls", "Kernel settings of the pod's namespaces.", .atomic)
        package let windowsOptions = Key<WindowsSecurityContextOptions>("windowsOptions", "Settings for Windows.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// Identity and security of one container.
package struct SecurityContext: APIValue {
    package final class Fields: FieldSet {
        package let allowPrivilegeEscalation = Key<Bool>(
            "allowPrivilegeEscalation",
            "Whether a process may gain more privileges than its parent; false sets no_new_privs.")
        package let appArmorProfile = Key<AppArmorProfile>("appArmorProfile", "AppArmor profile of the container.")
        package let capabilities = Key<Capabilities>(
            "capabilities", "Capabilities added to and taken from the default set.")
        package let privileged = Key<Bool>("privileged", "Run with the node's devices and all capabilities.")
        package let procMount = Key<String>(
            "procMount", "Whether parts of /proc are masked.", .oneOf(["Default", "Unmasked"]))
        package let readOnlyRootFilesystem = Key<Bool>(
            "readOnlyRootFilesystem", "Mount the root file system read-only.")
        package let runAsGroup = Key<Int64>(
            "runAsGroup", "Group of the process; the pod's where absent.", .minimum(0), .maximum(2_147_483_647))
        package let runAsNonRoot = Key<Bool>("runAsNonRoot", "Refuse to start the container if it would run as user 0.")
        package let runAsUser = Key<Int64>(
            "runAsUser", "User of the process; the pod's where absent.", .minimum(0), .maximum(2_147_483_647))
        package let seLinuxOptions = Key<SELinuxOptions>("seLinuxOptions", "SELinux context of the container.")
        package let seccompProfile = Key<SeccompProfile>("seccompProfile", "System call filter of the container.")
        package let windowsOptions = Key<WindowsSecurityContextOptions>("windowsOptions", "Settings for Windows.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// Changes to a container's set of capabilities.
package struct Capabilities: APIValue {
    package final class Fields: FieldSet {
        package let add = Total<[String]>("add", "Capabilities to add, without CAP_; ALL for every one.", .atomic)
        package let drop = Total<[String]>(
            "drop", "Capabilities to take away, without CAP_; ALL for every one.", .atomic)
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// Parts of an SELinux context.
package struct SELinuxOptions: APIValue {
    package final class Fields: FieldSet {
        package let level = Key<String>("level", "Level.")
        package let role = Key<String>("role", "Role.")
        package let type = Key<String>("type", "Type.")
        package let user = Key<String>("user", "User.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A system call filter.
package struct SeccompProfile: APIValue {
    package final class Fields: FieldSet {
        package let localhostProfile = Key<String>(
            "localhostProfile", "File of the profile below the node's seccomp directory, for type Localhost.")
        package let type = Total<String>(
            "type", "The runtime's own filter, none, or a file of the node.", .required,
            .oneOf(["RuntimeDefault", "Unconfined", "Localhost"]))
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// An AppArmor profile.
package struct AppArmorProfile: APIValue {
    package final class Fields: FieldSet {
        package let localhostProfile = Key<String>(
            "localhostProfile", "Name of a profile loaded on the node, for type Localhost.")
        package let type = Total<String>(
            "type", "The runtime's own profile, none, or one loaded on the node.", .required,
            .oneOf(["RuntimeDefault", "Unconfined", "Localhost"]))
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A kernel setting.
package struct Sysctl: APIValue {
    package final class Fields: FieldSet {
        package let name = Total<String>("name", "Name, with dots or slashes.", .required)
        package let value = Total<String>("value", "Value.", .required)
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// Security settings for Windows; without effect on Linux.
package struct WindowsSecurityContextOptions: APIValue {
    package final class Fields: FieldSet {
        package let gmsaCredentialSpec = Key<String>("gmsaCredentialSpec", "Text of the GMSA credential specification.")
        package let gmsaCredentialSpecName = Key<String>(
            "gmsaCredentialSpecName", "Name of the GMSA credential specification.")
        package let hostProcess = Key<Bool>("hostProcess", "Run as a host process.")
        package let runAsUserName = Key<String>("runAsUserName", "User of the process.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}
