import HTTP
import Testing

@testable import Transport

/// The client's side of SPDY/3.1, for tests: makes frames, and reads the server's.
struct SPDYClient {
    private var hasSentHeaders = false

    mutating func open(_ id: UInt32, _ fields: KeyValuePairs<String, String>, isFinal: Bool = false) -> [UInt8] {
        control(1, flags: isFinal ? 1 : 0, number(id) + number(0) + [0, 0] + block(fields))
    }

    mutating func headers(_ id: UInt32, _ fields: KeyValuePairs<String, String>) -> [UInt8] {
        control(8, number(id) + block(fields))
    }

    func data(_ id: UInt32, _ bytes: [UInt8], isFinal: Bool = false) -> [UInt8] {
        number(id) + number(UInt32(isFinal ? 1 : 0) << 24 | UInt32(bytes.count)) + bytes
    }

    func reset(_ id: UInt32) -> [UInt8] { control(3, number(id) + number(5)) }
    func ping(_ id: UInt32) -> [UInt8] { control(6, number(id)) }
    func window(_ id: UInt32, _ delta: UInt32) -> [UInt8] { control(9, number(id) + number(delta)) }

    func control(_ type: UInt32, flags: UInt8 = 0, _ body: [UInt8]) -> [UInt8] {
        number(0x8003_0000 | type) + number(UInt32(flags) << 24 | UInt32(body.count)) + body
    }

    /// A header block in stored blocks.
    private mutating func block(_ fields: KeyValuePairs<String, String>) -> [UInt8] {
        var plain = number(UInt32(fields.count))
        for (name, value) in fields {
            plain += number(UInt32(name.utf8.count)) + Array(name.utf8)
            plain += number(UInt32(value.utf8.count)) + Array(value.utf8)
        }
        defer { hasSentHeaders = true }
        let length = UInt16(plain.count)
        return (hasSentHeaders ? [] : [0x78, 0x01])
            + [0, UInt8(length & 0xFF), UInt8(length >> 8), UInt8(~length & 0xFF), UInt8(~length >> 8)] + plain
    }

    private func number(_ value: UInt32) -> [UInt8] {
        [UInt8(value >> 24), UInt8(value >> 16 & 0xFF), UInt8(value >> 8 & 0xFF), UInt8(value & 0xFF)]
    }
}

/// What a server sent, told apart.
enum ServerFrame: Equatable {
    case reply(UInt32)
    case reset(UInt32, reason: UInt32)
    case ping(UInt32)
    case goAway(status: UInt32)
    case data(UInt32, [UInt8], isFinal: Bool)

    /// Takes whole frames from the front of `bytes`.
    static func take(_ bytes: inout [UInt8]) throws -> [ServerFrame] {
        var frames: [ServerFrame] = []
        while bytes.count >= 8 {
            let length = Int(number(bytes, 4) & 0xFF_FFFF)
            guard bytes.count >= 8 + length else { break }
            let body = Array(bytes[8..<8 + length])
            let (first, isFinal) = (number(bytes, 0), bytes[4] & 1 != 0)
            bytes.removeFirst(8 + length)
            switch first {
            case 0x8003_0002: frames.append(.reply(number(body, 0)))
            case 0x8003_0003: frames.append(.reset(number(body, 0), reason: number(body, 4)))
            case 0x8003_0006: frames.append(.ping(number(body, 0)))
            case 0x8003_0007: frames.append(.goAway(status: number(body, 4)))
            case ..<0x8000_0000: frames.append(.data(first, body, isFinal: isFinal))
            default: Issue.record("a frame of type \(first)")
            }
        }
        return frames
    }

    private static func number(_ bytes: [UInt8], _ offset: Int) -> UInt32 {
        bytes[offset..<offset + 4].reduce(0) { $0 << 8 | UInt32($1) }
    }
}
