import OCISpecification

extension SeccompProfile {
    private static let permissionDenied: UInt32 = 1

    /// A section of the runtime specification. Architectures that are not known are left out.
    package init(_ section: SeccompSpecification) {
        let refuses = section.defaultAction == "SCMP_ACT_ERRNO" && section.defaultErrnoCode == nil
        self.init(
            defaultAction: Self.action(section.defaultAction, section.defaultErrnoCode),
            architectures: section.architectures.compactMap(Self.architecture), rules: [],
            answersUnknownCallsWithENOSYS: refuses)
        for rule in section.rules {
            let conditions = rule.conditions.map(Self.condition)
            let action = Self.action(rule.action, rule.errnoCode)
            // The kernel's filter takes one condition on an argument a rule; several on the same one are alternatives.
            let arguments = Set(conditions.map { $0.argument })
            if arguments.count == conditions.count {
                rules.append(Rule(rule.names, action, when: conditions))
            } else {
                for one in conditions { rules.append(Rule(rule.names, action, when: [one])) }
            }
        }
    }

    /// libseccomp's name of what the specification calls `SCMP_ARCH_X86`; nil where it is none.
    package static func architecture(_ name: String) -> String? {
        name.hasPrefix("SCMP_ARCH_") ? name.dropFirst("SCMP_ARCH_".count).lowercased() : nil
    }

    private static func action(_ name: String, _ code: UInt32?) -> Action {
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

    private static func condition(_ condition: SeccompSpecification.Condition) -> Condition {
        let comparisons: [String: Comparison] = [
            "SCMP_CMP_NE": .notEqual, "SCMP_CMP_LT": .less, "SCMP_CMP_LE": .lessOrEqual, "SCMP_CMP_EQ": .equal,
            "SCMP_CMP_GE": .greaterOrEqual, "SCMP_CMP_GT": .greater, "SCMP_CMP_MASKED_EQ": .maskedEqual,
        ]
        return Condition(condition.index, comparisons[condition.operation] ?? .equal, condition.value, condition.second)
    }
}
