/// A scalar of a YAML text and what JSON value it stands for, by the rules of YAML 1.1 as Kubernetes applies them.
struct YAMLScalar {
    let text: String
    let tag: String?
    /// Neither quoted nor a block.
    let isPlain: Bool

    private static let core = "tag:yaml.org,2002:"

    func value(line: Int) throws(YAMLError) -> JSONValue {
        switch tag {
        case nil: return isPlain ? try resolved(line: line) : .string(text)
        case "!", Self.core + "str": return .string(text)
        case Self.core + "int", Self.core + "float", Self.core + "bool", Self.core + "null":
            let value = try resolved(line: line)
            guard value.string == nil else { throw YAMLError("'\(text.prefix(64))' does not fit its tag", line: line) }
            return value
        default: return .string(text)
        }
    }

    /// Keys are text in JSON: numbers and bools become their JSON text.
    func key(line: Int) throws(YAMLError) -> String {
        switch try value(line: line) {
        case .string(let text), .number(let text): text
        case .integer(let number): String(number)
        case .bool(let flag): String(flag)
        default: "null"
        }
    }

    private func resolved(line: Int) throws(YAMLError) -> JSONValue {
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        case "y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON": return .bool(true)
        case "n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF": return .bool(false)
        case ".nan", ".NaN", ".NAN", ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF":
            throw YAMLError("\(text) is no number in JSON", line: line)
        default: return Self.number(text) ?? .string(text)
        }
    }

    /// A number, or nil. Integers may be octal (`0644`, `0o644`), hexadecimal or binary, with `_` between digits.
    static func number(_ text: String) -> JSONValue? {
        guard let first = text.utf8.first, text.utf8.count <= 400,
            (0x30...0x39).contains(first) || first == UInt8(ascii: "+") || first == UInt8(ascii: "-")
                || first == UInt8(ascii: ".")
        else { return nil }
        let digits = text.filter { $0 != "_" }
        return integer(digits) ?? real(digits)
    }

    private static func integer(_ text: String) -> JSONValue? {
        let isNegative = text.first == "-"
        let magnitude = isNegative || text.first == "+" ? text.dropFirst() : text[...]
        let (digits, radix) = base(of: magnitude)
        guard let first = digits.utf8.first, first != UInt8(ascii: "+"), first != UInt8(ascii: "-") else { return nil }
        if let value = Int64((isNegative ? "-" : "") + digits, radix: radix) { return .integer(value) }
        guard radix == 10, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return .number((isNegative ? "-" : "") + digits)
    }

    private static func base(of text: Substring) -> (digits: Substring, radix: Int) {
        guard text.count > 1, text.first == "0" else { return (text, 10) }
        switch text.dropFirst().first {
        case "x", "X": return (text.dropFirst(2), 16)
        case "o", "O": return (text.dropFirst(2), 8)
        case "b", "B": return (text.dropFirst(2), 2)
        default: return (text.dropFirst(), 8)
        }
    }

    /// Digits with a point or an exponent, as a JSON number.
    private static func real(_ text: String) -> JSONValue? {
        var bytes = Array(text.utf8)[...]
        var output: [UInt8] = []
        if let sign = bytes.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
            bytes = bytes.dropFirst()
            if sign == UInt8(ascii: "-") { output.append(sign) }
        }
        let whole = bytes.prefix { (0x30...0x39).contains($0) }
        bytes = bytes.dropFirst(whole.count)
        let significant = whole.drop { $0 == 0x30 }
        output += significant.isEmpty ? [0x30] : Array(significant)
        var fraction = bytes.prefix(0)
        if bytes.first == UInt8(ascii: ".") {
            fraction = bytes.dropFirst().prefix { (0x30...0x39).contains($0) }
            bytes = bytes.dropFirst(1 + fraction.count)
            if !fraction.isEmpty { output += [UInt8(ascii: ".")] + fraction }
        }
        guard !whole.isEmpty || !fraction.isEmpty else { return nil }
        if let byte = bytes.first, byte | 0x20 == UInt8(ascii: "e") {
            var exponent = bytes.dropFirst()
            output.append(byte)
            if let sign = exponent.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
                exponent = exponent.dropFirst()
                output.append(sign)
            }
            guard !exponent.isEmpty, exponent.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
            output += exponent
            bytes = []
        }
        guard bytes.isEmpty else { return nil }
        let number = String(decoding: output, as: UTF8.self)
        return Int64(number).map(JSONValue.integer) ?? .number(number)
    }
}
