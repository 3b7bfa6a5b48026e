import APIMachinery
import PKI

/// The certificates that this process serves with and shows, the authority's first.
protocol CertificateHolder: Sendable {
    var certificates: [CertificateSummary] { get }

    /// Renews those that are due, and those named in any case, and takes them up: connections that are made from now on use them.
    func renew(_ names: Set<String>, at now: Timestamp) async throws(DaemonError)
}
