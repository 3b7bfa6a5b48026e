import NIOSSL

/// The server's certificate and whom it trusts as clients.
package struct ServerTLS: Sendable {
    /// The certificate and any intermediates, leaf first.
    package var certificatePEM: String
    package var keyPEM: String
    /// Signs client certificates. A client may come without one; a certificate of another authority is refused. Nil: none are asked for.
    package var clientAuthorityPEM: String?

    package init(certificatePEM: String, keyPEM: String, clientAuthorityPEM: String? = nil) {
        self.certificatePEM = certificatePEM
        self.keyPEM = keyPEM
        self.clientAuthorityPEM = clientAuthorityPEM
    }

    func context() throws(TransportError) -> NIOSSLContext {
        let chain = try parse("the server certificate") {
            try NIOSSLCertificate.fromPEMBytes(Array(certificatePEM.utf8))
        }
        let key = try parse("the server key") { try NIOSSLPrivateKey(bytes: Array(keyPEM.utf8), format: .pem) }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["h2", "http/1.1"]
        configuration.shutdownTimeout = .seconds(1)
        if let clientAuthorityPEM {
            let roots = try parse("the client authority") {
                try NIOSSLCertificate.fromPEMBytes(Array(clientAuthorityPEM.utf8))
            }
            configuration.trustRoots = .certificates(roots)
            configuration.certificateVerification = .optionalVerification
        }
        return try parse("the server certificate") { try NIOSSLContext(configuration: configuration) }
    }
}

/// Runs a BoringSSL call and says which object it failed on.
func parse<Value>(_ object: String, _ body: () throws -> Value) throws(TransportError) -> Value {
    do {
        return try body()
    } catch {
        throw .tls(object: object, reason: "\(error)")
    }
}
