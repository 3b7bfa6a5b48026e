/// One message of a bus: D-Bus Specification, "Message Protocol".
package struct DBusMessage: Sendable, Equatable {
    package enum Kind: UInt8, Sendable {
        case call = 1
        case reply, error, signal
    }

    /// A message longer than this is not read: answers of a service manager are of some hundred bytes.
    package static let limit = 1 << 17
    /// As many bytes as say how long a message is.
    package static let headBytes = 16

    /// Nil: of a kind that is to be passed over.
    package var kind: Kind?
    package var flags: UInt8 = 0
    package var serial: UInt32
    package var replySerial: UInt32?
    package var path: String?
    package var interface: String?
    package var member: String?
    package var errorName: String?
    package var destination: String?
    package var sender: String?
    private var signature = ""
    private var body: [UInt8] = []
    private var isBigEndian = false

    /// A call of a method.
    package init(
        serial: UInt32, to destination: String, _ path: String, _ interface: String, _ member: String,
        _ arguments: [DBusValue]
    ) throws(DBusError) {
        kind = .call
        self.serial = serial
        self.destination = destination
        self.path = path
        self.interface = interface
        self.member = member
        signature = arguments.map { $0.signature }.joined()
        var writer = DBusWriter()
        for argument in arguments { try writer.write(argument) }
        body = writer.bytes
    }

    /// The bytes of the message.
    package func encoded() throws(DBusError) -> [UInt8] {
        var fields: [DBusValue] = []
        func add(_ code: UInt8, _ value: DBusValue?) {
            if let value { fields.append(.structure([.byte(code), .variant(value)])) }
        }
        add(1, path.map(DBusValue.path))
        add(3, member.map(DBusValue.string))
        add(2, interface.map(DBusValue.string))
        add(4, errorName.map(DBusValue.string))
        add(5, replySerial.map(DBusValue.uint32))
        add(6, destination.map(DBusValue.string))
        add(7, sender.map(DBusValue.string))
        add(8, signature.isEmpty ? nil : .signature(signature))
        var writer = DBusWriter()
        for byte in [UInt8(ascii: "l"), kind?.rawValue ?? 0, flags, 1] { try writer.write(.byte(byte)) }
        try writer.write(.uint32(UInt32(body.count)))
        try writer.write(.uint32(serial))
        try writer.write(.array(of: "(yv)", fields))
        writer.align(8)
        guard writer.bytes.count + body.count <= DBusMessage.limit else { throw .malformed("a message too long") }
        return writer.bytes + body
    }

    /// How long the message is that begins with these `headBytes` bytes. Throws where it is none, or longer than the limit.
    package static func length(_ head: [UInt8]) throws(DBusError) -> Int {
        var reader = try start(head)
        let body = Int(try reader.number(UInt32.self))
        _ = try reader.number(UInt32.self)
        let fields = Int(try reader.number(UInt32.self))
        guard body <= limit, fields <= limit, case let whole = (headBytes + fields + 7) / 8 * 8 + body, whole <= limit
        else { throw .malformed("a message of more than \(limit) bytes") }
        return whole
    }

    private static func start(_ bytes: [UInt8]) throws(DBusError) -> DBusReader {
        guard bytes.count >= headBytes, bytes[0] == UInt8(ascii: "l") || bytes[0] == UInt8(ascii: "B"), bytes[3] == 1
        else { throw .malformed("the beginning of a message") }
        return DBusReader(bytes, from: 4, isBigEndian: bytes[0] == UInt8(ascii: "B"))
    }

    /// Reads a whole message; its arguments only when they are asked for.
    package init(_ bytes: [UInt8]) throws(DBusError) {
        guard try DBusMessage.length(Array(bytes.prefix(DBusMessage.headBytes))) == bytes.count else {
            throw .malformed("a message of another length")
        }
        var reader = try DBusMessage.start(bytes)
        kind = Kind(rawValue: bytes[1])
        flags = bytes[2]
        isBigEndian = bytes[0] == UInt8(ascii: "B")
        let bodyBytes = Int(try reader.number(UInt32.self))
        serial = try reader.number()
        var index = 0
        guard case .array(_, let fields) = try reader.value(Array("a(yv)".utf8), &index, depth: 0) else {
            throw .malformed("the header")
        }
        for field in fields {
            if case .structure(let pair) = field, case .byte(let code) = pair[0], case .variant(let value) = pair[1] {
                read(code, value)
            }
        }
        try reader.align(8)
        guard bytes.count - reader.position == bodyBytes else { throw .malformed("a body of another length") }
        body = Array(bytes[reader.position...])
    }

    /// A field of the header; one of another code or type is passed over.
    private mutating func read(_ code: UInt8, _ value: DBusValue) {
        switch (code, value) {
        case (1, .path(let text)): path = text
        case (2, .string(let text)): interface = text
        case (3, .string(let text)): member = text
        case (4, .string(let text)): errorName = text
        case (5, .uint32(let number)): replySerial = number
        case (6, .string(let text)): destination = text
        case (7, .string(let text)): sender = text
        case (8, .signature(let text)): signature = text
        default: break
        }
    }

    package func arguments() throws(DBusError) -> [DBusValue] {
        var reader = DBusReader(body, isBigEndian: isBigEndian)
        return try reader.values(signature)
    }
}
