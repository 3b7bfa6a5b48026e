/// Writes JSON into bytes. Objects come out in the order of their keys, so equal values give equal bytes.
package struct JSONWriter: ~Copyable {
    private var output: ByteBuffer
    /// Two spaces a level and a line for each member, as people read it; otherwise no space at all.
    private let isPretty: Bool
    private var depth = 0

    package init(isPretty: Bool = false, reserving capacity: Int = 0) {
        self.isPretty = isPretty
        output = ByteBuffer(capacity: capacity)
    }

    /// How many bytes are written so far.
    package var count: Int { output.count }

    /// What is written so far.
    package var bytes: [UInt8] { output.array }

    /// Writes bytes as they are: text that is JSON already.
    package mutating func write(raw bytes: [UInt8]) {
        bytes.withUnsafeBufferPointer { output.append($0) }
    }

    /// Recursion is bounded by the depth of the value, which the parser bounds.
    package mutating func write(_ value: JSONValue) {
        switch value {
        case .null: output.append("null")
        case .bool(true): output.append("true")
        case .bool(false): output.append("false")
        case .integer(let value): write(value)
        case .number(let text): append(contentsOf: text)
        case .string(let text): write(text)
        case .array(let elements): write(elements)
        case .object(let object): write(object)
        }
    }

    package mutating func write(_ object: JSONObject) {
        guard !object.isEmpty else { return output.append("{}") }
        output.append(UInt8(ascii: "{"))
        depth += 1
        var isFirst = true
        for member in object.members {
            if !isFirst { output.append(UInt8(ascii: ",")) }
            isFirst = false
            breakLine()
            write(member.key)
            output.append(UInt8(ascii: ":"))
            if isPretty { output.append(UInt8(ascii: " ")) }
            write(member.value)
        }
        depth -= 1
        breakLine()
        output.append(UInt8(ascii: "}"))
    }

    private mutating func write(_ elements: [JSONValue]) {
        guard !elements.isEmpty else { return output.append("[]") }
        output.append(UInt8(ascii: "["))
        depth += 1
        var isFirst = true
        for element in elements {
            if !isFirst { output.append(UInt8(ascii: ",")) }
            isFirst = false
            breakLine()
            write(element)
        }
        depth -= 1
        breakLine()
        output.append(UInt8(ascii: "]"))
    }

    private mutating func breakLine() {
        guard isPretty else { return }
        output.append(UInt8(ascii: "\n"))
        for _ in 0..<depth * 2 { output.append(UInt8(ascii: " ")) }
    }

    private mutating func write(_ value: Int64) {
        if value >= 0, value < 10 {
            output.append(UInt8(ascii: "0") + UInt8(value))
        } else {
            append(contentsOf: String(value))
        }
    }

    private mutating func append(contentsOf text: String) {
        var text = text
        text.withUTF8 { output.append($0) }
    }

    /// A quoted string; control characters, quotes and backslashes escaped.
    package mutating func write(_ text: String) {
        output.append(UInt8(ascii: "\""))
        var text = text
        text.withUTF8 { buffer in
            var clean = 0
            for index in buffer.indices {
                let byte = buffer[index]
                guard byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") else { continue }
                output.append(UnsafeBufferPointer(rebasing: buffer[clean..<index]))
                escape(byte)
                clean = index + 1
            }
            output.append(UnsafeBufferPointer(rebasing: buffer[clean...]))
        }
        output.append(UInt8(ascii: "\""))
    }

    private mutating func escape(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""): output.append("\\\"")
        case UInt8(ascii: "\\"): output.append("\\\\")
        case 0x0a: output.append("\\n")
        case 0x0d: output.append("\\r")
        case 0x09: output.append("\\t")
        default:
            let digits = Array("0123456789abcdef".utf8)
            output.append("\\u00")
            output.append(digits[Int(byte >> 4)])
            output.append(digits[Int(byte & 15)])
        }
    }
}

extension JSONValue {
    package func encoded(isPretty: Bool = false) -> [UInt8] {
        var writer = JSONWriter(isPretty: isPretty, reserving: 512)
        writer.write(self)
        return writer.bytes
    }

    /// The compact JSON text.
    package var text: String {
        String(decoding: encoded(), as: UTF8.self)
    }
}

extension JSONObject {
    package func encoded(isPretty: Bool = false) -> [UInt8] {
        JSONValue.object(self).encoded(isPretty: isPretty)
    }
}
