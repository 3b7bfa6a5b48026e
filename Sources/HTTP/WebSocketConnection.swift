/// One side of an established WebSocket: whole messages, fragments already joined, pings already answered.
package protocol WebSocketConnection: Sendable {
    /// The next message, nil once the peer has closed. Read by one task.
    func receive() async throws -> WebSocketMessage?
    /// Returns when the message is handed to the socket; waits while the peer reads slowly.
    func send(_ message: WebSocketMessage) async throws
    /// Sends a close frame with this code (RFC 6455, 7.4.1) and ends the connection.
    func close(code: UInt16) async
}

package enum WebSocketMessage: Sendable, Hashable {
    case binary([UInt8])
    case text(String)
}
