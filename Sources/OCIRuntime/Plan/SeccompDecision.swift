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
    private static let permissionDenied: UInt32 = 1
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
        var rules: [SeccompProfile.Rule] = []
        for rule in section.rules {
            let conditions = rule.conditions.map(condition)
            let action = action(rule.action, rule.errnoCode)
            // The kernel's filter takes one condition on an argument a rule; several on the same one are alternatives.
            let arguments = Set(conditions.map { $0.argument })
            if arguments.count == conditions.count {
                rules.append(SeccompProfile.Rule(rule.names, action, when: conditions))
            } else {
                for one in conditions { rules.append(SeccompProfile.Rule(rule.names, action, when: [one])) }
            }
        }
        let refuses = section.defaultAction == "SCMP_ACT_ERRNO" && section.defaultErrnoCode == nil
        return SeccompProfile(
            defaultAction: action(section.defaultAction, section.defaultErrnoCode),
            architectures: try section.architectures.map(architecture), rules: rules,
            answersUnknownCallsWithENOSYS: refuses)
    }

    private static func action(_ name: String, _ code: UInt32?) -> SeccompProfile.Action {
        switch name {
        case "SCMP_ACT_ALLOW": .allow
        case "SCMP_ACT_ERRNO": .fail(UInt16(truncatingIfNeeded: code ?? permissionDenied))
        case "SCMP_ACT_KILL", "SCMP_ACT_KILL_THREAD": .killThread
        case "SCMP_ACT_TRAP": .trap
        case "SCMP_ACT_LOG": .log
        case "SCMP_ACT_NOTIFY": .notify
        case "SCMP_ACT_TRACE": .trace(UInt16(truncatingIfNeeded: code ?? permissionDenied))
        default: .killProcess
        }
    }

    private static func condition(_ condition: SeccompSpecification.Condition) -> SeccompProfile.Condition {
        let comparisons: [String: SeccompProfile.Comparison] = [
            "SCMP_CMP_NE": .notEqual, "SCMP_CMP_LT": .less, "SCMP_CMP_LE": .lessOrEqual, "SCMP_CMP_EQ": .equal,
            "SCMP_CMP_GE": .greaterOrEqual, "SCMP_CMP_GT": .greater, "SCMP_CMP_MASKED_EQ": .maskedEqual,
        ]
        return SeccompProfile.Condition(
            condition.index, comparisons[condition.operation] ?? .equal, condition.value, condition.second)
    }

    /// libseccomp's name.
    private static func architecture(_ name: String) throws(OCIRuntimeError) -> String {
        guard name.hasPrefix("SCMP_ARCH_") else {
            throw .unsupported(field: "linux.seccomp.architectures", cause: "\"\(name)\" is not known")
        }
        return name.dropFirst("SCMP_ARCH_".count).lowercased()
    }
}
