import CRI
import Linux

/// Which kernel parameters a pod may set: those that belong to its own namespaces. Any other would change the node.
enum SysctlDecision {
    static func check(_ config: PodSandboxConfig) throws(CRIError) {
        for name in config.sysctls.keys.sorted() {
            guard let mode = mode(name, config) else {
                throw .invalid("sysctl \(name) belongs to the whole node: a pod cannot set it")
            }
            guard mode != .node else {
                throw .invalid("sysctl \(name) cannot be set by a pod that shares that namespace with the node")
            }
        }
    }

    /// With those that make a network of a pod's own as other runtimes make it: whoever runs in it may listen on any port and send echo requests.
    /// - Parameter groups: /proc/self/gid_map, empty on a kernel without user namespaces. A daemon that has not all groups, as in a container with users
    ///   of its own, cannot name them all.
    static func parameters(_ config: PodSandboxConfig, groups: String) -> [String: String] {
        guard config.network != .node else { return config.sysctls }
        var usual = ["net.ipv4.ip_unprivileged_port_start": "0"]
        // These are groups of the node, of which a pod with users of its own has few.
        let hasAll = groups.isEmpty || groups.split(whereSeparator: \.isWhitespace) == ["0", "0", "4294967295"]
        if config.users == nil, hasAll { usual["net.ipv4.ping_group_range"] = "0 2147483647" }
        let asked = Set(config.sysctls.keys.map(Sysctl.path))
        return config.sysctls.merging(usual.filter { !asked.contains(Sysctl.path($0.key)) }) { asked, _ in asked }
    }

    /// Nil for what is the node's, or no name at all.
    private static func mode(_ name: String, _ config: PodSandboxConfig) -> NamespaceMode? {
        guard let path = Sysctl.path(name) else { return nil }
        switch Sysctl.namespace(of: path) {
        case .network: return config.network
        case .ipc: return config.ipc
        default: return nil
        }
    }
}
