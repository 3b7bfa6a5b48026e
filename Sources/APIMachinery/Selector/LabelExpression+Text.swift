extension LabelExpression: CustomStringConvertible {
    /// Reads `app=web,tier in (a,b),!old,env!=test,n>3`.
    package init(parsing text: String) throws(SelectorError) {
        var parser = LabelExpressionParser(text)
        requirements = try parser.requirements()
    }

    /// The text that reads back as this.
    package var description: String {
        requirements.map(\.description).joined(separator: ",")
    }
}

extension LabelExpression.Requirement: CustomStringConvertible {
    package var description: String {
        switch relation {
        case .isIn(let values):
            values.count == 1 ? "\(key)=\(values[0])" : "\(key) in (\(values.joined(separator: ",")))"
        case .isNotIn(let values):
            values.count == 1 ? "\(key)!=\(values[0])" : "\(key) notin (\(values.joined(separator: ",")))"
        case .exists: key
        case .doesNotExist: "!\(key)"
        case .isGreater(let bound): "\(key)>\(bound)"
        case .isLess(let bound): "\(key)<\(bound)"
        }
    }
}

/// Splits a selector into words and signs, and reads requirements from them. Linear, without recursion.
private struct LabelExpressionParser {
    private enum Token: Hashable {
        case word(String)
        case sign(String)
        case end

        var shown: String {
            switch self {
            case .word(let text), .sign(let text): "'\(text)'"
            case .end: "the end"
            }
        }
    }

    private var tokens: [Token] = []
    private var position = 0

    init(_ text: String) {
        let signs = Array("=!<>(),".utf8)
        var word: [UInt8] = []
        let bytes = Array(text.utf8)
        func flush(_ word: inout [UInt8], into tokens: inout [Token]) {
            if !word.isEmpty { tokens.append(.word(String(decoding: word, as: UTF8.self))) }
            word = []
        }
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            let next = index + 1 < bytes.count ? bytes[index + 1] : 0
            index += 1
            if signs.contains(byte) {
                flush(&word, into: &tokens)
                let isPair = next == UInt8(ascii: "=") && (byte == UInt8(ascii: "=") || byte == UInt8(ascii: "!"))
                tokens.append(.sign(String(decoding: isPair ? [byte, next] : [byte], as: UTF8.self)))
                if isPair { index += 1 }
            } else if byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == 0x0d {
                flush(&word, into: &tokens)
            } else {
                word.append(byte)
            }
        }
        flush(&word, into: &tokens)
    }

    mutating func requirements() throws(SelectorError) -> [LabelExpression.Requirement] {
        var requirements: [LabelExpression.Requirement] = []
        if peek() == .end { return [] }
        while true {
            requirements.append(try requirement())
            switch take() {
            case .end: return requirements
            case .sign(","): if peek() == .end { throw failure("an identifier after ','") }
            case let token: throw failure("',' or the end", instead: token)
            }
        }
    }

    private mutating func requirement() throws(SelectorError) -> LabelExpression.Requirement {
        if peek() == .sign("!") {
            _ = take()
            return .init(try key(), .doesNotExist)
        }
        let key = try key()
        switch peek() {
        case .end, .sign(","): return .init(key, .exists)
        case .sign("="), .sign("=="):
            _ = take()
            return .init(key, .isIn([try value()]))
        case .sign("!="):
            _ = take()
            return .init(key, .isNotIn([try value()]))
        case .sign(">"):
            _ = take()
            return .init(key, .isGreater(try bound()))
        case .sign("<"):
            _ = take()
            return .init(key, .isLess(try bound()))
        case .word("in"):
            _ = take()
            return .init(key, .isIn(try values()))
        case .word("notin"):
            _ = take()
            return .init(key, .isNotIn(try values()))
        default: throw failure("an operator")
        }
    }

    private mutating func key() throws(SelectorError) -> String {
        guard case .word(let key) = take() else {
            throw failure("an identifier", instead: tokens.isEmpty ? .end : last)
        }
        if let why = Rule.Format.qualifiedName.mismatch(key) { throw SelectorError("label key \"\(key)\" \(why)") }
        return key
    }

    /// A value may be empty.
    private mutating func value() throws(SelectorError) -> String {
        guard case .word(let value) = peek() else {
            switch peek() {
            case .end, .sign(","), .sign(")"): return ""
            default: throw failure("a value")
            }
        }
        _ = take()
        if let why = Rule.Format.labelValue.mismatch(value) { throw SelectorError("label value \"\(value)\" \(why)") }
        return value
    }

    private mutating func bound() throws(SelectorError) -> Int64 {
        guard case .word(let text) = take(), let bound = Int64(text) else { throw failure("an integer", instead: last) }
        return bound
    }

    private mutating func values() throws(SelectorError) -> [String] {
        guard take() == .sign("(") else { throw failure("'('", instead: last) }
        var values: [String] = []
        while true {
            let value = try value()
            if !values.contains(value) { values.append(value) }
            switch take() {
            case .sign(")"): return values.sorted()
            case .sign(","): continue
            case let token: throw failure("',' or ')'", instead: token)
            }
        }
    }

    private func peek() -> Token {
        position < tokens.count ? tokens[position] : .end
    }

    private var last: Token {
        position > 0 && position <= tokens.count ? tokens[position - 1] : .end
    }

    private mutating func take() -> Token {
        guard position < tokens.count else {
            position = tokens.count + 1
            return .end
        }
        position += 1
        return tokens[position - 1]
    }

    private func failure(_ expected: String, instead token: Token? = nil) -> SelectorError {
        SelectorError("unable to parse requirement: found \((token ?? peek()).shown), expected \(expected)")
    }
}
