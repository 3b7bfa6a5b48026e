import CRI

/// Where everything of the runtime lies. All paths are absolute; whatever is beneath them is ours and bears no other's name,
/// but for `deviceFiles`.
package struct RuntimePaths: Sendable, Hashable {
    /// Images and the writable layers of containers; survives a reboot.
    package let data: String
    /// Records, sockets and shared memory of what runs; worthless after a reboot.
    package let state: String
    /// Our subtree of the unified cgroup hierarchy.
    package let cgroupRoot: String
    /// The top of that hierarchy.
    package let cgroupMount: String
    /// Directories of the files that describe devices, the one that counts most last. Others' files.
    package let deviceFiles: [String]

    package init(
        data: String, state: String, cgroupRoot: String, cgroupMount: String = "/sys/fs/cgroup",
        deviceFiles: [String] = []
    ) {
        self.data = data
        self.state = state
        self.cgroupRoot = cgroupRoot
        self.cgroupMount = cgroupMount
        self.deviceFiles = deviceFiles
    }

    /// With our subtree of the cgroups elsewhere.
    func moved(to cgroupRoot: String) -> RuntimePaths {
        RuntimePaths(
            data: data, state: state, cgroupRoot: cgroupRoot, cgroupMount: cgroupMount, deviceFiles: deviceFiles)
    }

    var images: String { data + "/images" }
    var containers: String { data + "/containers" }
    /// The upper and work directories of a container's root.
    func writable(of container: String) -> String { containers + "/" + container }
    /// What its hooks are told of it.
    func bundle(of container: String) -> String { writable(of: container) + "/bundle" }

    var sandboxes: String { state + "/sandboxes" }
    /// Twenty digits of the identifier: the socket in it must fit into the 107 bytes of a socket's address.
    func sandbox(_ id: String) -> String { sandboxes + "/" + id.prefix(20) }
    func sandboxRecord(_ id: String) -> String { sandbox(id) + "/sandbox.json" }
    func containerRecords(of sandbox: String) -> String { self.sandbox(sandbox) + "/containers" }
    func containerRecord(_ id: String, in sandbox: String) -> String { containerRecords(of: sandbox) + "/\(id).json" }
    /// The filter that the container was made with, where its profile was a file.
    func seccomp(of container: String, in sandbox: String) -> String {
        containerRecords(of: sandbox) + "/\(container).seccomp"
    }
    /// Where the monitor's socket is made.
    func monitor(of sandbox: String) -> String { self.sandbox(sandbox) + "/monitor" }
    /// A file system in memory, with a bound: what containers share, and the files of theirs that they may write to.
    package func sharedMemory(of sandbox: String) -> String { self.sandbox(sandbox) + "/shm" }
    /// /dev/shm of its containers.
    func deviceMemory(of sandbox: SandboxRecord) -> String {
        sharedMemory(of: sandbox.id) + (sandbox.areFilesBounded ? "/shm" : "")
    }
    /// Where the pod's resolv.conf and the like are.
    func podFiles(of sandbox: SandboxRecord) -> String {
        sandbox.areFilesBounded ? sharedMemory(of: sandbox.id) + "/etc" : self.sandbox(sandbox.id)
    }

    /// Named as our cgroup is.
    package var profile: OwnProfile {
        OwnProfile(name: cgroupRoot.split(separator: "/").last.map(String.init) ?? "swiftlet")
    }

    /// The cgroup of all pods.
    package var podCgroups: String { cgroupRoot + "/pods" }
    /// The cgroup that pods of this class are directly under.
    func podCgroups(_ quality: CgroupClass) -> String {
        quality == .guaranteed ? podCgroups : podCgroups + "/" + quality.rawValue
    }
    /// A pod's under a cgroup that is not ours: it bears our name, so that nobody takes it for his own.
    func foreignCgroup(_ parent: String, sandbox: String) -> String {
        let top = cgroupMount + parent.split(separator: "/").map { "/\($0)" }.joined()
        return top + "/" + foreignPrefix + sandbox.prefix(12)
    }
    func isOurs(_ cgroup: String) -> Bool { cgroup.hasPrefix(cgroupRoot + "/") }
    /// What the names of our cgroups under others' begin with.
    var foreignPrefix: String { (cgroupRoot.split(separator: "/").last.map(String.init) ?? "swiftlet") + "-" }
    func isForeignCgroup(_ name: String) -> Bool {
        let rest = name.dropFirst(foreignPrefix.count)
        return name.hasPrefix(foreignPrefix) && rest.utf8.count == 12
            && rest.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
    }
    /// Where the daemon runs a container's hooks.
    func hookCgroup(of container: String, in sandbox: SandboxRecord) -> String {
        cgroup(of: container, in: sandbox) + "-hooks"
    }
    /// Where it runs those after the container's end.
    func endHookCgroup(of container: String) -> String { cgroupRoot + "/" + container.prefix(32) + "-hooks" }
    func cgroup(of container: String, in sandbox: SandboxRecord) -> String {
        sandbox.cgroup + "/" + container.prefix(32)
    }
}
