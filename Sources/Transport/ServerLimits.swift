/// What a server grants its clients. Beyond a limit the client is refused or cut, as each line says.
package struct ServerLimits: Sendable {
    /// Largest request body in bytes; 413 beyond.
    package var bodyBytes = 3 << 20
    /// Request bodies held at one time, all connections together, in bytes; 503 beyond.
    package var bufferedBodyBytes = 128 << 20
    /// All header fields of a request in bytes; 431 beyond (HTTP/2: the stream is refused).
    package var headerBytes = 64 << 10
    /// Open connections on all listeners; further ones are closed at once.
    package var connections = 4_096
    /// Requests at one time on an HTTP/2 connection; further streams are refused.
    package var streamsPerConnection = 250
    /// Control frames, and resets of streams, that an HTTP/2 connection may take in 30 seconds; it is closed beyond.
    package var controlFrames = 2_000
    /// From accept to the end of the TLS handshake; the connection is closed after it.
    package var handshakeTime = Duration.seconds(10)
    /// From a request's first byte to the end of its header; the connection is closed after it.
    package var headTime = Duration.seconds(10)
    /// From the end of a request's header to the end of its body; 408 after it.
    package var bodyTime = Duration.seconds(60)
    /// Without any request; the connection is closed after it.
    package var idleTime = Duration.seconds(180)
    /// A client that takes no byte of a response for this long is cut.
    package var stallTime = Duration.seconds(120)
    /// As above, once whoever sends the response is to end.
    package var partingTime = Duration.seconds(1)
    /// Largest WebSocket message in bytes; close code 1009 beyond.
    package var webSocketMessageBytes = 1 << 20

    package init() {}
}
