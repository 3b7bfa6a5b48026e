import CLaunch

/// A container as the runtime specification describes it: namespaces named one by one, any filesystem, devices anywhere. Unlike a pod's
/// container it outlives the process that launches it, and may wait at a gate for its start.
///
/// Everything is decided by the caller; the order of `mounts` is the order in which they are made.
package struct BundlePlan: Sendable {
    /// One namespace: new, or joined by its file. Those not named are the caller's.
    package struct Namespace: Sendable, Equatable {
        package var kind: NamespaceKind
        package var path: String?

        package init(kind: NamespaceKind, path: String?) {
            self.kind = kind
            self.path = path
        }
    }

    package var process: ProcessPlan
    /// Absolute, on the host.
    package var root: String
    package var rootIsReadOnly = false
    /// MS_* of the finished root, 0: private.
    package var rootPropagation: UInt32 = 0
    package var namespaces: [Namespace] = []
    /// The lines of uid_map and gid_map, for a new user namespace.
    package var userMap = ""
    package var groupMap = ""
    package var mounts: [BundleMount] = []
    package var devices: [DeviceNode] = []
    /// Whether /dev gets its usual links.
    package var hasDeviceLinks = true
    /// nil: no program.
    package var deviceRules: [DeviceRule]?
    package var maskedPaths: [String] = []
    /// SELinux's, of the file systems that are made.
    package var mountLabel: String?
    package var readOnlyPaths: [String] = []
    package var hostname: String?
    package var domainName: String?
    /// Names with slashes, beneath /proc/sys.
    package var kernelParameters: [(name: String, value: String)] = []
    /// For /proc/self/timens_offsets.
    package var timeOffsets: String?
    /// Whether it is made without rights in the initial user namespace.
    package var isUnprivileged = false
    /// Whether the caller runs hooks before the container leaves the host's root.
    package var awaitsHooks = false
    /// Those of `startContainer`, which the process runs in the place of its program; they need `bundle`.
    package var startHooks: [LaunchHook] = []
    package var bundle: HookBundle?

    package init(process: ProcessPlan, root: String) {
        self.process = process
        self.root = root
    }

    package func namespace(_ kind: NamespaceKind) -> Namespace? { namespaces.first { $0.kind == kind } }
    package func isNew(_ kind: NamespaceKind) -> Bool { namespace(kind).map { $0.path == nil } ?? false }
}

/// One mount of a bundle.
package struct BundleMount: Sendable, Equatable {
    package enum Source: Sendable, Equatable {
        /// What the host has at a path, with all beneath where `recursive`.
        case bind(String, recursive: Bool)
        /// A new filesystem of this type.
        case filesystem(type: String, source: String)
        /// What is mounted at the target already gets other attributes.
        case change
    }

    package var source: Source
    /// Absolute in the container.
    package var target: String
    /// Where the configuration has it.
    package var field = "mounts"
    /// MOUNT_ATTR_* of the mount alone, and of it with all beneath.
    package var set: UInt64 = 0
    package var clear: UInt64 = 0
    package var setBeneath: UInt64 = 0
    package var clearBeneath: UInt64 = 0
    /// MS_* without MS_REC, and whether it holds for all beneath.
    package var propagation: UInt32 = 0
    package var spreadsBeneath = false
    /// The filesystem's own, `key=value` or `key`.
    package var options: [String] = []
    /// A tmpfs starts with what the target holds.
    package var copiesUp = false
    package var targetHasNoLinks = false
    package var isOptional = false
    /// Lines of maps for an idmapped mount; empty: none.
    package var userMap = ""
    package var groupMap = ""
    package var mapsBeneath = false

    package init(_ source: Source, at target: String) {
        self.source = source
        self.target = target
    }
}
