import Linux

/// Reads the wire format (RFC 1035, section 4). Every read is checked against the message's end; names follow compression
/// only backwards, so that none can loop.
struct DNSReader {
    let bytes: [UInt8]
    var offset = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    mutating func uint8() -> UInt8? {
        guard offset < bytes.count else { return nil }
        defer { offset += 1 }
        return bytes[offset]
    }

    mutating func uint16() -> UInt16? {
        guard let high = uint8(), let low = uint8() else { return nil }
        return UInt16(high) << 8 | UInt16(low)
    }

    mutating func uint32() -> UInt32? {
        guard let high = uint16(), let low = uint16() else { return nil }
        return UInt32(high) << 16 | UInt32(low)
    }

    mutating func take(_ count: Int) -> [UInt8]? {
        guard count >= 0, count <= bytes.count - offset else { return nil }
        defer { offset += count }
        return Array(bytes[offset..<offset + count])
    }

    /// A name of at most 255 bytes. The reader stands behind it afterwards, also where it ends in a pointer.
    mutating func name() -> DNSName? {
        var labels: [String] = []
        var length = 1
        var place = offset
        var lowest = offset
        var end: Int?
        while place < bytes.count {
            let size = Int(bytes[place])
            switch size >> 6 {
            case 0 where size == 0:
                offset = end ?? place + 1
                return DNSName(labels: labels)
            case 0:
                guard place + 1 + size <= bytes.count else { return nil }
                length += size + 1
                guard length <= 255 else { return nil }
                labels.append(String(decoding: bytes[place + 1..<place + 1 + size], as: UTF8.self))
                place += 1 + size
            case 3:
                guard place + 1 < bytes.count else { return nil }
                let target = (size & 0x3f) << 8 | Int(bytes[place + 1])
                end = end ?? place + 2
                guard target < lowest else { return nil }
                lowest = target
                place = target
            default:
                return nil
            }
        }
        return nil
    }

    /// A resource record; its data is understood as far as it may hold names.
    mutating func record() -> DNSRecord? {
        guard let name = name(), let type = uint16().map({ DNSType($0) }), uint16() != nil, let ttl = uint32(),
            let size = uint16(), Int(size) <= bytes.count - offset
        else { return nil }
        let end = offset + Int(size)
        defer { offset = end }
        guard let data = data(type, Int(size)) else { return nil }
        return DNSRecord(name, ttl: ttl, data)
    }

    private mutating func data(_ type: DNSType, _ size: Int) -> DNSData? {
        switch type {
        case .a: take(size).flatMap { IPv4Address(bytes: $0) }.map { .address($0) }
        case .cname: name().map { .alias($0) }
        case .ptr: name().map { .pointer($0) }
        case .ns: name().map { .nameServer($0) }
        default: take(size).map { .other(type, $0) }
        }
    }
}
