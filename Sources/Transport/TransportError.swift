/// Why a server could not listen or its TLS could not be set up.
package enum TransportError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Something else listens there already.
    case addressInUse(String)
    /// The address cannot be listened on.
    case listenFailed(address: String, reason: String)
    /// A certificate, key or authority cannot be used for TLS (`object`: which).
    case tls(object: String, reason: String)

    package var description: String {
        switch self {
        case .addressInUse(let address):
            "\(address) is in use by another process; stop it or choose another address"
        case .listenFailed(let address, let reason): "cannot listen on \(address): \(reason)"
        case .tls(let object, let reason): "cannot use \(object) for TLS: \(reason)"
        }
    }
}
