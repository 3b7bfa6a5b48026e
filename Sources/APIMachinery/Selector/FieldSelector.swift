/// Conditions on fields of an object, all of which must hold: `metadata.name=web,status.phase!=Running`.
package struct FieldSelector: Sendable, Hashable {
    package struct Requirement: Sendable, Hashable {
        package let path: String
        package let value: String
        /// Otherwise: differs.
        package let isEqual: Bool

        package init(_ path: String, _ value: String, isEqual: Bool = true) {
            self.path = path
            self.value = value
            self.isEqual = isEqual
        }
    }

    package var requirements: [Requirement]

    package init(requirements: [Requirement]) {
        self.requirements = requirements
    }

    /// Whether what it selects has this value there.
    package func requires(_ path: String, _ value: String) -> Bool { requirements.contains(Requirement(path, value)) }
}

extension FieldSelector: CustomStringConvertible {
    /// Reads `path=value`, `path==value` and `path!=value`, separated by commas; a backslash takes the next of `\`, `,` and `=` as it is.
    package init(parsing text: String) throws(SelectorError) {
        requirements = []
        for term in Self.terms(of: Array(text.utf8)) where !term.isEmpty {
            requirements.append(try Self.requirement(term))
        }
    }

    package var description: String {
        requirements.map { "\($0.path)\($0.isEqual ? "=" : "!=")\(Self.escaped($0.value))" }.joined(separator: ",")
    }

    private static let backslash = UInt8(ascii: "\\")

    /// Split at commas that no backslash stands before.
    private static func terms(of bytes: [UInt8]) -> [ArraySlice<UInt8>] {
        var terms: [ArraySlice<UInt8>] = []
        var start = 0
        var index = 0
        while index < bytes.count {
            if bytes[index] == backslash {
                index += 1
            } else if bytes[index] == UInt8(ascii: ",") {
                terms.append(bytes[start..<index])
                start = index + 1
            }
            index += 1
        }
        return terms + [bytes[start...]]
    }

    private static func requirement(_ term: ArraySlice<UInt8>) throws(SelectorError) -> Requirement {
        let text = String(decoding: term, as: UTF8.self)
        guard let sign = term.firstIndex(of: UInt8(ascii: "=")) else {
            throw SelectorError("invalid field selector: '\(text)'; can't understand it without '=', '==' or '!='")
        }
        let isDifferent = sign > term.startIndex && term[sign - 1] == UInt8(ascii: "!")
        let isDouble = !isDifferent && sign + 1 < term.endIndex && term[sign + 1] == UInt8(ascii: "=")
        let path = String(decoding: term[..<(isDifferent ? sign - 1 : sign)], as: UTF8.self)
        guard !path.isEmpty else { throw SelectorError("invalid field selector: '\(text)'; it names no field") }
        return .init(path, try unescaped(term[(isDouble ? sign + 2 : sign + 1)...]), isEqual: !isDifferent)
    }

    private static func unescaped(_ bytes: ArraySlice<UInt8>) throws(SelectorError) -> String {
        var value: [UInt8] = []
        var isEscaped = false
        for byte in bytes {
            let isSpecial = byte == backslash || byte == UInt8(ascii: ",") || byte == UInt8(ascii: "=")
            if isEscaped {
                guard isSpecial else { throw SelectorError("invalid field selector: unknown escape in its value") }
                value.append(byte)
                isEscaped = false
            } else if byte == backslash {
                isEscaped = true
            } else if isSpecial {
                throw SelectorError("invalid field selector: ',' and '=' in a value need a backslash")
            } else {
                value.append(byte)
            }
        }
        if isEscaped { throw SelectorError("invalid field selector: it ends in a backslash") }
        return String(decoding: value, as: UTF8.self)
    }

    private static func escaped(_ value: String) -> String {
        String(value.flatMap { "\\,=".contains($0) ? ["\\", $0] : [$0] })
    }
}
