import CRI
import Glibc
import Linux

/// Pods with user namespaces of their own.
extension NodeRuntime {
    /// Refuses what a user namespace would be no use for, and what this kernel cannot do.
    func checkUsers(_ config: PodSandboxConfig) async throws(CRIError) {
        guard config.users != nil else { return }
        let pod = "pod \(config.metadata.namespace)/\(config.metadata.name)"
        guard config.network == .pod, config.ipc == .pod, config.pid != .node else {
            throw .invalid(
                "\(pod) has a user namespace of its own, so it cannot share the node's network, processes or ipc")
        }
        guard let obstacle = await obstacleToUsers() else { return }
        throw .unsupported(
            "\(pod) cannot have a user namespace of its own: \(obstacle). Linux 6.3 and ext4, xfs, btrfs or tmpfs can; "
                + "leave hostUsers out to run it with the node's users")
    }

    /// Nil where there is none. What holds for good is found out once; what may pass is tried again each time.
    func obstacleToUsers() async -> String? {
        let known = userObstacle.withLock { $0 }
        if let known, known.isLasting { return known.text }
        let places = [paths.data, paths.state, nil]
        let found = try? await threads.perform("try to map ids") { [self] () throws(CRIError) in
            UserObstacle(places.lazy.compactMap { self.kernel.obstacleToMapping(on: $0) }.first)
        }
        guard let found else { return "it could not be tried" }
        userObstacle.withLock { $0 = found }
        if let text = found.text, text != known?.text {
            logger.info("pods cannot have user namespaces", metadata: ["cause": "\(text)"])
        }
        return found.text
    }

    /// What is mapped must be so as in the pod: the kernel knows of no other map there.
    static func checkUsers(of config: ContainerConfig, in sandbox: SandboxRecord) throws(CRIError) {
        let object = "container \(config.metadata.name)"
        for mount in config.mounts {
            guard mount.users == nil || mount.users == sandbox.users else {
                throw .unsupported(
                    "\(object): mount \(mount.containerPath) has other mappings than the pod's user namespace")
            }
            guard sandbox.users == nil || mount.propagation != .bidirectional else {
                throw .invalid(
                    "\(object): mount \(mount.containerPath): what a pod in a user namespace mounts cannot show on the node; "
                        + "use another mountPropagation than Bidirectional")
            }
        }
    }
}

/// Whether anything stands in the way of pods with user namespaces.
struct UserObstacle: Sendable, Hashable {
    /// Nil where nothing does.
    let text: String?
    /// It will be the same at the next try: the kernel or the file system can, or cannot. All else is want of something at that moment.
    let isLasting: Bool

    init(_ error: KernelError?) {
        text = error?.description
        isLasting = error.map { [ENOSYS, EINVAL, EOPNOTSUPP].contains($0.code) } ?? true
    }
}

extension UserMaps {
    init(_ users: PodUsers) {
        self.init(
            firstUser: users.users.first, userCount: users.users.count, firstGroup: users.groups.first,
            groupCount: users.groups.count)
    }
}

extension PodUsers {
    /// The node's number of one of the pod's users.
    func host(_ user: UInt32) -> UInt32 {
        user < users.count ? users.first + user : users.first
    }
}
