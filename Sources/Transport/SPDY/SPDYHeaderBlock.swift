import HTTP

/// The plain bytes of a header block: a count, then names and values with their lengths, all numbers of 32 bits (SPDY 3.1, 2.6.10).
enum SPDYHeaderBlock {
    static func read(_ bytes: [UInt8]) throws(SPDYError) -> HTTPHeaders {
        var rest = bytes[...]
        let count = try number(&rest)
        var headers = HTTPHeaders()
        // A field has eight bytes at least, so that a count which is too high ends here soon.
        for _ in 0..<count {
            let name = try text(&rest)
            guard !name.isEmpty else { throw .headers("a field has no name") }
            for value in try text(&rest).split(separator: "\0", omittingEmptySubsequences: false) {
                headers.add(name, String(value))
            }
        }
        guard rest.isEmpty else { throw .headers("there are bytes after the last field") }
        return headers
    }

    /// Names go in lower case.
    static func write(_ headers: HTTPHeaders) -> [UInt8] {
        func counted(_ text: String) -> [UInt8] { bytes(text.utf8.count) + Array(text.utf8) }
        return headers.fields.reduce(bytes(headers.fields.count)) {
            $0 + counted($1.name.lowercased()) + counted($1.value)
        }
    }

    private static func bytes(_ count: Int) -> [UInt8] {
        let number = UInt32(truncatingIfNeeded: count)
        return [24, 16, 8, 0].map { UInt8(number >> $0 & 0xFF) }
    }

    private static func number(_ rest: inout ArraySlice<UInt8>) throws(SPDYError) -> UInt32 {
        guard rest.count >= 4 else { throw .headers("the block is cut short") }
        defer { rest = rest.dropFirst(4) }
        return rest.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
    }

    private static func text(_ rest: inout ArraySlice<UInt8>) throws(SPDYError) -> String {
        let length = Int(try number(&rest))
        guard length <= rest.count else { throw .headers("a field is cut short") }
        defer { rest = rest.dropFirst(length) }
        guard let text = String(validating: rest.prefix(length), as: UTF8.self) else {
            throw .headers("a field is no UTF-8")
        }
        return text
    }
}
