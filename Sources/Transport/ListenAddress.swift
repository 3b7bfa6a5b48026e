/// Where a server listens.
package enum ListenAddress: Sendable, Hashable, CustomStringConvertible {
    /// TLS with HTTP/2 and HTTP/1.1. `host` is an IP address; port 0 lets the kernel choose.
    case tls(host: String, port: Int)
    /// HTTP/1.1 without encryption: for loopback health endpoints.
    case plain(host: String, port: Int)
    /// HTTP/1.1 on a unix socket whose file gets `mode`; the peer is known by SO_PEERCRED.
    case unix(path: String, mode: UInt32 = 0o600)
    /// HTTP/2 without TLS, from the first byte, on a unix socket: what gRPC speaks there.
    case unixHTTP2(path: String, mode: UInt32 = 0o600)

    package var description: String {
        switch self {
        case .tls(let host, let port): "https://" + hostPort(host, port)
        case .plain(let host, let port): "http://" + hostPort(host, port)
        case .unix(let path, _), .unixHTTP2(let path, _): "unix:" + path
        }
    }

    /// The TCP port, nil for a unix socket.
    package var port: Int? {
        switch self {
        case .tls(_, let port), .plain(_, let port): port
        case .unix, .unixHTTP2: nil
        }
    }
}

/// `host:port`, with brackets around an IPv6 address.
func hostPort(_ host: String, _ port: Int) -> String {
    host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
}
