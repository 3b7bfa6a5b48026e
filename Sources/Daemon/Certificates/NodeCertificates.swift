import APIMachinery
import Logging
import PKI
import Synchronization
import Transport

/// An agent's certificates, which the server signs anew: both at once, whichever is named.
final class NodeCertificates: CertificateHolder {
    private let server: JoinClient
    private let node: String
    private let logger: Logger
    private let current: Mutex<Membership>
    /// Uses the renewed ones.
    private let takeUp: @Sendable (Membership) throws(TransportError) -> Void

    init(
        _ membership: Membership, server: JoinClient, node: String, logger: Logger,
        takeUp: @escaping @Sendable (Membership) throws(TransportError) -> Void
    ) {
        current = Mutex(membership)
        self.server = server
        self.node = node
        self.logger = logger
        self.takeUp = takeUp
    }

    var certificates: [CertificateSummary] { current.withLock { $0 }.summaries }

    func renew(_ names: Set<String>, at now: Timestamp) async throws(DaemonError) {
        let present = current.withLock { $0 }
        let joining = Joining(
            files: present.files, node: node, server: server, token: nil, now: now.seconds, logger: logger)
        let fresh = try await joining.renewed(present)
        let takeUp = takeUp
        try DaemonError.wrapping("renewed certificates") { () throws(TransportError) in try takeUp(fresh) }
        current.withLock { $0 = fresh }
    }
}
