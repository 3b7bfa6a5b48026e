import CRI

/// Which kernel parameters a pod may set: those that belong to its own namespaces. Any other would change the node.
enum SysctlDecision {
    private static let interprocess: Set<String> = [
        "kernel.shmmax", "kernel.shmall", "kernel.shmmni", "kernel.shm_rmid_forced", "kernel.msgmax", "kernel.msgmnb",
        "kernel.msgmni", "kernel.sem", "kernel.auto_msgmni",
    ]

    static func check(_ config: PodSandboxConfig) throws(CRIError) {
        for name in config.sysctls.keys.sorted() {
            let plain = String(name.map { $0 == "/" ? "." : $0 })
            guard let mode = namespace(of: plain, config) else {
                throw .invalid("sysctl \(name) belongs to the whole node: a pod cannot set it")
            }
            guard mode != .node else {
                throw .invalid("sysctl \(name) cannot be set by a pod that shares that namespace with the node")
            }
        }
    }

    private static func namespace(of name: String, _ config: PodSandboxConfig) -> NamespaceMode? {
        if name.contains("..") { return nil }
        if name.hasPrefix("net.") { return config.network }
        if interprocess.contains(name) || name.hasPrefix("fs.mqueue.") { return config.ipc }
        return nil
    }
}
