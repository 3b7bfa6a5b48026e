/// A frame as it is read. What a frame of data holds comes in parts, so that no frame is held whole for its length.
enum SPDYFrame: Sendable, Hashable {
    /// `block` is compressed.
    case synStream(id: UInt32, isFinal: Bool, block: ArraySlice<UInt8>)
    case reply(id: UInt32, isFinal: Bool, block: ArraySlice<UInt8>)
    case headers(id: UInt32, isFinal: Bool, block: ArraySlice<UInt8>)
    case data(id: UInt32, isFinal: Bool, bytes: ArraySlice<UInt8>)
    case reset(id: UInt32)
    case ping(id: UInt32)
    case goAway
    /// Settings and windows: read and not acted upon.
    case other
}

/// Cuts bytes into frames (SPDY 3.1, 2.2). Holds at most one control frame.
struct SPDYFrameReader {
    /// Largest control frame in bytes. kubectl's are under 300.
    static let controlBytes = 32 << 10

    private var buffer: [UInt8] = []
    private var start = 0
    /// The data frame whose bytes are coming.
    private var data: (id: UInt32, isFinal: Bool, left: Int)?

    mutating func append(_ bytes: [UInt8]) {
        buffer.removeFirst(start)
        start = 0
        buffer += bytes
    }

    /// The next frame, nil where more bytes are needed.
    mutating func next() throws(SPDYError) -> SPDYFrame? {
        if data != nil { return nextData() }
        let rest = buffer[start...]
        guard rest.count >= 8 else { return nil }
        let first = Self.number(rest)
        let flags = rest[start + 4]
        let length = Int(Self.number(rest.dropFirst(4)) & 0xFF_FFFF)
        guard first & 0x8000_0000 != 0 else {
            start += 8
            data = (first, flags & 1 != 0, length)
            return nextData()
        }
        guard first >> 16 & 0x7FFF == 3 else { throw .frame("version \(first >> 16 & 0x7FFF) is not 3") }
        guard length <= Self.controlBytes else { throw .frame("a control frame is over \(Self.controlBytes) bytes") }
        guard rest.count >= 8 + length else { return nil }
        start += 8 + length
        return try Self.control(type: first & 0xFFFF, flags: flags, rest.dropFirst(8).prefix(length))
    }

    private mutating func nextData() -> SPDYFrame? {
        guard var frame = data else { return nil }
        let bytes = buffer[start...].prefix(frame.left)
        guard !bytes.isEmpty || frame.left == 0 else { return nil }
        start += bytes.count
        frame.left -= bytes.count
        data = frame.left > 0 ? frame : nil
        return .data(id: frame.id, isFinal: frame.isFinal && frame.left == 0, bytes: bytes)
    }

    private static func control(
        type: UInt32, flags: UInt8, _ body: ArraySlice<UInt8>
    ) throws(SPDYError) -> SPDYFrame {
        let isFinal = flags & 1 != 0
        switch type {
        case 1:
            guard body.count >= 10 else { throw .frame("SYN_STREAM is too short") }
            return .synStream(id: id(body), isFinal: isFinal, block: body.dropFirst(10))
        case 2:
            guard body.count >= 4 else { throw .frame("SYN_REPLY is too short") }
            return .reply(id: id(body), isFinal: isFinal, block: body.dropFirst(4))
        case 3:
            guard body.count == 8 else { throw .frame("RST_STREAM has not 8 bytes") }
            return .reset(id: id(body))
        case 6:
            guard body.count == 4 else { throw .frame("PING has not 4 bytes") }
            return .ping(id: number(body))
        case 7:
            guard body.count == 8 else { throw .frame("GOAWAY has not 8 bytes") }
            return .goAway
        case 8:
            guard body.count >= 4 else { throw .frame("HEADERS is too short") }
            return .headers(id: id(body), isFinal: isFinal, block: body.dropFirst(4))
        case 9:
            guard body.count == 8 else { throw .frame("WINDOW_UPDATE has not 8 bytes") }
            return .other
        default: return .other
        }
    }

    private static func id(_ bytes: ArraySlice<UInt8>) -> UInt32 { number(bytes) & 0x7FFF_FFFF }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        bytes.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
    }
}

/// Writes frames.
enum SPDYFrameWriter {
    enum ResetReason: UInt32 {
        case protocolError = 1
        case refused = 3
        case cancelled = 5
        case alreadyClosed = 9
    }

    /// Data goes out in frames of at most this size.
    static let dataBytes = 32 << 10

    static func data(_ id: UInt32, _ bytes: [UInt8], isFinal: Bool = false) -> [UInt8] {
        guard !bytes.isEmpty else { return isFinal ? frame(id, flags: 1, []) : [] }
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count + 8 * (bytes.count / dataBytes + 1))
        var rest = bytes[...]
        while !rest.isEmpty {
            let part = rest.prefix(dataBytes)
            rest = rest.dropFirst(dataBytes)
            out += frame(id, flags: isFinal && rest.isEmpty ? 1 : 0, part)
        }
        return out
    }

    /// A reply without fields.
    /// - Parameter isFirst: whether no header block was sent on this connection yet.
    static func reply(_ id: UInt32, isFirst: Bool) -> [UInt8] {
        control(2, number(id) + packed([0, 0, 0, 0], isFirst: isFirst))
    }

    /// - Parameter block: under 32 KiB.
    static func open(_ id: UInt32, _ block: [UInt8], isFirst: Bool) -> [UInt8] {
        control(1, number(id) + number(0) + [0, 0] + packed(block, isFirst: isFirst))
    }

    /// Not compressed: a stored block, and an empty one, at which readers hand on what they have; before the first the header of the zlib stream.
    private static func packed(_ block: [UInt8], isFirst: Bool) -> [UInt8] {
        let size = UInt16(truncatingIfNeeded: block.count)
        let sizes = [size, ~size].flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
        return (isFirst ? [0x78, 0x01] : []) + [0] + sizes + block + [0, 0, 0, 0xFF, 0xFF]
    }

    static func reset(_ id: UInt32, _ reason: ResetReason) -> [UInt8] {
        control(3, number(id) + number(reason.rawValue))
    }

    static func ping(_ id: UInt32) -> [UInt8] { control(6, number(id)) }

    static func goAway(last: UInt32, isError: Bool) -> [UInt8] {
        control(7, number(last) + number(isError ? 1 : 0))
    }

    private static func control(_ type: UInt32, _ body: [UInt8]) -> [UInt8] {
        frame(0x8003_0000 | type, flags: 0, body[...])
    }

    private static func frame(_ first: UInt32, flags: UInt8, _ body: ArraySlice<UInt8>) -> [UInt8] {
        number(first) + number(UInt32(flags) << 24 | UInt32(truncatingIfNeeded: body.count)) + body
    }

    private static func number(_ value: UInt32) -> [UInt8] {
        [UInt8(value >> 24), UInt8(value >> 16 & 0xFF), UInt8(value >> 8 & 0xFF), UInt8(value & 0xFF)]
    }
}
