package struct ExecRequest: Sendable, Hashable {
    package var container: String
    /// Empty for an attach.
    package var command: [String]
    package var terminal: Bool
    package var standardInput: Bool
    package var standardOutput: Bool
    package var standardError: Bool

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
