import HTTP
import NIOCore
import NIOPosix
import NIOSSL

/// Why a connection could not be made or broke, in the system's words where there are any.
func connectionReason(_ error: any Error) -> String {
    if let system = error as? IOError { return systemText(system.errnoCode) }
    if let connect = error as? NIOConnectionError, let first = connect.connectionErrors.first {
        return connectionReason(first.error)
    }
    if let connect = error as? NIOConnectionError, let unknown = connect.dnsAError ?? connect.dnsAAAAError {
        return connectionReason(unknown)
    }
    if let unknown = error as? SocketAddressError.UnknownHost { return unknown.errorDescription }
    if let refusal = ConnectionRefusal(error, of: .server) { return refusal.description }
    return tlsFailure(error).map { $0.word.map { "TLS failed: \($0)" } ?? $0.text } ?? "\(error)"
}

extension ConnectionRefusal {
    /// Nil for what is no failure of TLS, or one that may be over next time.
    init?(_ error: any Error, of party: Party) {
        if let tls = error as? NIOSSLExtraError, tls == .failedToValidateHostname {
            self = .otherCertificate(of: party)
            return
        }
        switch tlsFailure(error)?.word {
        case "CERTIFICATE_VERIFY_FAILED": self = .untrustedCertificate(of: party)
        case "WRONG_VERSION_NUMBER": self = .speaksNoTLS(party)
        case "SSLV3_ALERT_BAD_CERTIFICATE", "TLSV1_ALERT_UNKNOWN_CA", "SSLV3_ALERT_CERTIFICATE_UNKNOWN",
            "SSLV3_ALERT_CERTIFICATE_EXPIRED", "TLSV1_CERTIFICATE_REQUIRED", "TLSV1_ALERT_CERTIFICATE_REQUIRED":
            self = .wantsCertificate(party)
        default: return nil
        }
    }
}

/// BoringSSL's description of a failure, and the word in it that says which. Nil for errors that are none of TLS.
private func tlsFailure(_ error: any Error) -> (text: String, word: String?)? {
    // The latter after the handshake, as where a server looks at the client's certificate only then.
    guard error is NIOSSLError || error is BoringSSLError else { return nil }
    let text = "\(error)"
    let parts = text.split(separator: ":")
    guard let mark = parts.firstIndex(of: "OPENSSL_internal"), mark + 1 < parts.count else { return (text, nil) }
    return (text, String(parts[mark + 1].prefix { $0 != " " && $0 != "]" }))
}
