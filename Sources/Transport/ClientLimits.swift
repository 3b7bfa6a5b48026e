/// What a client waits for and holds.
package struct ClientLimits: Sendable {
    /// From the call to the end of the response, for a stream to the end of its header; `timedOut` after it. It begins anew with each part of a long body that
    /// the server has taken, so that a slow line is no dead one.
    package var totalTime = Duration.seconds(30)
    /// Largest body that is collected, in bytes; `bodyTooLarge` beyond. A stream has no limit.
    package var bodyBytes = 64 << 20
    /// Bodies of an announced length over this come as streams too; nil: they are collected.
    package var streamsBodiesOver: Int?
    /// All header fields of a response in bytes; `malformed` beyond.
    package var headerBytes = 64 << 10
    /// Connections at one time, streams included; `connectFailed` beyond.
    package var connections = 256
    /// Connections kept open for the next request; further ones are closed after use.
    package var idleConnections = 8
    /// Largest WebSocket message in bytes.
    package var webSocketMessageBytes = 1 << 20

    package init() {}
}
