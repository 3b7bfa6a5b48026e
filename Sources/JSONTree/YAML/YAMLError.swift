/// Why some text is not YAML that JSON can hold, and where.
package struct YAMLError: Error, Sendable, Hashable, CustomStringConvertible {
    package let problem: String
    /// The first line is 1.
    package let line: Int

    package init(_ problem: String, line: Int) {
        self.problem = problem
        self.line = line
    }

    package var description: String {
        "invalid YAML at line \(line): \(problem)"
    }
}
