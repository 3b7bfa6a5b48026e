import KubernetesAPI

/// The kernel parameters that pods may set on this node: those that Kubernetes calls safe, and those that its operator allows besides. Pure.
package struct SysctlAllowlist: Sendable, Hashable {
    /// Of the pod's own namespaces, and without harm for other pods.
    private static let safe: Set<String> = [
        "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies",
        "net.ipv4.ping_group_range", "net.ipv4.ip_unprivileged_port_start", "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem",
    ]

    /// Names, or beginnings of names.
    private var names: Set<String> = []
    private var beginnings: [String] = []

    package init() {}

    /// - Parameter text: between commas, such as `kernel.msg*,net.core.somaxconn`.
    /// - Throws: what is wrong with it.
    package init(_ text: String) throws(SysctlAllowlistError) {
        for part in text.split(separator: ",") {
            let name = String(part.filter { $0 != " " })
            guard Self.namespace(of: name) != nil else { throw SysctlAllowlistError(name: name) }
            if name.hasSuffix("*") { beginnings.append(String(name.dropLast())) } else { names.insert(name) }
        }
    }

    /// Why a pod is not admitted, in upstream's words; nil where it is.
    func fault(of pod: PodSpec) -> String? {
        for sysctl in pod.securityContext.sysctls {
            let name = String(sysctl.name.map { $0 == "/" ? "." : $0 })
            guard allows(name) else { return "forbidden sysctl: \"\(name)\" not allowlisted" }
            switch Self.namespace(of: name) {
            case .network? where pod.hostNetwork:
                return "forbidden sysctl: \"\(name)\" not allowed with host net enabled"
            case .interprocess? where pod.hostIPC:
                return "forbidden sysctl: \"\(name)\" not allowed with host ipc enabled"
            default: continue
            }
        }
        return nil
    }

    private func allows(_ name: String) -> Bool {
        Self.safe.contains(name) || names.contains(name) || beginnings.contains { name.hasPrefix($0) }
    }

    private enum Namespace { case network, interprocess }

    /// Nil for what belongs to the node as a whole.
    private static func namespace(of name: String) -> Namespace? {
        if name.hasPrefix("net.") { return .network }
        let own = ["kernel.shm", "kernel.msg", "fs.mqueue."]
        return name == "kernel.sem" || own.contains { name.hasPrefix($0) } ? .interprocess : nil
    }
}

package struct SysctlAllowlistError: Error, Sendable, Hashable, CustomStringConvertible {
    let name: String

    package var description: String {
        "\"\(name)\" is no parameter of a pod's own namespaces; those begin with net., kernel.shm, kernel.msg or fs.mqueue., or are kernel.sem"
    }
}

extension PodTermination {
    /// Of a newcomer that would set what it may not; nil for any other.
    static func refusal(of pod: Pod, by sysctls: SysctlAllowlist) -> PodTermination? {
        guard pod.status.startTime == nil, let fault = sysctls.fault(of: pod.spec) else { return nil }
        return PodTermination(
            reason: "SysctlForbidden", message: "Pod was rejected: \(fault)", grace: .zero, disruption: nil,
            hasEvent: true, isRejection: true)
    }
}
