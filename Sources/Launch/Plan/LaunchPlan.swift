import Glibc

/// One container's first process and all that surrounds it: what the child does between clone and execve.
///
/// Everything is decided by the caller: names are resolved to numbers, defaults are filled in, paths of the host
/// are absolute. The order of `mounts` is the order in which they are made.
package struct LaunchPlan: Sendable {
    package var process: ProcessPlan
    package var root: RootFilesystem
    /// Mounts besides the root; `Mount.standard` gives /proc, /dev, /sys and the like.
    package var mounts: [Mount]
    /// Device nodes made in /dev beside the default ones.
    package var devices: [DeviceNode]
    /// What the device program lets the container open; nil means no program (a privileged container).
    package var deviceRules: [DeviceRule]?
    /// SELinux's, of the file systems that are made, the root's among them.
    package var mountLabel: String?
    /// Whether the message queues get that label: those of the host keep theirs.
    package var hasOwnQueues = false
    /// Paths hidden behind an empty file or directory. A path that does not exist is passed over.
    package var maskedPaths: [String]
    /// Paths remounted read-only, with all beneath. A path that does not exist is passed over.
    package var readOnlyPaths: [String]
    /// Whether the container gets a pid namespace of its own, the pod's, or the host's.
    package var processNamespace: ProcessNamespace
    /// The container's cgroup, an existing absolute directory of the unified hierarchy.
    package var cgroup: String
    /// Written to oom_score_adj, -1000...1000. Where the node lacks the right, a warning comes back, not an error.
    package var oomScoreAdjustment: Int32?
    /// Not in a pod with users of its own, nor where processes are in common with other containers.
    package var hooks: [LaunchHook] = []
    /// Whether there are more, of somebody else's, to be run once its mounts are made: it then waits there until it is told to proceed.
    package var awaitsHooks = false
    /// For `hooks`.
    package var bundle: HookBundle?
    /// Milliseconds from the call that creates or starts the container to the end of the hooks that it runs; nil: each has its own time alone.
    package var hookPatience: UInt32?

    package init(process: ProcessPlan, root: RootFilesystem, cgroup: String) {
        self.process = process
        self.root = root
        self.cgroup = cgroup
        mounts = Mount.standard
        devices = []
        deviceRules = DeviceRule.standard
        maskedPaths = LaunchPlan.defaultMaskedPaths
        readOnlyPaths = LaunchPlan.defaultReadOnlyPaths
        processNamespace = .own
        oomScoreAdjustment = nil
    }

    /// What kubelets and moby mask: what tells of the host's keys, devices and load.
    package static let defaultMaskedPaths =
        [
            "/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
            "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware",
            "/sys/devices/virtual/powercap",
        ] + throttleCounters
    /// For each processor that counts how often it was throttled.
    private static var throttleCounters: [String] {
        (0..<sysconf(Int32(_SC_NPROCESSORS_CONF))).map { "/sys/devices/system/cpu/cpu\($0)/thermal_throttle" }
            .filter { access($0, F_OK) == 0 }
    }
    package static let defaultReadOnlyPaths = [
        "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
    ]
}

/// Which processes a container sees.
package enum ProcessNamespace: Sendable, Equatable {
    /// Its own and no others.
    case own
    /// Those of all the pod's containers that say the same (`shareProcessNamespace`); number 1 is the monitor's.
    case pod
    /// Those of the host (`hostPID`).
    case host
}

/// Where the container's root directory comes from.
package enum RootFilesystem: Sendable, Equatable {
    /// An overlay: `lower` lists the layers' directories, topmost first; `upper` and `work` take the writes and lie on
    /// one filesystem. Without them the root is read-only. At most `LaunchPlan.layerLimit` layers.
    case overlay(lower: [String], upper: String?, work: String?, readOnly: Bool = false)
    /// An existing directory.
    case directory(String, readOnly: Bool = false)
}

/// A device node in the container's /dev.
package struct DeviceNode: Sendable, Equatable {
    package enum Kind: Sendable, Equatable { case character, block, pipe }
    /// Absolute path inside the container.
    package var path: String
    package var kind: Kind
    package var major: UInt32
    package var minor: UInt32
    /// Permission bits.
    package var mode: UInt32
    package var userID: UInt32
    package var groupID: UInt32

    package init(
        path: String, kind: Kind, major: UInt32, minor: UInt32, mode: UInt32 = 0o666, userID: UInt32 = 0,
        groupID: UInt32 = 0
    ) {
        self.path = path
        self.kind = kind
        self.major = major
        self.minor = minor
        self.mode = mode
        self.userID = userID
        self.groupID = groupID
    }
}

/// One line of the device program: what it names may be used, or not; what none names is refused.
package struct DeviceRule: Sendable, Equatable {
    package enum Kind: UInt32, Sendable {
        case any = 0
        case block = 1
        case character = 2
    }
    package struct Access: OptionSet, Sendable {
        package let rawValue: UInt32
        package init(rawValue: UInt32) { self.rawValue = rawValue }
        package static let makeNode = Access(rawValue: 1)
        package static let read = Access(rawValue: 2)
        package static let write = Access(rawValue: 4)
        package static let all: Access = [.makeNode, .read, .write]
    }
    package var kind: Kind
    /// nil stands for every number.
    package var major: UInt32?
    package var minor: UInt32?
    package var access: Access
    /// Of several rules that match, the last one holds.
    package var allows = true

    package init(_ kind: Kind, _ major: UInt32?, _ minor: UInt32?, _ access: Access) {
        self.kind = kind
        self.major = major
        self.minor = minor
        self.access = access
    }

    /// The devices every container has, and making (not opening) any node.
    package static let standard: [DeviceRule] = [
        DeviceRule(.character, nil, nil, .makeNode), DeviceRule(.block, nil, nil, .makeNode),
        DeviceRule(.character, 1, 3, .all), DeviceRule(.character, 1, 5, .all), DeviceRule(.character, 1, 7, .all),
        DeviceRule(.character, 1, 8, .all), DeviceRule(.character, 1, 9, .all), DeviceRule(.character, 5, 0, .all),
        DeviceRule(.character, 5, 1, .all), DeviceRule(.character, 5, 2, .all), DeviceRule(.character, 136, nil, .all),
    ]
}
