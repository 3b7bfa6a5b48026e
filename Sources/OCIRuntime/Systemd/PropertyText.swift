import DBus

/// Annotations `org.systemd.property.NAME`, as runc and crun take them: their values are written as GVariant text.
enum PropertyText {
    private static let prefix = "org.systemd.property."

    static func properties(_ annotations: [String: String]) throws(OCIRuntimeError) -> [UnitProperty] {
        var list: [UnitProperty] = []
        for (key, text) in annotations.sorted(by: { $0.key < $1.key }) where key.hasPrefix(prefix) {
            let name = String(key.dropFirst(prefix.count))
            let isName = name.utf8.count >= 3 && name.utf8.allSatisfy { (65...90).contains($0 & 0xdf) }
            guard isName, let property = property(name, text) else {
                throw .unsupported(
                    field: "annotations",
                    cause: "\(key): \"\(text)\" is none of true, 'text', ['text', ...], 5, int64 5, uint32 5, uint64 5")
            }
            list.append(property)
        }
        return list
    }

    /// Seconds are told to systemd as microseconds, whatever they are written as.
    static func property(_ name: String, _ text: String) -> UnitProperty? {
        guard name.hasSuffix("Sec"), !name.hasSuffix("USec") else {
            return value(text).map { UnitProperty(name, $0) }
        }
        let digits = text.split(separator: " ").last ?? ""
        guard let seconds = Double(digits), seconds >= 0, seconds < 1e12 else { return nil }
        return UnitProperty(name.dropLast(3) + "USec", .uint64(UInt64(seconds * 1_000_000)))
    }

    static func value(_ text: String) -> DBusValue? {
        let words = text.split(separator: " ")
        switch words.first {
        case "true" where words.count == 1: return .bool(true)
        case "false" where words.count == 1: return .bool(false)
        case "uint64" where words.count == 2: return UInt64(words[1]).map(DBusValue.uint64)
        case "int64" where words.count == 2: return Int64(words[1]).map(DBusValue.int64)
        case "uint32" where words.count == 2: return UInt32(words[1]).map(DBusValue.uint32)
        case "int32" where words.count == 2: return Int32(words[1]).map(DBusValue.int32)
        default: break
        }
        if words.count == 1, let number = Int32(words[0]) { return .int32(number) }
        var rest = text[...]
        skipSpaces(&rest)
        let value = rest.first == "[" ? list(&rest) : quoted(&rest).map(DBusValue.string)
        skipSpaces(&rest)
        return rest.isEmpty ? value : nil
    }

    private static func skipSpaces(_ rest: inout Substring) {
        while rest.first == " " { rest.removeFirst() }
    }

    private static func list(_ rest: inout Substring) -> DBusValue? {
        rest.removeFirst()
        var texts: [DBusValue] = []
        while true {
            skipSpaces(&rest)
            if texts.isEmpty && rest.first == "]" { break }
            guard let text = quoted(&rest) else { return nil }
            texts.append(.string(text))
            skipSpaces(&rest)
            guard rest.first == "," else { break }
            rest.removeFirst()
        }
        guard rest.popFirst() == "]" else { return nil }
        return .array(of: "s", texts)
    }

    /// Between two of the same quotation marks; a backslash takes the meaning of what follows away.
    private static func quoted(_ rest: inout Substring) -> String? {
        guard let mark = rest.popFirst(), mark == "'" || mark == "\"" else { return nil }
        var text = ""
        while let character = rest.popFirst() {
            if character == mark { return text }
            guard character == "\\" else {
                text.append(character)
                continue
            }
            guard let next = rest.popFirst() else { return nil }
            text.append(next)
        }
        return nil
    }
}
