import CLaunch
import Glibc

/// An executable kept in sealed memory: nothing that it runs beside can change it, and replacing the file on disk
/// disturbs no running process.
package struct MonitorImage: Sendable {
    let file: SharedDescriptor

    /// Reads the executable at `path`.
    package init(path: String) throws(KernelError) {
        let source = try Descriptor.open(path, O_RDONLY)
        let copy = cs_memory_copy(source.raw, "swiftlet-podmonitor")
        guard copy >= 0 else { throw KernelError("copy into memory", path, -copy) }
        file = SharedDescriptor(Descriptor(owning: copy))
    }
}

/// A process and the descriptor that names it without doubt.
package struct SpawnedProcess: Sendable {
    package let processID: Int32
    package let handle: SharedDescriptor
}

/// How a pod's monitor is started: its namespaces, its cgroup, what it inherits.
package struct MonitorSpawn: Sendable {
    package var image: MonitorImage
    package var arguments: [String]
    /// As `NAME=value`.
    package var environment: [String] = []
    /// Handed over as descriptor 3.
    package var listener: SharedDescriptor
    /// Where its standard error goes; nil for nowhere.
    package var errorOutput: SharedDescriptor?
    /// An existing absolute directory of the unified hierarchy.
    package var cgroup: String
    package var newNetwork: Bool
    package var newIPC: Bool
    package var newUTS: Bool
    package var hostname: String?
    /// The pod's own user namespace, which then owns its other new ones; nil: the caller's.
    package var users: UserMaps?
    /// Names with dots or slashes.
    package var kernelParameters: [String: String]

    package init(image: MonitorImage, arguments: [String], listener: SharedDescriptor, cgroup: String) {
        self.image = image
        self.arguments = arguments
        self.listener = listener
        self.cgroup = cgroup
        newNetwork = true
        newIPC = true
        newUTS = true
        kernelParameters = [:]
    }

    /// Clones and executes; blocks the calling thread until the program runs. Never call it on the cooperative pool.
    package func run() throws(KernelError) -> SpawnedProcess {
        let group = try Descriptor.open(cgroup, O_RDONLY | O_DIRECTORY)
        let listening = try listener.duplicate()
        let executable = try image.file.duplicate()
        let errors = try errorOutput?.duplicate().release() ?? -1
        defer { if errors >= 0 { close(errors) } }
        let parameters = try checkedParameters()
        var pidfd: Int32 = -1
        var stage: UInt32 = 0
        var index: UInt32 = 0
        let maps = users.map { [$0.userMap, $0.groupMap] } ?? []
        let pid = withCStrings(arguments, environment) { argv, envp in
            withCStrings(parameters.map { $0.0 }, parameters.map { $0.1 }) { names, values in
                withCStrings(maps) { maps in
                    withOptionalCString(hostname) { hostname in
                        withUnsafePointer(to: listening.raw) { descriptors in
                            var order = cs_spawn()
                            order.executable = executable.raw
                            order.argv = argv
                            order.envp = envp
                            order.descriptors = descriptors
                            order.descriptor_count = 1
                            order.error_output = errors
                            order.cgroup = group.raw
                            order.namespaces = namespaces
                            order.uid_map = users == nil ? nil : UnsafePointer(maps[0])
                            order.gid_map = users == nil ? nil : UnsafePointer(maps[1])
                            order.first_user = users?.firstUser ?? 0
                            order.hostname = hostname
                            order.parameter_names = UnsafeRawPointer(names).assumingMemoryBound(
                                to: UnsafePointer<CChar>?.self)
                            order.parameter_values = UnsafeRawPointer(values).assumingMemoryBound(
                                to: UnsafePointer<CChar>?.self)
                            order.parameter_count = UInt32(parameters.count)
                            return cs_spawn(&order, &pidfd, &stage, &index)
                        }
                    }
                }
            }
        }
        guard pid > 0 else {
            let isParameter = Int(stage) == CL_STAGE_KERNEL_PARAMETER && Int(index) < parameters.count
            let object = isParameter ? parameters[Int(index)].0 : arguments.first ?? ""
            throw KernelError(LaunchStage(rawValue: stage).description, object + hint(stage, -pid), -pid)
        }
        return SpawnedProcess(processID: pid, handle: SharedDescriptor(Descriptor(owning: pidfd)))
    }

    private func hint(_ stage: UInt32, _ code: Int32) -> String {
        let isLimit = users != nil && Int(stage) == CL_STAGE_NAMESPACES && code == ENOSPC
        return isLimit ? " (raise the kernel parameter user.max_user_namespaces)" : ""
    }

    private var namespaces: UInt32 {
        (newNetwork ? UInt32(CS_NEW_NETWORK) : 0) | (newIPC ? UInt32(CS_NEW_IPC) : 0)
            | (newUTS ? UInt32(CS_NEW_UTS) : 0)
    }

    /// Paths beneath /proc/sys; EINVAL for a name that has none.
    private func checkedParameters() throws(KernelError) -> [(String, String)] {
        var pairs: [(String, String)] = []
        for (name, value) in kernelParameters.sorted(by: { $0.key < $1.key }) {
            guard let path = Sysctl.path(name) else { throw KernelError("set kernel parameter", name, EINVAL) }
            pairs.append((path, value))
        }
        return pairs
    }
}

private func withOptionalCString<Result>(_ text: String?, _ body: (UnsafePointer<CChar>?) -> Result) -> Result {
    guard let text else { return body(nil) }
    return text.withCString { body($0) }
}
