/// A place in a JSON value (RFC 6901): `/spec/containers/0/image`.
package struct JSONPointer: Sendable, Hashable {
    package let tokens: [String]

    package init(tokens: [String]) {
        self.tokens = tokens
    }

    /// Throws where the text does not begin with "/" or has an unknown escape; "" is the whole value.
    package init(_ text: String) throws(PatchError) {
        guard !text.isEmpty else {
            tokens = []
            return
        }
        guard text.utf8.first == UInt8(ascii: "/") else {
            throw .malformed("the path \"\(text)\" must be empty or begin with '/'")
        }
        var tokens: [String] = []
        for part in text.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            guard let token = Self.unescaped(part) else {
                throw .malformed("the path \"\(text)\" has a '~' that is neither ~0 nor ~1")
            }
            tokens.append(token)
        }
        self.tokens = tokens
    }

    private static func unescaped(_ part: Substring) -> String? {
        guard part.contains("~") else { return String(part) }
        var token: [UInt8] = []
        var isEscaped = false
        for byte in part.utf8 {
            switch (isEscaped, byte) {
            case (true, UInt8(ascii: "0")): token.append(UInt8(ascii: "~"))
            case (true, UInt8(ascii: "1")): token.append(UInt8(ascii: "/"))
            case (true, _): return nil
            case (false, UInt8(ascii: "~")): break
            case (false, _): token.append(byte)
            }
            isEscaped = !isEscaped && byte == UInt8(ascii: "~")
        }
        return isEscaped ? nil : String(decoding: token, as: UTF8.self)
    }

    /// Whether `other` lies inside this place, or is it.
    package func contains(_ other: JSONPointer) -> Bool {
        other.tokens.starts(with: tokens)
    }
}

extension JSONPointer: CustomStringConvertible {
    package var description: String {
        tokens.map { token in
            "/" + token.map { $0 == "~" ? "~0" : $0 == "/" ? "~1" : String($0) }.joined()
        }.joined()
    }
}
