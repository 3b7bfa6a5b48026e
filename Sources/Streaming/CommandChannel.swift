/// The channel of a message of exec or attach over one WebSocket: its first byte.
package enum CommandChannel: UInt8, Sendable {
    case standardInput = 0
    case standardOutput = 1
    case standardError = 2
    /// The Status that closes the session, as JSON.
    case end = 3
    /// The terminal's size, as JSON.
    case size = 4
    /// Of our own sessions alone: a signal's number in one byte.
    case signal = 5
    /// Of our own sessions alone: the command has started, in the container with this id.
    case start = 6
    /// Closes the channel that its second byte names; since the fifth protocol.
    case close = 255

    package func message(_ content: some Sequence<UInt8>) -> [UInt8] { [rawValue] + content }
}
