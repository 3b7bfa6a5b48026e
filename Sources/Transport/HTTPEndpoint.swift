import NIOCore
import NIOPosix
import NIOSSL

/// Where a client connects.
package enum HTTPEndpoint: Sendable, Equatable, CustomStringConvertible {
    /// TLS to an IP address or a host name.
    case https(host: String, port: Int, ClientTLS)
    case http(host: String, port: Int)
    case unix(path: String)

    package var description: String {
        switch self {
        case .https(let host, let port, _): "https://" + hostPort(host, port)
        case .http(let host, let port): "http://" + hostPort(host, port)
        case .unix(let path): "unix:" + path
        }
    }

    /// The Host field where the caller sets none.
    var hostField: String {
        switch self {
        case .https(let host, let port, _), .http(let host, let port): hostPort(host, port)
        case .unix: "localhost"
        }
    }

    /// Opens a connection. The future fails where nobody answers within `timeout`.
    func connect(_ bootstrap: ClientBootstrap) -> EventLoopFuture<any Channel> {
        switch self {
        case .https(let host, let port, _), .http(let host, let port):
            if let address = try? SocketAddress(ipAddress: host, port: port) { return bootstrap.connect(to: address) }
            return bootstrap.connect(host: host, port: port)
        case .unix(let path): return bootstrap.connect(unixDomainSocketPath: path)
        }
    }
}

/// Whom a client trusts and as whom it shows itself.
package struct ClientTLS: Sendable, Equatable {
    package enum Trust: Sendable, Equatable {
        /// Certificates signed by these authorities (PEM), for the host that is connected to.
        case authority(String)
        /// The authorities that the system trusts.
        case system
        /// Those, and these (PEM) beside them.
        case systemAnd(String)
        /// Any certificate: for probes, which check that something answers, not who.
        case anyone
    }

    package var trust: Trust
    /// The client's certificate and key (PEM), nil to come without one.
    package var certificatePEM: String?
    package var keyPEM: String?
    /// The name to expect in the server's certificate in place of the host connected to. A certificate for the address connected to is accepted too,
    /// but not through a proxy.
    package var serverName: String?

    package init(
        trust: Trust, certificatePEM: String? = nil, keyPEM: String? = nil, serverName: String? = nil
    ) {
        self.trust = trust
        self.certificatePEM = certificatePEM
        self.keyPEM = keyPEM
        self.serverName = serverName
    }

    /// - Parameter isTunnelled: what is connected to is a proxy, so the server's name is left to `TunnelledName`.
    func context(isTunnelled: Bool = false) throws(TransportError) -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        if isTunnelled { configuration.certificateVerification = .noHostnameVerification }
        // A server that is busy with a request reads nothing; closing must not wait for its word.
        configuration.shutdownTimeout = .milliseconds(20)
        func authorities(_ pem: String) throws(TransportError) -> [NIOSSLCertificate] {
            try parse("the server's authority") { try NIOSSLCertificate.fromPEMBytes(Array(pem.utf8)) }
        }
        switch trust {
        case .authority(let pem): configuration.trustRoots = .certificates(try authorities(pem))
        case .system: break
        case .systemAnd(let pem): configuration.additionalTrustRoots = [.certificates(try authorities(pem))]
        case .anyone:
            configuration.certificateVerification = .none
            // The system's authorities take milliseconds to load.
            configuration.trustRoots = .certificates([])
        }
        if let certificatePEM, let keyPEM {
            let chain = try parse("the client certificate") {
                try NIOSSLCertificate.fromPEMBytes(Array(certificatePEM.utf8))
            }
            let key = try parse("the client key") { try NIOSSLPrivateKey(bytes: Array(keyPEM.utf8), format: .pem) }
            configuration.certificateChain = chain.map { .certificate($0) }
            configuration.privateKey = .privateKey(key)
        }
        return try parse("the client certificate") { try NIOSSLContext(configuration: configuration) }
    }
}
