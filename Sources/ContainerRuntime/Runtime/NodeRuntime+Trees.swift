import CRI
import Glibc
import Linux

/// The directory trees that a container is made of.
extension NodeRuntime {
    /// As many as one overlay takes.
    func layers(of image: ImageRecord, as name: String, _ config: ContainerConfig) throws(CRIError) -> [String] {
        let layers = images.directories(of: image)
        guard layers.count <= LaunchPlan.layerLimit else {
            throw .unsupported(
                "container \(config.metadata.name): image \(name) has \(layers.count) layers, and at most \(LaunchPlan.layerLimit) can be mounted; "
                    + "build it anew with fewer (docker build --squash, buildah bud --squash)")
        }
        return layers
    }

    /// Resolves the paths within volumes, and makes those that are missing.
    static func subPaths(_ config: ContainerConfig) throws(CRIError) -> [Int: SharedDescriptor] {
        var found: [Int: SharedDescriptor] = [:]
        for (index, mount) in config.mounts.enumerated() where !mount.subPath.isEmpty && mount.image == nil {
            let purpose = "container \(config.metadata.name): path \(mount.subPath) of a volume"
            found[index] = try attempt(purpose) { () throws(KernelError) in
                try DetachedMount.within(mount.hostPath, path: mount.subPath).shared()
            }
        }
        return found
    }

    /// The upper directory's mode and owner are those of the container's root. One that goes on with another's has a work directory of its own: overlayfs takes none
    /// that was mounted without being synced.
    func makeWritableLayer(of container: ContainerRecord, owner: PodUsers?) throws(KernelError) {
        let directory = paths.writable(of: container.id)
        guard mkdir(directory, 0o700) == 0, mkdir(directory + "/work", 0o700) == 0 else {
            throw KernelError("mkdir", directory)
        }
        guard container.layer == container.id else { return }
        guard mkdir(directory + "/upper", 0o755) == 0, chmod(directory + "/upper", 0o755) == 0 else {
            throw KernelError("mkdir", directory)
        }
        if let owner { try kernel.give(directory + "/upper", user: owner.users.first, group: owner.groups.first) }
    }

    /// Where the hooks of a container find what they look up of it, and its root.
    func makeBundle(_ bundle: HookBundle, _ plan: ContainerPlan) throws(KernelError) {
        for directory in [bundle.directory, bundle.root] {
            guard mkdir(directory, 0o700) == 0 else { throw KernelError("mkdir", directory) }
        }
        let path = bundle.directory + "/config.json"
        let file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
        try WholeFile.write(plan.hookConfiguration.encoded(), to: file, path: path)
    }

    /// The images that are mounted as volumes, by the mount's place in the configuration. Each is mounted beneath the container's directory until its tree, or the path in
    /// it that is asked for, is taken.
    /// - Parameters:
    ///   - users: those of the pod, which own the image's files in it; nil: the node's.
    ///   - label: SELinux's, of the container's files.
    func imageVolumes(
        _ id: String, _ config: ContainerConfig, _ volumes: [Int: ImageRecord], users: PodUsers?, label: String?
    ) throws(CRIError) -> [Int: SharedDescriptor] {
        var trees: [Int: SharedDescriptor] = [:]
        for (index, image) in volumes.sorted(by: { $0.key < $1.key }) {
            let mount = config.mounts[index]
            let layers = try layers(of: image, as: mount.image ?? "", config)
            let place = paths.writable(of: id) + "/volume"
            let purpose =
                "container \(config.metadata.name): \(mount.subPath.isEmpty ? "" : "path \(mount.subPath) of ")image \(mount.image ?? "")"
            trees[index] = try attempt(purpose) { () throws(KernelError) in
                guard mkdir(place, 0o755) == 0 || errno == EEXIST else { throw KernelError("mkdir", place) }
                try HostMount.overlay(layers, at: place, users: users.map { UserMaps($0) }, label: label)
                defer { try? HostMount.detach(FilePath(place)) }
                if mount.subPath.isEmpty { return try DetachedMount(of: place).shared() }
                return try DetachedMount(of: mount.subPath, beneath: place).shared()
            }
        }
        return trees
    }

    /// The monitor's writer opens the log in its own time. Readers expect it from the moment that the container is there. Where it cannot be made, the writer tries again, and
    /// the container runs.
    func makeLogFile(_ path: String) throws(KernelError) {
        guard let parent = path.parentPath else { return }
        try WholeFile.makeDirectories(parent)
        let file = Glibc.open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o640)
        if file >= 0 { Glibc.close(file) }
    }

    /// Of a container that came to nothing: kubelets count restarts by the logs that they find.
    func removeEmptyLog(_ path: String) {
        var status = stat()
        if lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG && status.st_size == 0 { unlink(path) }
    }
}
