/// A session that is asked for: a command, or the streams of the container's own process.
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

    package var isAttach: Bool { command.isEmpty }

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

/// How a command ended that was run to its end.
package struct ExecResult: Sendable, Hashable {
    package var standardOutput: [UInt8]
    package var standardError: [UInt8]
    /// 0...255; 128 + n where signal n ended it.
    package var exitCode: Int32

    package init(standardOutput: [UInt8], standardError: [UInt8], exitCode: Int32) {
        self.standardOutput = standardOutput
        self.standardError = standardError
        self.exitCode = exitCode
    }
}

/// In characters.
package struct TerminalSize: Sendable, Hashable {
    package var columns: UInt16
    package var rows: UInt16

    package init(columns: UInt16, rows: UInt16) {
        self.columns = columns
        self.rows = rows
    }
}
