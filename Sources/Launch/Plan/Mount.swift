/// One mount of a container. The target is resolved inside the container's root and made where it does not exist.
package struct Mount: Sendable {
    package enum Source: Sendable {
        /// A file or directory of the host by absolute path: a bind mount. Only for paths no container can influence.
        case path(String)
        /// A detached mount made by `DetachedMount`: for sources that were resolved safely (subPath).
        case tree(SharedDescriptor)
        /// A new tmpfs with these options, such as ["size": "64m", "mode": "1777"].
        case tmpfs([String: String])
        case proc
        case sysfs
        case cgroup
        case messageQueues
        /// /dev: a tmpfs with the default nodes, links, pts; the plan's devices are made in it.
        case devices
        /// A directory of the container's own root, which stays writable where the root is read-only.
        case own
    }

    package struct Flags: OptionSet, Sendable {
        package let rawValue: UInt32
        package init(rawValue: UInt32) { self.rawValue = rawValue }
        package static let readOnly = Flags(rawValue: 1)
        package static let noSetUID = Flags(rawValue: 2)
        package static let noDevices = Flags(rawValue: 4)
        package static let noExecute = Flags(rawValue: 8)
        /// Bind with all mounts beneath.
        package static let recursive = Flags(rawValue: 16)
        /// The attributes hold for all mounts beneath too.
        package static let recursiveAttributes = Flags(rawValue: 32)
        /// In a pod with a user namespace of its own: the ids that files have on disk are those in the pod.
        package static let mapped = Flags(rawValue: 64)
        /// A source that is missing becomes a directory of the host.
        package static let makesSource = Flags(rawValue: 128)
    }

    /// Whether mounts made later on one side show on the other.
    package enum Propagation: UInt32, Sendable {
        case `private` = 0
        case fromHost = 1
        case bidirectional = 2
    }

    package var source: Source
    /// Absolute path inside the container.
    package var target: String
    package var flags: Flags
    package var propagation: Propagation

    package init(
        _ source: Source, at target: String, flags: Flags = [], propagation: Propagation = .private
    ) {
        self.source = source
        self.target = target
        self.flags = flags
        self.propagation = propagation
    }

    /// /proc, /dev with shm and mqueue, /sys read-only with the cgroup tree. A later mount at /dev/shm replaces the
    /// private one, for a pod's shared memory.
    package static let standard: [Mount] = [
        Mount(.proc, at: "/proc", flags: [.noSetUID, .noDevices, .noExecute]),
        Mount(.devices, at: "/dev", flags: [.noSetUID]),
        Mount(
            .tmpfs(["mode": "1777", "size": "65536k"]), at: "/dev/shm", flags: [.noSetUID, .noDevices, .noExecute]),
        Mount(.messageQueues, at: "/dev/mqueue", flags: [.noSetUID, .noDevices, .noExecute]),
        Mount(.sysfs, at: "/sys", flags: [.readOnly, .noSetUID, .noDevices, .noExecute]),
        Mount(.cgroup, at: "/sys/fs/cgroup", flags: [.readOnly, .noSetUID, .noDevices, .noExecute]),
    ]
}
