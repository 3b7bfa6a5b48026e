import CRI
import Linux

/// Which SELinux labels a container's processes and its files have.
struct SELinuxDecision: Sendable, Hashable {
    /// Nil runs as this kernel lets everything run.
    private(set) var process: String?
    /// Of what is mounted for it alone, its root among that; nil: what the kernel gives it.
    private(set) var files: String?
    private(set) var warnings: [String] = []

    /// A privileged container has none. One without a level has that of its sandbox.
    /// - Parameter contexts: nil where the kernel runs without SELinux, or nothing is asked for.
    init(
        _ security: ContainerSecurity, sandbox: SELinuxOptions?, contexts: SELinuxContexts?, object: String
    ) throws(CRIError) {
        guard let contexts, !security.isPrivileged, let asked = security.selinux ?? sandbox else { return }
        let own = contexts.process
        let level = [asked.level, sandbox?.level ?? "", own?.level ?? ""].first { !$0.isEmpty } ?? ""
        func part(_ name: String, _ value: String, _ standard: String?) throws(CRIError) -> String {
            if let found = value.isEmpty ? standard : value { return found }
            throw .failed(
                "\(object): its SELinux options have no \(name), and this node's policy has no label for containers; name user, role and type"
            )
        }
        let label = SELinuxLabel(
            user: try part("user", asked.user, own?.user), role: try part("role", asked.role, own?.role),
            type: try part("type", asked.type, own?.type), level: level)
        process = label.description
        guard var file = contexts.file else {
            warnings = ["\(object): its files have no SELinux label of its own: this node's policy has none for them"]
            return
        }
        (file.user, file.level) = (asked.user.isEmpty ? file.user : asked.user, level)
        files = file.description
    }
}
