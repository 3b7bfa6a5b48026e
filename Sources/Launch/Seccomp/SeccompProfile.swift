/// Which system calls a process may make: rules by name over a default.
package struct SeccompProfile: Sendable, Hashable {
    package enum Action: Sendable, Hashable {
        case allow
        case fail(UInt16)
        case killProcess
        case killThread
        case trap
        case log
        /// A process outside decides, by the filter's listener.
        case notify
        case trace(UInt16)
    }

    package enum Comparison: UInt32, Sendable, Hashable {
        case notEqual = 1
        case less = 2
        case lessOrEqual = 3
        case equal = 4
        case greaterOrEqual = 5
        case greater = 6
        /// The argument and `value` give `second`.
        case maskedEqual = 7
    }

    /// A condition on one argument of a call, 0...5.
    package struct Condition: Sendable, Hashable {
        package var argument: UInt32
        package var comparison: Comparison
        package var value: UInt64
        package var second: UInt64

        package init(_ argument: UInt32, _ comparison: Comparison, _ value: UInt64, _ second: UInt64 = 0) {
            self.argument = argument
            self.comparison = comparison
            self.value = value
            self.second = second
        }
    }

    /// One action for some calls, where all conditions hold.
    package struct Rule: Sendable, Hashable {
        package var calls: [String]
        package var action: Action
        package var conditions: [Condition]

        package init(_ calls: [String], _ action: Action, when conditions: [Condition] = []) {
            self.calls = calls
            self.action = action
            self.conditions = conditions
        }
    }

    package var defaultAction: Action
    /// Architectures beside the machine's own, by libseccomp's names ("x86"); one the machine cannot run is left out.
    package var architectures: [String]
    package var rules: [Rule]
    /// Calls newer than any that the rules name fail with ENOSYS, so that programs fall back to older ones.
    package var answersUnknownCallsWithENOSYS: Bool

    package init(
        defaultAction: Action, architectures: [String] = [], rules: [Rule],
        answersUnknownCallsWithENOSYS: Bool = false
    ) {
        self.defaultAction = defaultAction
        self.architectures = architectures
        self.rules = rules
        self.answersUnknownCallsWithENOSYS = answersUnknownCallsWithENOSYS
    }
}
