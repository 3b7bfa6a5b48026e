import JSONTree
import Streaming

/// One message of the newest protocol as the client sees it.
package enum ExecMessage: Sendable, Hashable {
    package static let subprotocol = CommandProtocol.newest

    case standardOutput([UInt8])
    case standardError([UInt8])
    /// The session's end: the exit code, or why there is none.
    case ended(exitCode: Int32)
    case failed(String)
    /// The command did not come to run: why, and the exit code that a shell gives for that.
    case notStarted(String, exitCode: Int32)
    /// Of a session of `swiftlet run` alone: the container runs, which has this id.
    case started(String)
    /// Of a channel that this client has no use for.
    case other

    package init(_ bytes: [UInt8]) {
        switch bytes.first.flatMap(CommandChannel.init(rawValue:)) {
        case .standardOutput: self = .standardOutput(Array(bytes.dropFirst()))
        case .standardError: self = .standardError(Array(bytes.dropFirst()))
        case .end: self = Self.end(Array(bytes.dropFirst()))
        case .start: self = .started(String(decoding: bytes.dropFirst(), as: UTF8.self))
        case .standardInput, .size, .signal, .close, nil: self = .other
        }
    }

    package static func standardInput(_ bytes: [UInt8]) -> [UInt8] { CommandChannel.standardInput.message(bytes) }
    /// Closes the process's standard input.
    package static let endOfInput = CommandChannel.close.message([CommandChannel.standardInput.rawValue])

    /// Of a session of `swiftlet run` alone.
    package static func signal(_ number: Int32) -> [UInt8] {
        CommandChannel.signal.message([UInt8(truncatingIfNeeded: number)])
    }

    package static func resize(columns: UInt16, rows: UInt16) -> [UInt8] {
        let size: JSONValue = ["Width": .integer(Int64(columns)), "Height": .integer(Int64(rows))]
        return CommandChannel.size.message(size.encoded())
    }

    /// From the Status that closes the session.
    private static func end(_ bytes: [UInt8]) -> ExecMessage {
        switch CommandEnd(bytes) {
        case .ended(let code): .ended(exitCode: code)
        case .notStarted(let cause, let code): .notStarted(cause, exitCode: code)
        case .failed(let message): .failed(message)
        }
    }
}
