/// Why a conversation over a bus failed.
package enum DBusError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Nobody answers there.
    case unreachable(bus: String, cause: String)
    /// The other side answered with an error: its name and its words.
    case refused(name: String, message: String)
    /// No answer within the time that the conversation was given.
    case timedOut(waitingFor: String)
    /// Bytes or values that the protocol does not allow.
    case malformed(String)

    package var description: String {
        switch self {
        case .unreachable(let bus, let cause): "there is no bus at \(bus) (\(cause))"
        case .refused(let name, let message): message.isEmpty ? name : message
        case .timedOut(let what): "no answer in time: \(what)"
        case .malformed(let cause): "not as D-Bus is spoken: \(cause)"
        }
    }
}
