package struct ExecRequest: Sendable, Hashable {
    package var container: String
    /// Empty for an attach.
    package var command: [String]
    package var terminal: Bool
    package var standardInput: Bool
    package var standardOutput: Bool
    package var standardError: Bool
    /// Not in the CRI.
    package var difference = ExecDifference()

    package init(
        container: String, command: [String] = [], terminal: Bool = false, standardInput: Bool = false,
        standardOutput: Bool = true, standardError: Bool = true
    ) {
        self.container = container
        self.command = command
        self.terminal = terminal
        self.standardInput = standardInput
        self.standardOutput = standardOutput
        self.standardError = standardError
    }
}

/// What a command has otherwise than its container's own program.
package struct ExecDifference: Sendable, Hashable {
    /// As `ContainerSecurity.take(user:)` has it; empty: the same.
    package var user = ""
    package var workingDirectory = ""
    /// Beside the container's; later ones win.
    package var environment: [EnvironmentVariable] = []
    /// With all capabilities, and no profile.
    package var isPrivileged = false

    package init() {}
}

package struct ExecResult: Sendable, Hashable {
    package var standardOutput: [UInt8]
    package var standardError: [UInt8]
    package var exitCode: Int32

    package init(standardOutput: [UInt8], standardError: [UInt8], exitCode: Int32) {
        self.standardOutput = standardOutput
        self.standardError = standardError
        self.exitCode = exitCode
    }
}

package struct TerminalSize: Sendable, Hashable {
    package var columns: UInt16
    package var rows: UInt16

    package init(columns: UInt16, rows: UInt16) {
        self.columns = columns
        self.rows = rows
    }
}
