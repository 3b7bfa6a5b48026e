import HTTP

extension ConnectionRefusal {
    /// What to do about it at a registry.
    func wayOut(at registry: RegistryOrigin) -> String {
        let host = registry.hostField
        return switch self {
        case .untrustedCertificate(of: .server):
            "an authority of its own is named by the setting registry-ca, or is certs.d/\(host)/ca.crt"
        case .otherCertificate(of: .server): "it must name \(registry.host) among its alternative names"
        case .untrustedCertificate(of: .proxy), .otherCertificate(of: .proxy):
            "an authority of its own must be among the system's (update-ca-certificates(8))"
        case .wantsCertificate(.server):
            "certs.d/\(host) (setting registry-certs) holds it as client.cert and client.key"
        case .wantsCertificate(.proxy): "the daemon has none for proxies"
        case .speaksNoTLS(.server):
            "a registry without TLS is named by the setting registries: \(host)=http://\(host)"
        case .speaksNoTLS(.proxy):
            "the daemon's HTTP_PROXY and HTTPS_PROXY name one without TLS as http://HOST:PORT"
        case .wantsPassword:
            "the daemon's HTTP_PROXY and HTTPS_PROXY name them: http://USER:PASSWORD@HOST:PORT"
        }
    }
}
