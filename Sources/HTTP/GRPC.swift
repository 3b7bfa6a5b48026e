/// How a gRPC call ended when it did not end well: the code by which callers decide, and words for people.
package struct GRPCStatus: Error, Sendable, Hashable, CustomStringConvertible {
    /// The codes of gRPC that are used here, by their numbers.
    package enum Code: Int, Sendable, Hashable {
        case ok = 0
        case cancelled = 1
        case unknown = 2
        case invalidArgument = 3
        case deadlineExceeded = 4
        case notFound = 5
        case alreadyExists = 6
        case permissionDenied = 7
        case resourceExhausted = 8
        case failedPrecondition = 9
        case aborted = 10
        case outOfRange = 11
        case unimplemented = 12
        case `internal` = 13
        case unavailable = 14
        case dataLoss = 15
        case unauthenticated = 16
    }

    package var code: Code
    package var message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}

/// Answers gRPC calls that have one message as their question, and one or a stream of them as their answer. Messages are bytes here.
package protocol GRPCHandler: Sendable {
    /// - Parameter method: `/package.Service/Method`.
    func call(_ method: String, _ message: [UInt8]) async throws(GRPCStatus) -> GRPCReply
}

package enum GRPCReply: Sendable {
    case message([UInt8])
    /// Each chunk is a message. What it throws, where that is no `GRPCStatus`, is `unavailable`.
    case stream(ByteStream)
}

/// How messages stand in a stream of bytes (gRPC over HTTP/2): a byte that says whether it is compressed, four of length, the message.
package enum GRPCFrame {
    package static let headBytes = 5

    /// A message as the stream carries it: not compressed, its length, itself.
    package static func framed(_ message: [UInt8]) -> [UInt8] {
        let length = UInt32(clamping: message.count)
        return [0] + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: length >> $0) } + message
    }

    /// The first message of a stream; empty where there is none, nil where it is compressed or cut off.
    package static func message(in bytes: [UInt8]) -> [UInt8]? {
        if bytes.isEmpty { return [] }
        guard bytes.count >= headBytes, bytes[0] == 0, let length = length(in: bytes[...]) else { return nil }
        guard bytes.count - headBytes >= length else { return nil }
        return Array(bytes[headBytes..<headBytes + length])
    }

    /// The length that a message's head gives; nil where the head is not whole.
    package static func length(in bytes: ArraySlice<UInt8>) -> Int? {
        guard bytes.count >= headBytes else { return nil }
        return bytes.dropFirst().prefix(4).reduce(0) { $0 << 8 | Int($1) }
    }
}

/// How long a call may take, as the `grpc-timeout` field says it.
package enum GRPCTimeout {
    private static let units: [Character: Duration] = [
        "H": .seconds(3_600), "M": .seconds(60), "S": .seconds(1), "m": .milliseconds(1), "u": .microseconds(1),
        "n": .nanoseconds(1),
    ]

    /// nil where the text is none: up to eight digits and a unit.
    package static func duration(_ text: String) -> Duration? {
        guard let unit = text.last.flatMap({ units[$0] }), (2...9).contains(text.utf8.count),
            text.dropLast().utf8.allSatisfy({ (48...57).contains($0) }), let count = Int(text.dropLast())
        else { return nil }
        return unit * count
    }

    /// In milliseconds, at least one.
    package static func text(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let milliseconds = min(max(seconds, 0), 99_999) * 1_000 + attoseconds / 1_000_000_000_000_000
        return "\(min(max(milliseconds, 1), 99_999_999))m"
    }
}

/// The text of a `grpc-message` field: everything but plain ASCII is percent-encoded.
package enum GRPCText {
    package static func encoded(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            if (0x20...0x7E).contains(byte) && byte != UInt8(ascii: "%") {
                result.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                let digits = String(byte, radix: 16, uppercase: true)
                result += "%" + (digits.utf8.count == 1 ? "0" : "") + digits
            }
        }
        return result
    }

    /// What is encoded wrongly stays as it is.
    package static func decoded(_ text: String) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.count >= 2,
                let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
