/// A request's target (RFC 9112, 3.2), split and percent-decoded.
package struct RequestTarget: Sendable, Hashable {
    package var path: String
    package var query: [QueryItem]

    package init(path: String, query: [QueryItem] = []) {
        self.path = path
        self.query = query
    }

    /// Nil where the target is not an absolute path, an escape is broken, or it holds a NUL or bytes that are not UTF-8.
    package init?(_ text: String) {
        let bytes = text.utf8
        guard bytes.first == UInt8(ascii: "/") else { return nil }
        let mark = bytes.firstIndex(of: UInt8(ascii: "?"))
        guard let path = Self.decode(bytes[..<(mark ?? bytes.endIndex)], plusIsSpace: false) else { return nil }
        self.path = path
        query = []
        guard let mark else { return }
        for pair in bytes[bytes.index(after: mark)...].split(separator: UInt8(ascii: "&")) {
            let equals = pair.firstIndex(of: UInt8(ascii: "="))
            guard let name = Self.decode(pair[..<(equals ?? pair.endIndex)], plusIsSpace: true) else { return nil }
            guard let equals else {
                query.append(QueryItem(name, ""))
                continue
            }
            guard let value = Self.decode(pair[pair.index(after: equals)...], plusIsSpace: true) else { return nil }
            query.append(QueryItem(name, value))
        }
    }

    /// The target of an outgoing request: the path and query with everything escaped that is not unreserved.
    package static func text(path: String, query: [QueryItem]) -> String {
        var out: [UInt8] = []
        encode(path.isEmpty ? "/" : path, keepSlash: true, into: &out)
        if !query.isEmpty { out.append(UInt8(ascii: "?")) }
        return String(decoding: out, as: UTF8.self) + text(query: query)
    }

    /// The same of a query alone, without the question mark: what a form has.
    package static func text(query: [QueryItem]) -> String {
        var out: [UInt8] = []
        for (index, item) in query.enumerated() {
            if index > 0 { out.append(UInt8(ascii: "&")) }
            encode(item.name, keepSlash: false, into: &out)
            out.append(UInt8(ascii: "="))
            encode(item.value, keepSlash: false, into: &out)
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// A part of a path or a name with its escapes taken out; nil where one is broken.
    package static func decoded(_ text: String) -> String? {
        decode(text[...].utf8, plusIsSpace: false)
    }

    private static func decode(_ bytes: Substring.UTF8View, plusIsSpace: Bool) -> String? {
        guard bytes.contains(where: { $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "+") || $0 == 0 }) else {
            return String(Substring(bytes))
        }
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count)
        var rest = bytes[...]
        while let byte = rest.popFirst() {
            switch byte {
            case 0: return nil
            case UInt8(ascii: "+") where plusIsSpace: out.append(UInt8(ascii: " "))
            case UInt8(ascii: "%"):
                guard let high = rest.popFirst().flatMap(hexValue), let low = rest.popFirst().flatMap(hexValue),
                    high | low != 0
                else { return nil }
                out.append(high << 4 | low)
            default: out.append(byte)
            }
        }
        return String(validating: out, as: UTF8.self)
    }

    private static func encode(_ text: String, keepSlash: Bool, into out: inout [UInt8]) {
        let digits = Array("0123456789ABCDEF".utf8)
        for byte in text.utf8 {
            if isUnreserved(byte) || (keepSlash && byte == UInt8(ascii: "/")) {
                out.append(byte)
            } else {
                out += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"):
            true
        default: false
        }
    }
}

private func hexValue(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
}
