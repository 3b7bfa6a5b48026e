/// Why some text is not JSON, and where.
package struct JSONError: Error, Sendable, Hashable {
    package enum Problem: Sendable, Hashable {
        case unexpectedEnd
        /// What stood where something else had to.
        case unexpectedByte(UInt8, expected: String)
        case invalidNumber
        case invalidLiteral
        case controlCharacter
        case invalidEscape
        case loneSurrogate
        case invalidUTF8
        case tooDeep(limit: Int)
        case tooLarge(limit: Int)
        case textAfterValue
    }

    package let problem: Problem
    /// Bytes from the start of the text.
    package let offset: Int

    package init(_ problem: Problem, at offset: Int) {
        self.problem = problem
        self.offset = offset
    }
}

extension JSONError: CustomStringConvertible {
    package var description: String {
        "invalid JSON at offset \(offset): \(what)"
    }

    private var what: String {
        switch problem {
        case .unexpectedEnd: "the text ends inside a value"
        case .unexpectedByte(let byte, let expected): "expected \(expected), found \(Self.shown(byte))"
        case .invalidNumber: "not a number"
        case .invalidLiteral: "neither true, false nor null"
        case .controlCharacter: "a control character in a string must be escaped"
        case .invalidEscape: "unknown escape in a string"
        case .loneSurrogate: "half of a surrogate pair"
        case .invalidUTF8: "a string is not UTF-8"
        case .tooDeep(let limit): "nested deeper than \(limit) levels"
        case .tooLarge(let limit): "larger than \(limit) bytes"
        case .textAfterValue: "more text after the value"
        }
    }

    private static func shown(_ byte: UInt8) -> String {
        (0x21...0x7e).contains(byte) ? "'\(Character(Unicode.Scalar(byte)))'" : "byte \(byte)"
    }
}
