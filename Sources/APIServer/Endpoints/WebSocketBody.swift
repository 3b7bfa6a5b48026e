import APIMachinery
import HTTP

/// The body of an answer in the messages of a WebSocket, for clients in browsers (apiserver's wsstream/stream.go): as bytes, or in base64.
enum WebSocketBody {
    private static let text = "base64.binary.k8s.io"
    private static let subprotocols = ["binary.k8s.io", text]

    /// - Returns: the answer as it is where the request asks for no WebSocket, or nothing went well.
    static func carrying(_ response: HTTPResponse, for request: HTTPRequest) throws(Status) -> HTTPResponse {
        guard request.asksForWebSocket, response.status == 200 else { return response }
        let stream: ByteStream
        switch response.body {
        case .stream(let body): stream = body
        case .parts(let parts): stream = ByteStream(parts)
        case .webSocket, .streams: return response
        }
        let offered = subprotocols.first { request.offers($0, in: "Sec-WebSocket-Protocol") }
        guard offered != nil || request.headers["Sec-WebSocket-Protocol"] == nil else {
            stream.cancel()
            throw .badRequest(
                "a WebSocket carries this with \(subprotocols.joined(separator: " or ")), or without a protocol")
        }
        let held = HeldStream(stream)
        return HTTPResponse(
            101,
            body: .webSocket(subprotocol: offered ?? "", isEndless: stream.isEndless) { connection in
                await carry(held.stream, to: connection, isText: offered == text)
                withExtendedLifetime(held) {}
            })
    }

    /// Returns when the body has ended or the client has gone.
    private static func carry(_ stream: ByteStream, to connection: any WebSocketConnection, isText: Bool) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                do {
                    while let bytes = try await stream.next() {
                        try await connection.send(isText ? .text(Bytes(bytes).base64) : .binary(bytes))
                    }
                } catch {
                    // The client has gone, or what it read has broken off.
                }
                await connection.close(code: 1000)
            }
            group.addTask { while (try? await connection.receive()) ?? nil != nil {} }
            await group.next()
            group.cancelAll()
        }
        stream.cancel()
    }
}

/// A body that nobody has taken up is cancelled with its last reference: the upgrade may not come about.
private final class HeldStream: Sendable {
    let stream: ByteStream

    init(_ stream: ByteStream) {
        self.stream = stream
    }

    deinit {
        stream.cancel()
    }
}
