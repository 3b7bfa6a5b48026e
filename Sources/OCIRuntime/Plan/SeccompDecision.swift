import Launch
import OCISpecification

/// A seccomp section ready to be loaded.
package struct CompiledSeccomp: Sendable {
    package var program: SeccompProgram
    /// SECCOMP_FILTER_FLAG_*.
    package var flags: UInt32
}

/// From a seccomp section to a profile of the compiler.
enum SeccompDecision {
    static let flagBits: [String: UInt32] = [
        // One thread needs no synchronisation.
        "SECCOMP_FILTER_FLAG_TSYNC": 0, "SECCOMP_FILTER_FLAG_LOG": 2, "SECCOMP_FILTER_FLAG_SPEC_ALLOW": 4,
        "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV": 32,
    ]
    private static let newListener: UInt32 = 8
    /// What the process calls between its filter and its program, and why nobody may be asked for it: there is no agent yet, or it could say that a
    /// right is given up which is not.
    private static let launching: [String: String] = {
        let handsOver = ["sendmsg", "write", "close"].map { ($0, "handing over the listener needs it") }
        let givesUp = ["prctl", "setgroups", "setresgid", "setresuid", "capset"].map { ($0, "it gives up rights") }
        return Dictionary(uniqueKeysWithValues: handsOver + givesUp)
    }()

    static func flags(_ section: SeccompSpecification) throws(OCIRuntimeError) -> UInt32 {
        var flags: UInt32 = 0
        for name in section.flags {
            guard let bit = flagBits[name] else {
                throw .unsupported(field: "linux.seccomp.flags", cause: "\"\(name)\" is not known")
            }
            flags |= bit
        }
        let notifies = section.rules.contains { $0.action == "SCMP_ACT_NOTIFY" }
        if !notifies { return flags & ~32 }
        for rule in section.rules where rule.action == "SCMP_ACT_NOTIFY" {
            guard let name = rule.names.first(where: { launching[$0] != nil }), let cause = launching[name] else {
                continue
            }
            throw .unsupported(
                field: "linux.seccomp.syscalls", cause: "\(name) cannot be SCMP_ACT_NOTIFY: \(cause)")
        }
        return flags | newListener
    }

    static func profile(_ section: SeccompSpecification) throws(OCIRuntimeError) -> SeccompProfile {
        if let name = section.architectures.first(where: { SeccompProfile.architecture($0) == nil }) {
            throw .unsupported(field: "linux.seccomp.architectures", cause: "\"\(name)\" is not known")
        }
        return SeccompProfile(section)
    }
}
