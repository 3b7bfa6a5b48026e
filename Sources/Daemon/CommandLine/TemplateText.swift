/// The text of a template, and the actions in it between `{{` and `}}`.
enum TemplateText {
    enum Part: Sendable, Hashable {
        case text(String)
        case action(String)
    }

    /// With what `\t` and `\n` stand for.
    static func unescaped(_ text: String) -> String {
        text.replacing("\\t", with: "\t").replacing("\\n", with: "\n")
    }

    /// Nil where there is no action, or one has no end.
    static func parts(_ text: some StringProtocol) -> [Part]? {
        var (parts, rest) = ([Part](), Substring(text))
        while let start = rest.firstRange(of: "{{") {
            guard let end = rest[start.upperBound...].firstRange(of: "}}") else { return nil }
            if start.lowerBound > rest.startIndex { parts.append(.text(String(rest[..<start.lowerBound]))) }
            parts.append(.action(String(rest[start.upperBound..<end.lowerBound])))
            rest = rest[end.upperBound...]
        }
        guard !parts.isEmpty else { return nil }
        return rest.isEmpty ? parts : parts + [.text(String(rest))]
    }
}
