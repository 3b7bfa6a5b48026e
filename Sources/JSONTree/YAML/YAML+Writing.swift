extension YAML {
    /// The value as a YAML document in block style, with a line end. Reads back as the same value.
    package static func text(_ value: JSONValue) -> String {
        var writer = YAMLWriter()
        writer.write(value, indent: 0, isInline: false)
        return writer.text
    }

    /// The values as a stream of documents.
    package static func text(documents: [JSONValue]) -> String {
        documents.map(text).joined(separator: "---\n")
    }
}

/// Recursion is bounded by the depth of the value, which the parsers bound.
private struct YAMLWriter {
    var text = ""

    /// Writes a value and its line end. `isInline`: something stands before it on the line already.
    mutating func write(_ value: JSONValue, indent: Int, isInline: Bool) {
        switch value {
        case .object(let object) where !object.isEmpty:
            if isInline { text += "\n" }
            for member in object.members {
                write(member, indent: indent)
            }
        case .array(let elements) where !elements.isEmpty:
            if isInline { text += "\n" }
            for element in elements { write(item: element, indent: indent) }
        default:
            if isInline { text += " " }
            text += scalar(value, indent: indent) + "\n"
        }
    }

    private mutating func write(_ member: JSONObject.Member, indent: Int, isFirstOfItem: Bool = false) {
        if !isFirstOfItem { pad(indent) }
        text += key(member.key) + ":"
        // A list may stand at the level of its key.
        if case .array = member.value {
            write(member.value, indent: indent, isInline: true)
        } else {
            write(member.value, indent: indent + 2, isInline: true)
        }
    }

    private mutating func write(item: JSONValue, indent: Int) {
        pad(indent)
        text += "-"
        switch item {
        case .object(let object) where !object.isEmpty:
            text += " "
            for (index, member) in object.members.enumerated() {
                write(member, indent: indent + 2, isFirstOfItem: index == 0)
            }
        default: write(item, indent: indent + 2, isInline: true)
        }
    }

    private mutating func pad(_ indent: Int) {
        text += String(repeating: " ", count: indent)
    }

    private func scalar(_ value: JSONValue, indent: Int) -> String {
        switch value {
        case .string(let text): return isBlock(text) ? block(text, indent: max(indent, 2)) : inline(text)
        case .object: return "{}"
        case .array: return "[]"
        default: return value.text
        }
    }

    private func key(_ text: String) -> String {
        inline(text)
    }

    /// Plain where that reads back as the same text, else double-quoted.
    private func inline(_ text: String) -> String {
        isPlain(text) ? text : quoted(text)
    }

    private func isPlain(_ text: String) -> Bool {
        guard let first = text.utf8.first, let last = text.utf8.last, text.utf8.count <= 1_024 else { return false }
        let isWord = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: "-_./:@+=,%() ".utf8.contains(byte)
            }
        }
        // ": " would start a value, and a ":" at the end too.
        guard isWord, first != 0x20, last != 0x20, last != UInt8(ascii: ":"), !text.contains(": ") else { return false }
        guard !"-.:@=,%()+".utf8.contains(first) || first == UInt8(ascii: "-") && isFlag(text) else { return false }
        guard !isFlag(text) || text.utf8.count > 1, !text.hasPrefix("---"), !text.hasPrefix("- ") else { return false }
        return (try? YAMLScalar(text: text, tag: nil, isPlain: true).value(line: 0)) == .string(text) && !isDate(text)
    }

    /// `-a`, `--flag`: a dash that no space follows.
    private func isFlag(_ text: String) -> Bool {
        text.utf8.first == UInt8(ascii: "-")
    }

    /// Other readers take a plain date or time for one.
    private func isDate(_ text: String) -> Bool {
        text.utf8.count >= 8 && text.utf8.prefix(4).allSatisfy { (0x30...0x39).contains($0) }
            && text.utf8.dropFirst(4).first == UInt8(ascii: "-")
    }

    /// Text of several lines that a literal block keeps as it is.
    private func isBlock(_ text: String) -> Bool {
        guard text.contains("\n"), text.first != " ", text.first != "\n", !text.hasSuffix("\n\n") else { return false }
        guard text.unicodeScalars.allSatisfy({ $0 == "\n" || isPrintable($0) }) else { return false }
        return text.split(separator: "\n", omittingEmptySubsequences: false).allSatisfy {
            $0.last != " " && $0.first != "\t"
        }
    }

    private func block(_ text: String, indent: Int) -> String {
        let hasEnd = text.hasSuffix("\n")
        let body = hasEnd ? text.dropLast() : text[...]
        let lines = body.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            line.isEmpty ? "" : String(repeating: " ", count: indent) + line
        }
        return (hasEnd ? "|\n" : "|-\n") + lines.joined(separator: "\n")
    }

    private func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x20...0x7e, 0xa0...0x2027, 0x202a...0xd7ff, 0xe000...0xfefe, 0xff00...0xfffd, 0x10000...0x10ffff: true
        default: false
        }
    }

    private func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\t": result += "\\t"
            case "\r": result += "\\r"
            default:
                if isPrintable(scalar) {
                    result.unicodeScalars.append(scalar)
                } else {
                    let digits = String(scalar.value, radix: 16)
                    result += "\\u" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
                }
            }
        }
        return result + "\""
    }
}
