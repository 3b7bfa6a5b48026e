/// One property of the launch path on the real kernel.
struct Check: Sendable {
    let name: String
    let body: @Sendable (TestPod) async throws -> Void

    init(_ name: String, _ body: @escaping @Sendable (TestPod) async throws -> Void) {
        self.name = name
        self.body = body
    }
}

/// A property that does not hold: what was expected and what was seen.
struct Unmet: Error, CustomStringConvertible {
    let description: String
}

func expect(_ holds: Bool, _ what: @autoclosure () -> String) throws {
    if !holds { throw Unmet(description: what()) }
}

/// The value of a line such as "Seccomp:\t2".
func field(_ name: String, in text: String) -> String? {
    for line in text.split(separator: "\n") where line.hasPrefix(name + ":") {
        return line.dropFirst(name.count + 1).split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }
    return nil
}
