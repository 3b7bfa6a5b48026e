import CRI
import Linux

/// Which SELinux labels a container's processes and its files have.
struct SELinuxDecision: Sendable, Hashable {
    /// Nil runs as this kernel lets everything run.
    private(set) var process: String?
    /// Of what is mounted for it alone, its root among that; nil: what the kernel gives it.
    private(set) var files: String?
    private(set) var warnings: [String] = []

    /// Of a node that is to give every pod a label.
    static let noStandardLabel =
        "enable-selinux gives every pod a label, and this node's policy has none for containers; install them (container-selinux), or leave it out"

    /// A privileged container has none, nor has one that is not to have any. One without a level has that of its sandbox, which gets two categories of its own where it says none either: it is kept
    /// apart from other pods then. Two pods may come by the same ones.
    /// - Parameters:
    ///   - standard: what counts where neither asks for any; nil: no label.
    ///   - contexts: nil where the kernel runs without SELinux, or nothing is asked for.
    init(
        _ security: ContainerSecurity, sandbox: SandboxRecord, standard: SELinuxOptions? = nil,
        contexts: SELinuxContexts?, object: String
    ) throws(CRIError) {
        let own = security.selinux ?? sandbox.selinux
        guard let contexts, !security.isPrivileged, !security.isUnlabelled, let asked = own ?? standard else { return }
        if own == nil && contexts.process == nil { throw .failed("\(object): \(Self.noStandardLabel)") }
        let policy = contexts.process
        let askedLevel = [asked.level, sandbox.selinux?.level ?? ""].first { !$0.isEmpty }
        if let askedLevel { try Self.check(level: askedLevel, object) }
        let level = askedLevel ?? Self.level(policy?.level ?? "", of: sandbox.id)
        func part(_ name: String, _ value: String, _ standard: String?) throws(CRIError) -> String {
            if !value.isEmpty { try Self.check(name, value, object) }
            if let found = value.isEmpty ? standard : value { return found }
            throw .failed(
                "\(object): its SELinux options have no \(name), and this node's policy has no label for containers; name user, role and type"
            )
        }
        let label = SELinuxLabel(
            user: try part("user", asked.user, policy?.user), role: try part("role", asked.role, policy?.role),
            type: try part("type", asked.type, policy?.type), level: level)
        process = label.description
        guard var file = contexts.file else {
            warnings = ["\(object): its files have no SELinux label of its own: this node's policy has none for them"]
            return
        }
        (file.user, file.level) = (asked.user.isEmpty ? file.user : asked.user, level)
        files = file.description
    }

    /// What is asked for becomes part of the options of mounts.
    private static func check(_ name: String, _ value: String, _ object: String) throws(CRIError) {
        let isWord = value.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"): true
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "-"): true
            default: false
            }
        }
        guard isWord else {
            throw .invalid("\(object): SELinux \(name) \"\(value)\": there are letters, digits, \"_\", \".\" and \"-\"")
        }
    }

    /// The form that containerd takes.
    private static func check(level: String, _ object: String) throws(CRIError) {
        let form = /s[0-9](-s[0-9])?(:c[0-9]{1,4}(\.c[0-9]{1,4})?(,c[0-9]{1,4}(\.c[0-9]{1,4})?)*)?/
        guard level.wholeMatch(of: form) != nil else {
            throw .invalid("\(object): SELinux level \"\(level)\": write s0, s0:c1,c2, s0:c0.c9 or s0-s1:c1")
        }
    }

    /// With two of the categories c0 to c1023, the same ones as long as there is the sandbox. As it is where the policy has no levels, or this one has categories.
    private static func level(_ standard: String, of sandbox: String) -> String {
        if standard.isEmpty || standard.contains(":") { return standard }
        // FNV-1a.
        let hash = sandbox.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        let first = hash % 1_024
        let other = (first + 1 + hash / 1_024 % 1_023) % 1_024
        return "\(standard):c\(min(first, other)),c\(max(first, other))"
    }
}
