import HTTP
import NIOHTTP1

/// How a response's head is put on the wire. Pure: framing is decided here, not by the encoder.
enum ResponseHead {
    /// How the end of the body is told.
    enum Framing: Equatable {
        /// This many bytes.
        case length(Int)
        /// Until the end of the stream: chunks in HTTP/1.1, the end of the stream in HTTP/2, the end of the connection in HTTP/1.0.
        case open
    }

    /// Builds the head that answers `request`. `closing`: whether the connection ends with this response (HTTP/1 only).
    static func make(
        _ response: HTTPResponse, framing: Framing, answering request: HTTPRequestHead, closing: Bool
    ) -> HTTPResponseHead {
        let status = HTTPResponseStatus(statusCode: response.status)
        var headers = NIOHTTP1.HTTPHeaders()
        headers.reserveCapacity(response.headers.fields.count + 2)
        for (name, value) in response.headers.fields where isOurs(name) {
            headers.add(name: name, value: clean(value))
        }
        if mayHaveBody(response.status) {
            switch framing {
            case .length(let count): headers.add(name: "Content-Length", value: String(count))
            case .open where request.version == .http1_1 && request.method != .HEAD:
                headers.add(name: "Transfer-Encoding", value: "chunked")
            case .open: break
            }
        }
        if closing { headers.add(name: "Connection", value: "close") }
        return HTTPResponseHead(version: request.version, status: status, headers: headers)
    }

    static func mayHaveBody(_ status: Int) -> Bool {
        status >= 200 && status != 204 && status != 304
    }

    /// Framing and connection fields are the transport's; a handler's are dropped.
    private static func isOurs(_ name: String) -> Bool {
        guard !name.isEmpty, name.utf8.allSatisfy(isTokenByte) else { return false }
        return !transportFields.contains { $0.equalsIgnoringCase(name) }
    }

    private static let transportFields = [
        "content-length", "transfer-encoding", "connection", "upgrade", "keep-alive",
    ]

    /// A value may quote user input: line ends and other control characters become spaces, so that no field can be smuggled in.
    private static func clean(_ value: String) -> String {
        guard value.utf8.contains(where: isControl) else { return value }
        return String(decoding: value.utf8.map { isControl($0) ? UInt8(ascii: " ") : $0 }, as: UTF8.self)
    }

    private static func isControl(_ byte: UInt8) -> Bool {
        (byte < 0x20 && byte != 0x09) || byte == 0x7F
    }

    /// RFC 9110, 5.6.2.
    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "!"),
            UInt8(ascii: "#")...UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "."),
            UInt8(ascii: "^"), UInt8(ascii: "`"), UInt8(ascii: "|"), UInt8(ascii: "~"):
            true
        default: false
        }
    }
}
