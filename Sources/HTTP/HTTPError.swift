/// No response came.
package enum HTTPError: Error, Sendable, Hashable, CustomStringConvertible {
    case connectFailed(endpoint: String, reason: String)
    /// No connection comes about for as long as both sides are as they are.
    case refused(ConnectionRefusal, endpoint: String)
    case connectionLost(reason: String)
    /// - Parameter through: the proxy on the way.
    case timedOut(after: Duration, through: String? = nil)
    case bodyTooLarge(limit: Int)
    case malformed(String)

    package var description: String {
        switch self {
        case .connectFailed(let endpoint, let reason): "cannot connect to \(endpoint): \(reason)"
        case .refused(let refusal, let endpoint): "cannot connect to \(endpoint): \(refusal)"
        case .connectionLost(let reason): "connection lost: \(reason)"
        case .timedOut(let limit, let proxy):
            "no answer within \(limit)" + (proxy.map { " through the proxy \($0)" } ?? "")
        case .bodyTooLarge(let limit): "body is over the limit of \(limit) bytes"
        case .malformed(let what): "malformed message: \(what)"
        }
    }
}

/// What one side will not have of the other.
package enum ConnectionRefusal: Error, Sendable, Hashable, CustomStringConvertible {
    package enum Party: String, Sendable {
        case server, proxy
    }

    /// Its certificate is of no authority that is trusted, or not valid now.
    case untrustedCertificate(of: Party)
    /// Its certificate is for another name.
    case otherCertificate(of: Party)
    /// It takes no client without a certificate that it trusts.
    case wantsCertificate(Party)
    case speaksNoTLS(Party)
    /// The proxy asks for a name and a password; `given` where it had some.
    case wantsPassword(given: Bool)

    package var description: String {
        switch self {
        case .untrustedCertificate(let party):
            "the \(party)'s certificate is of no authority that is trusted here, or not valid now"
        case .otherCertificate(let party): "the \(party)'s certificate is for another name"
        case .wantsCertificate(let party): "the \(party) takes no client without a certificate that it trusts"
        case .speaksNoTLS(let party): "the \(party) does not speak TLS"
        case .wantsPassword(given: false): "the proxy asks for a name and a password"
        case .wantsPassword(given: true): "the proxy takes no such name and password"
        }
    }
}
