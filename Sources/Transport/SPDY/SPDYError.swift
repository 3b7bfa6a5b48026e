/// Why a SPDY connection cannot go on. The peer broke the protocol or a bound; the connection ends with a GOAWAY.
enum SPDYError: Error, Sendable, Hashable, CustomStringConvertible {
    case frame(String)
    case compression(String)
    case headers(String)

    var description: String {
        switch self {
        case .frame(let what): "SPDY frame: \(what)"
        case .compression(let what): "SPDY header compression: \(what)"
        case .headers(let what): "SPDY headers: \(what)"
        }
    }
}
