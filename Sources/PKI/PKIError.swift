/// Why a certificate, key or token could not be made, read or trusted. Messages name the object and the way out.
package enum PKIError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A system call on a key or certificate file failed.
    case file(operation: String, path: String, errno: Int32)
    /// A file or text does not hold what it should (`object`: its path or role).
    case malformed(object: String, cause: String)
    /// A certificate could not be issued.
    case issue(subject: String, cause: String)
    /// A subject alternative name is neither an IPv4 nor an IPv6 address.
    case invalidAddress(String)
    /// A token was refused.
    case token(TokenRejection)

    package var description: String {
        switch self {
        case .file(let operation, let path, let errno):
            "\(operation) \(path): \(errnoText(errno)); check the directory's owner, mode and free space"
        case .malformed(let object, let cause):
            "\(object) is not usable: \(cause); restore it from a backup, or remove it to have it made anew"
        case .issue(let subject, let cause): "cannot issue a certificate for \(subject): \(cause)"
        case .invalidAddress(let text): "\"\(text)\" is not an IP address; give an IPv4 or IPv6 address"
        case .token(let rejection): "the token was refused: \(rejection)"
        }
    }
}

/// The reason a bearer token was refused. Told to logs, never to the caller in detail.
package enum TokenRejection: Sendable, Equatable {
    /// Longer than the limit, or not three base64url segments.
    case malformed
    /// The header is not the one this cluster's signer writes: another algorithm, key or type.
    case foreignHeader
    case badSignature
    case wrongIssuer
    case wrongAudience
    case expired
    case notYetValid
    /// Signed by us, but the claims lack or contradict what a service account token must say.
    case invalidClaims
}
