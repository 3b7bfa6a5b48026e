import APIMachinery

/// A label selector as the query of a list writes it: `app=web,tier in (a,b),!legacy`. Every requirement must hold.
struct LabelQuery: Sendable, Hashable {
    enum Requirement: Sendable, Hashable {
        case oneOf(String, Set<String>)
        /// Also holds where the label is absent.
        case noneOf(String, Set<String>)
        case exists(String)
        case absent(String)
        case greater(String, Int64)
        case less(String, Int64)

        func matches(_ labels: [String: String]) -> Bool {
            switch self {
            case .oneOf(let key, let values): labels[key].map(values.contains) ?? false
            case .noneOf(let key, let values): !(labels[key].map(values.contains) ?? false)
            case .exists(let key): labels[key] != nil
            case .absent(let key): labels[key] == nil
            case .greater(let key, let bound): labels[key].flatMap { Int64($0) }.map { $0 > bound } ?? false
            case .less(let key, let bound): labels[key].flatMap { Int64($0) }.map { $0 < bound } ?? false
            }
        }
    }

    var requirements: [Requirement] = []

    static let everything = LabelQuery(requirements: [])

    private init(requirements: [Requirement]) {
        self.requirements = requirements
    }

    /// Throws 400 where the text is no selector.
    init(_ text: String) throws(Status) {
        do throws(Problem) {
            for term in try Self.terms(text) { requirements.append(try Self.requirement(term)) }
        } catch {
            throw .badRequest("unable to parse requirement: \(error.text)")
        }
    }

    var isEverything: Bool { requirements.isEmpty }

    func matches(_ labels: [String: String]) -> Bool {
        requirements.allSatisfy { $0.matches(labels) }
    }

    private struct Problem: Error {
        let text: String
    }

    /// Splits at commas outside parentheses.
    private static func terms(_ text: String) throws(Problem) -> [Substring] {
        var terms: [Substring] = []
        var start = text.startIndex
        var depth = 0
        for index in text.indices {
            switch text[index] {
            case "(": depth += 1
            case ")": depth -= 1
            case "," where depth == 0:
                terms.append(text[start..<index])
                start = text.index(after: index)
            default: break
            }
            guard (0...1).contains(depth) else { throw Problem(text: "parentheses do not match in '\(text)'") }
        }
        guard depth == 0 else { throw Problem(text: "a parenthesis is not closed in '\(text)'") }
        terms.append(text[start...])
        let trimmed = terms.map(\.trimmed)
        return trimmed.count == 1 && trimmed[0].isEmpty ? [] : trimmed
    }

    private static func requirement(_ term: Substring) throws(Problem) -> Requirement {
        if term.first == "!" { return .absent(try key(term.dropFirst())) }
        if let open = term.firstIndex(of: "(") { return try set(term, open) }
        for (sign, isEqual) in [("!=", false), ("==", true), ("=", true)] {
            guard let range = term.firstRange(of: sign) else { continue }
            let key = try key(term[..<range.lowerBound])
            let values: Set = [try value(term[range.upperBound...])]
            return isEqual ? .oneOf(key, values) : .noneOf(key, values)
        }
        for sign in [">", "<"] {
            guard let range = term.firstRange(of: sign) else { continue }
            let key = try key(term[..<range.lowerBound])
            guard let bound = Int64(term[range.upperBound...].trimmed) else {
                throw Problem(text: "'\(term)' does not compare with a number")
            }
            return sign == ">" ? .greater(key, bound) : .less(key, bound)
        }
        return .exists(try key(term))
    }

    /// `key in (a, b)`, `key notin (a, b)`.
    private static func set(_ term: Substring, _ open: Substring.Index) throws(Problem) -> Requirement {
        let words = term[..<open].split(separator: " ")
        guard words.count == 2, term.last == ")" else {
            throw Problem(text: "found '\(term)', expected: in, notin, =, ==, !=, gt, lt")
        }
        let key = try key(words[0])
        var values: Set<String> = []
        for part in term[term.index(after: open)...].dropLast().split(separator: ",", omittingEmptySubsequences: false)
        {
            values.insert(try value(part))
        }
        switch words[1] {
        case "in": return .oneOf(key, values)
        case "notin": return .noneOf(key, values)
        default: throw Problem(text: "'\(words[1])' is neither in nor notin")
        }
    }

    private static func key(_ text: Substring) throws(Problem) -> String {
        let key = String(text.trimmed)
        if let problem = Rule.Format.qualifiedName.mismatch(key) { throw Problem(text: "key '\(key)' \(problem)") }
        return key
    }

    private static func value(_ text: Substring) throws(Problem) -> String {
        let value = String(text.trimmed)
        if let problem = Rule.Format.labelValue.mismatch(value) { throw Problem(text: "value '\(value)' \(problem)") }
        return value
    }
}
