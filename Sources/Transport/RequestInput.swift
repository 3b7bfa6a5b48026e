import HTTP
import NIOCore
import NIOHTTP1

/// A request while it is being received.
struct RequestInput {
    let head: HTTPRequestHead
    private(set) var body: [UInt8] = []

    init(head: HTTPRequestHead) {
        self.head = head
    }

    /// The body's length as the client announced it.
    var declaredLength: Int? {
        head.headers.first(name: "content-length").flatMap { Int($0) }
    }

    /// Whether the client waits for a word before it sends the body (RFC 9110, 10.1.1).
    var expectsContinue: Bool {
        head.headers.first(name: "expect")?.equalsIgnoringCase("100-continue") ?? false
    }

    mutating func append(_ buffer: ByteBuffer) {
        body.append(contentsOf: buffer.readableBytesView)
    }

    /// The handler's view, nil where the method is unknown or the target cannot be read.
    func request(peer: Peer) -> HTTPRequest? {
        guard let method = HTTP.HTTPMethod(rawValue: head.method.rawValue), let target = RequestTarget(head.uri) else {
            return nil
        }
        let fields = head.headers.map { (name: $0.name, value: $0.value) }
        return HTTPRequest(
            method, target.path, query: target.query, headers: HTTP.HTTPHeaders(fields), body: body, peer: peer)
    }
}
