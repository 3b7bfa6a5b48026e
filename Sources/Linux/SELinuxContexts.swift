import Glibc

/// An SELinux label, `user:role:type` with a level where the policy has levels.
package struct SELinuxLabel: Sendable, Hashable, CustomStringConvertible {
    package var user: String
    package var role: String
    package var type: String
    /// Empty without.
    package var level: String

    package init(user: String, role: String, type: String, level: String = "") {
        (self.user, self.role, self.type, self.level) = (user, role, type, level)
    }

    /// Nil for what is none.
    package init?(_ text: Substring) {
        let parts = text.split(separator: ":", maxSplits: 3, omittingEmptySubsequences: false).map(String.init)
        guard parts.count >= 3, parts.allSatisfy({ !$0.isEmpty }) else { return nil }
        self.init(user: parts[0], role: parts[1], type: parts[2], level: parts.count > 3 ? parts[3] : "")
    }

    /// The same without categories: of files that several containers use.
    package static func shared(_ label: String) -> String {
        guard var shared = SELinuxLabel(label[...]) else { return label }
        shared.level = String(shared.level.prefix { $0 != ":" })
        return shared.description
    }

    package var description: String { "\(user):\(role):\(type)" + (level.isEmpty ? "" : ":" + level) }
}

/// The labels that a node's policy has for containers: the files that other runtimes read too.
package struct SELinuxContexts: Sendable, Hashable {
    /// Of a container's processes, and of its files.
    package var process: SELinuxLabel?
    package var file: SELinuxLabel?

    package init(process: SELinuxLabel? = nil, file: SELinuxLabel? = nil) {
        self.process = process
        self.file = file
    }

    private static let shared = "/usr/share/containers/selinux/contexts"
    private static let configuration = "/etc/selinux/config"

    /// Nil where the kernel runs without SELinux, or without a policy.
    package static func ofThisKernel() throws(KernelError) -> SELinuxContexts? {
        SELinux.isEnabled ? try inFiles(beneath: "") : nil
    }

    /// The first of the files that is there; nothing where none is.
    package static func inFiles(beneath root: String) throws(KernelError) -> SELinuxContexts {
        if let text = try text(root + shared) { return SELinuxContexts(text) }
        let policy = try text(root + configuration).flatMap { value(of: "SELINUXTYPE", in: $0) } ?? "targeted"
        return SELinuxContexts(try text("\(root)/etc/selinux/\(policy)/contexts/lxc_contexts") ?? "")
    }

    private static func text(_ path: String) throws(KernelError) -> String? {
        do throws(KernelError) { return try readText(path) } catch  where error.code == ENOENT { return nil }
    }

    /// Lines such as `process = "u:r:t:s0"`.
    package init(_ text: String) {
        process = Self.value(of: "process", in: text).flatMap { SELinuxLabel($0[...]) }
        file = Self.value(of: "file", in: text).flatMap { SELinuxLabel($0[...]) }
    }

    private static func value(of name: String, in text: String) -> String? {
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            let parts = line.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, parts[0].filter({ !$0.isWhitespace }) == name else { continue }
            return parts[1].filter { !$0.isWhitespace && $0 != "\"" }
        }
        return nil
    }
}
