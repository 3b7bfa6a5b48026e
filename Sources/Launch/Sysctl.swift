/// Kernel parameters by their names.
package enum Sysctl {
    private static let ipc = [
        "kernel/msgmax", "kernel/msgmnb", "kernel/msgmni", "kernel/sem", "kernel/shmall", "kernel/shmmax",
        "kernel/shmmni", "kernel/shm_rmid_forced", "kernel/msg_next_id", "kernel/sem_next_id", "kernel/shm_next_id",
        "kernel/auto_msgmni",
    ]

    /// The path beneath /proc/sys; nil where the name leads nowhere, or out of there. With slashes a dot is a dot, as in
    /// net/ipv4/conf/eth0.1/forwarding.
    package static func path(_ name: String) -> String? {
        let path = name.utf8.contains(UInt8(ascii: "/")) ? name : String(name.map { $0 == "." ? "/" : $0 })
        let parts = path.allPathComponents
        return parts.contains("..") || parts.contains("") || parts.contains(".") ? nil : path
    }

    /// The kind of namespace that the parameter at a path belongs to; nil for the host's.
    package static func namespace(of path: String) -> NamespaceKind? {
        if path.hasPrefix("net/") { return .network }
        if ipc.contains(path) || path.hasPrefix("fs/mqueue/") { return .ipc }
        if path == "kernel/domainname" || path == "kernel/hostname" { return .uts }
        if path.hasPrefix("user/max_") { return .user }
        return nil
    }
}
