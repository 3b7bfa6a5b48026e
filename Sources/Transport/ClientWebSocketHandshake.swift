import NIOCore
import NIOHTTP1
import NIOWebSocket

/// The client's side of the opening handshake (RFC 6455, 4.1).
struct ClientWebSocketHandshake: Sendable {
    let key: String
    let subprotocols: [String]

    func prepare(_ head: inout HTTPRequestHead) {
        head.method = .GET
        head.headers.replaceOrAdd(name: "Connection", value: "Upgrade")
        head.headers.replaceOrAdd(name: "Upgrade", value: "websocket")
        upgrader.addCustom(upgradeRequestHeaders: &head.headers)
        if !subprotocols.isEmpty {
            head.headers.replaceOrAdd(
                name: "Sec-WebSocket-Protocol", value: subprotocols.joined(separator: ", "))
        }
    }

    /// Whether the server has agreed, with the right key and one of the offered subprotocols.
    func accepts(_ head: HTTPResponseHead) -> Bool {
        guard head.status == .switchingProtocols, upgrader.shouldAllowUpgrade(upgradeResponse: head) else {
            return false
        }
        guard let chosen = head.headers.first(name: "sec-websocket-protocol") else { return subprotocols.isEmpty }
        return subprotocols.contains(chosen)
    }

    private var upgrader: NIOWebSocketClientUpgrader {
        NIOWebSocketClientUpgrader(
            requestKey: key, upgradePipelineHandler: { channel, _ in channel.eventLoop.makeSucceededVoidFuture() })
    }
}
