import APIServer
import Client
import Glibc
import HTTP
import Logging
import PKI
import Store
import Synchronization
import TestSupport
import Transport

/// An API server and a client for it, joined in this process or by HTTPS over loopback.
final class ServedAPI: Sendable {
    enum Way: CaseIterable, Sendable {
        case inProcess, https
    }

    let time: ManualTime
    let client: APIClient
    private let server: APIServer
    private let gate: Gate?

    /// The server's socket, which can go and come back on the same port.
    private struct Gate: Sendable {
        let threads: IOThreads
        let tls: ServerTLS
        let address: ListenAddress
        let first: HTTPServer

        func open(_ handler: any HTTPHandler) async throws -> HTTPServer {
            try await HTTPServer.start(
                on: [address], tls: tls, threads: threads, logger: ServedAPI.quiet, handler: handler)
        }
    }

    private init(time: ManualTime, client: APIClient, server: APIServer, gate: Gate?) {
        self.time = time
        self.client = client
        self.server = server
        self.gate = gate
    }

    static func run(_ way: Way, _ body: (ServedAPI) async throws -> Void) async throws {
        let time = ManualTime()
        let server = try APIServer(store: MemoryStore(), time: time, logger: quiet)
        try await server.start()
        let api =
            switch way {
            case .inProcess: ServedAPI(time: time, client: local(server), server: server, gate: nil)
            case .https: try await overHTTPS(server, time)
            }
        do {
            try await body(api)
        } catch {
            await api.end()
            throw error
        }
        await api.end()
    }

    /// Takes the socket away, lets `body` work in the server's own process, and brings the socket back.
    func interrupt(_ body: (APIClient) async throws -> Void) async throws {
        guard let gate else { return }
        await gate.first.stop(within: .milliseconds(10))
        try await body(Self.local(server))
        let again = try await gate.open(server)
        reopened.withLock { $0 = again }
    }

    private let reopened = Mutex<HTTPServer?>(nil)

    private func end() async {
        await gate?.first.stop(within: .seconds(1))
        await reopened.withLock { $0 }?.stop(within: .seconds(1))
        await server.stop()
        await gate?.threads.stop()
    }

    private static var quiet: Logger { Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }) }

    private static func local(_ server: APIServer) -> APIClient {
        APIClient(handler: server, peer: .inProcess(user: "test", groups: ["system:masters"]), userAgent: "test")
    }

    /// Addresses of this machine that were used.
    private static let addresses = Atomic<Int>(0)

    private static func overHTTPS(_ server: APIServer, _ time: ManualTime) async throws -> ServedAPI {
        // One that nobody else has: while the socket is away nobody takes its port.
        let host = "127.1.0.\(addresses.add(1, ordering: .relaxed).newValue)"
        let now = Int64(Glibc.time(nil))
        let threads = IOThreads(count: 1)
        let authority = try CertificateAuthority(commonName: "test", nowSeconds: now)
        let credential = try authority.issue(
            .server(commonName: "server", dnsNames: ["server.test"], addresses: [host]), nowSeconds: now)
        let user = try authority.issue(
            .client(commonName: "test", organizations: ["system:masters"]), nowSeconds: now)
        let tls = ServerTLS(
            certificatePEM: credential.certificatePEM, keyPEM: credential.keyPEM,
            clientAuthorityPEM: authority.certificatePEM)
        let listener = try await HTTPServer.start(
            on: [.tls(host: host, port: 0)], tls: tls, threads: threads, logger: quiet, handler: server)
        let address = listener.addresses[0]
        let identity = ClientTLS(
            trust: .authority(authority.certificatePEM), certificatePEM: user.certificatePEM, keyPEM: user.keyPEM)
        // All tests begin at once and share the processors.
        var limits = ClientLimits()
        limits.totalTime = .seconds(900)
        let handler = try HTTPClient(
            .https(host: host, port: address.port ?? 0, identity), limits: limits, threads: threads)
        return ServedAPI(
            time: time, client: APIClient(handler: handler, userAgent: "test"), server: server,
            gate: Gate(threads: threads, tls: tls, address: address, first: listener))
    }
}
