import Glibc
import HTTP
import Logging
import PKI
import TestSupport
import Testing
import Transport

/// A handler made of a closure.
struct Answer: HTTPHandler {
    let answer: @Sendable (HTTPRequest) async -> HTTPResponse

    func handle(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
        await answer(request)
    }
}

/// All tests begin at once and share the processors: between two steps of one a minute may go by.
extension ServerLimits {
    static let patient = {
        var limits = ServerLimits()
        let time = Duration.seconds(900)
        (limits.handshakeTime, limits.headTime, limits.bodyTime, limits.idleTime, limits.stallTime) =
            (time, time, time, time, time)
        return limits
    }()
}

extension ClientLimits {
    static let patient = {
        var limits = ClientLimits()
        limits.totalTime = .seconds(900)
        return limits
    }()
}

/// A server on loopback with its own authority, and clients for it.
struct Lab: Sendable {
    let threads: IOThreads
    let authority: CertificateAuthority
    let server: HTTPServer
    let directory: String

    var tlsPort: Int { server.addresses[0].port ?? 0 }
    var plainPort: Int { server.addresses[1].port ?? 0 }
    var socket: String { directory + "/s" }

    static let now = Int64(time(nil))

    /// Runs `body` against a server on TLS, plain TCP and a unix socket.
    static func run(
        limits: ServerLimits = .patient, _ answer: @escaping @Sendable (HTTPRequest) async -> HTTPResponse,
        _ body: (Lab) async throws -> Void
    ) async throws {
        let threads = IOThreads(count: 1)
        let authority = try CertificateAuthority(commonName: "lab", nowSeconds: now)
        let directory = scratchDirectory()
        let server = try await HTTPServer.start(
            on: [
                .tls(host: "127.0.0.1", port: 0), .plain(host: "127.0.0.1", port: 0),
                .unix(path: directory + "/s", mode: 0o600),
            ],
            tls: serverTLS(authority), limits: limits, threads: threads, logger: quiet, handler: Answer(answer: answer))
        let lab = Lab(threads: threads, authority: authority, server: server, directory: directory)
        do {
            try await body(lab)
        } catch {
            await lab.end()
            throw error
        }
        await lab.end()
    }

    static func serverTLS(
        _ authority: CertificateAuthority, name: String = "lab.test", addresses: [String] = ["127.0.0.1"]
    ) throws -> ServerTLS {
        let credential = try authority.issue(
            .server(commonName: "server", dnsNames: [name], addresses: addresses), nowSeconds: now)
        return ServerTLS(
            certificatePEM: credential.certificatePEM, keyPEM: credential.keyPEM,
            clientAuthorityPEM: authority.certificatePEM)
    }

    static var quiet: Logger { Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }) }

    private func end() async {
        await server.stop(within: .seconds(1))
        await threads.stop()
        unlink(socket)
        rmdir(directory)
    }

    func client(as user: Credential? = nil, serverName: String? = nil, limits: ClientLimits = .patient) throws
        -> HTTPClient
    {
        let tls = ClientTLS(
            trust: .authority(authority.certificatePEM), certificatePEM: user?.certificatePEM, keyPEM: user?.keyPEM,
            serverName: serverName)
        return try HTTPClient(.https(host: "127.0.0.1", port: tlsPort, tls), limits: limits, threads: threads)
    }

    func plainClient(limits: ClientLimits = .patient) throws -> HTTPClient {
        try HTTPClient(.http(host: "127.0.0.1", port: plainPort), limits: limits, threads: threads)
    }

    func unixClient() throws -> HTTPClient {
        try HTTPClient(.unix(path: socket), threads: threads)
    }

    func user(_ name: String, _ groups: [String]) throws -> Credential {
        try authority.issue(.client(commonName: name, organizations: groups), nowSeconds: Self.now)
    }
}

func scratchDirectory() -> String {
    var template = Array("\(temporaryDirectory)/transport-XXXXXX".utf8CString)
    let made = mkdtemp(&template)
    precondition(made != nil)
    return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

/// A port at which nobody listens, and the socket that keeps it from others.
func unheardPort() throws -> (port: Int, holder: Int32) {
    let holder = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &address) { address in
        address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(holder, $0, size) == 0 && getsockname(holder, $0, &size) == 0
        }
    }
    try #require(isBound)
    return (Int(address.sin_port.bigEndian), holder)
}

extension HTTPResponse {
    static func text(_ text: String, status: Int = 200) -> HTTPResponse {
        HTTPResponse(status, contentType: "text/plain", Array(text.utf8))
    }

    var text: String {
        get async throws { String(decoding: try await bytes(limit: 1 << 26), as: UTF8.self) }
    }
}
