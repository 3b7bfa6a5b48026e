import CRI
import Linux
import OCI

/// What is mounted in a container, in order.
enum MountDecision {
    static func mounts(_ input: ContainerPlanInput) -> [Linux.Mount] {
        let asked =
            input.config.mounts.enumerated().map { mount($0.element, input.trees[$0.offset]) } + input.deviceMounts
        let taken = Set(asked.map(\.target))
        let standard = (standardMounts(input) + podFiles(input)).filter { !taken.contains($0.target) }
        return ordered(standard + asked + volumes(of: input.image, beside: standard + asked))
    }

    /// What lies in a mount is that mount's.
    private static func volumes(of image: ImageConfiguration, beside mounts: [Linux.Mount]) -> [Linux.Mount] {
        Set(image.volumes.map(normalised)).sorted().filter { path in
            path != "/" && !path.pathComponents.contains("..")
                && !mounts.contains { path == $0.target || path.hasPrefix($0.target + "/") }
        }.map { Linux.Mount(.own, at: $0) }
    }

    private static func standardMounts(_ input: ContainerPlanInput) -> [Linux.Mount] {
        Linux.Mount.standard.map { mount in
            var mount = mount
            if mount.target == "/dev/shm" {
                let source = input.sandbox.ipc == .node ? "/dev/shm" : input.paths.deviceMemory(of: input.sandbox)
                mount.source = .path(source)
                mount.flags.insert(.mapped)
            }
            if input.config.security.isPrivileged { mount.flags.subtract(.readOnly) }
            return mount
        }
    }

    /// The pod's own resolv.conf, hostname and hosts.
    private static func podFiles(_ input: ContainerPlanInput) -> [Linux.Mount] {
        let directory = input.paths.podFiles(of: input.sandbox)
        return PodFiles.names.map { name in
            Linux.Mount(.path(directory + "/" + name), at: "/etc/" + name, flags: .mapped)
        }
    }

    /// Parents before what lies beneath them; otherwise in the order given.
    private static func ordered(_ mounts: [Linux.Mount]) -> [Linux.Mount] {
        let keyed = mounts.enumerated().map { (depth($0.element.target), $0.offset, $0.element) }
        return keyed.sorted { ($0.0, $0.1) < ($1.0, $1.1) }.map(\.2)
    }

    private static func mount(_ mount: CRI.Mount, _ tree: SharedDescriptor?) -> Linux.Mount {
        if let memory = mount.memory {
            var flags: Linux.Mount.Flags = [.noSetUID, .noDevices]
            if !memory.isExecutable { flags.insert(.noExecute) }
            if mount.isReadOnly { flags.insert(.readOnly) }
            return Linux.Mount(.tmpfs(memory.options), at: normalised(mount.containerPath), flags: flags)
        }
        var flags: Linux.Mount.Flags = [.recursive]
        // An image's files are mapped already, beneath the overlay: it cannot be.
        if mount.users != nil && mount.image == nil { flags.insert(.mapped) }
        if mount.isMadeWhereMissing { flags.insert(.makesSource) }
        if mount.isReadOnly { flags.insert(.readOnly) }
        if mount.isRecursivelyReadOnly { flags.formUnion([.readOnly, .recursiveAttributes]) }
        let propagation: Linux.Mount.Propagation =
            switch mount.propagation {
            case .private: .private
            case .hostToContainer: .fromHost
            case .bidirectional: .bidirectional
            }
        return Linux.Mount(
            tree.map { .tree($0) } ?? .path(mount.hostPath), at: normalised(mount.containerPath), flags: flags,
            propagation: propagation)
    }

    private static func depth(_ path: String) -> Int {
        path.pathComponents.count
    }

    /// Absolute, without empty or `.` components. `..` stays: it is resolved inside the container's root when it is mounted, by the links that are there.
    private static func normalised(_ path: String) -> String {
        "/" + path.pathComponents.filter { $0 != "." }.joined(separator: "/")
    }
}
