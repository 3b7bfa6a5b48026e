import Linux

/// An answer to be written.
package struct DNSResponse: Hashable, Sendable {
    package var code: DNSResponseCode
    package var isAuthoritative = true
    package var answers: [DNSRecord] = []
    package var authorities: [DNSRecord] = []
    package var additionals: [DNSRecord] = []

    package init(_ code: DNSResponseCode = .noError) {
        self.code = code
    }

    /// The largest datagram sent, whatever the client takes: larger ones may be fragmented on the way.
    static let largestDatagram = 1232

    /// The bytes of the answer to `query`, at most `limit`: where it does not fit, additional records go first, then all
    /// records with the truncation mark, and the client asks again by TCP.
    package func bytes(for query: DNSQuery, limit: Int) -> [UInt8] {
        var whole = self
        var written = whole.write(query, isTruncated: false)
        if written.count > limit {
            whole.additionals = []
            written = whole.write(query, isTruncated: false)
        }
        if written.count > limit {
            whole.answers = []
            whole.authorities = []
            written = whole.write(query, isTruncated: true)
        }
        return written
    }

    /// The limit for an answer by UDP.
    package static func datagramLimit(_ query: DNSQuery) -> Int {
        min(max(Int(query.datagramSize ?? 512), 512), largestDatagram)
    }

    /// The answer to a query whose question cannot be read.
    package static func malformed(id: UInt16) -> [UInt8] {
        var writer = DNSWriter()
        writer.uint16(id)
        writer.uint16(0x8000 | UInt16(DNSResponseCode.formatError.rawValue))
        for _ in 0..<4 { writer.uint16(0) }
        return writer.bytes
    }

    private func write(_ query: DNSQuery, isTruncated: Bool) -> [UInt8] {
        var writer = DNSWriter()
        writer.uint16(query.id)
        var flags: UInt16 = 0x8080 | UInt16(query.opcode) << 11 | UInt16(code.rawValue)
        if isAuthoritative { flags |= 0x0400 }
        if isTruncated { flags |= 0x0200 }
        if query.isRecursionDesired { flags |= 0x0100 }
        writer.uint16(flags)
        let hasOptions = query.datagramSize != nil
        for count in [1, answers.count, authorities.count, additionals.count + (hasOptions ? 1 : 0)] {
            writer.uint16(UInt16(clamping: count))
        }
        writer.question(query)
        for record in answers + authorities + additionals { writer.record(record) }
        if hasOptions { writer.options(datagramSize: UInt16(Self.largestDatagram)) }
        return writer.bytes
    }
}

/// Writes the wire format, with names compressed against those written before.
struct DNSWriter {
    private(set) var bytes: [UInt8] = []
    private var places: [ArraySlice<String>: Int] = [:]

    mutating func uint16(_ value: UInt16) {
        bytes += [UInt8(value >> 8), UInt8(value & 0xff)]
    }

    mutating func uint32(_ value: UInt32) {
        uint16(UInt16(value >> 16))
        uint16(UInt16(value & 0xffff))
    }

    mutating func question(_ query: DNSQuery) {
        // Counted by the question's own bytes: a label that is no text reads as one of another length.
        var rest = query.name.labels[...]
        var place = 0
        while !rest.isEmpty, place < query.question.count {
            places[rest] = bytes.count + place
            place += 1 + Int(query.question[place])
            rest.removeFirst()
        }
        bytes += query.question
    }

    mutating func name(_ name: DNSName) {
        var rest = name.labels[...]
        while !rest.isEmpty {
            if let place = places[rest] {
                uint16(0xc000 | UInt16(place))
                return
            }
            if bytes.count < 0x4000 { places[rest] = bytes.count }
            let label = Array((rest.popFirst() ?? "").utf8.prefix(63))
            bytes.append(UInt8(label.count))
            bytes += label
        }
        bytes.append(0)
    }

    mutating func record(_ record: DNSRecord) {
        name(record.name)
        uint16(record.data.type.number)
        uint16(1)
        uint32(record.ttl)
        let start = bytes.count
        uint16(0)
        data(record.data)
        let size = UInt16(clamping: bytes.count - start - 2)
        bytes[start] = UInt8(size >> 8)
        bytes[start + 1] = UInt8(size & 0xff)
    }

    mutating func options(datagramSize: UInt16) {
        bytes.append(0)
        uint16(DNSType.opt.number)
        uint16(datagramSize)
        uint32(0)
        uint16(0)
    }

    private mutating func data(_ data: DNSData) {
        switch data {
        case .address(let address): bytes += address.bytes
        case .alias(let target), .pointer(let target), .nameServer(let target): name(target)
        case .service(let priority, let weight, let port, let target):
            uint16(priority)
            uint16(weight)
            uint16(port)
            name(target)
        case .text(let text):
            let piece = Array(text.utf8.prefix(255))
            bytes.append(UInt8(piece.count))
            bytes += piece
        case .authority(let server, let mailbox, let serial, let minimum):
            name(server)
            name(mailbox)
            for number in [serial, 7200, 1800, 86400, minimum] { uint32(number) }
        case .other(_, let content): bytes += content
        }
    }
}
