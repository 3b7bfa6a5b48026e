import APIMachinery
import Linux
import PKI
import Synchronization

/// The server's certificates: files that this process signs itself.
final class ServerCertificates: CertificateHolder {
    typealias Load = @Sendable (Set<String>, Timestamp) throws(DaemonError) -> ClusterCredentials
    typealias Publish = @Sendable (ClusterCredentials) throws(DaemonError) -> Void

    private let load: Load
    private let publish: Publish
    private let disk = BlockingThreads(count: 1, limit: 1)
    private let current: Mutex<ClusterCredentials>

    /// - Parameters:
    ///   - load: reads them, and renews those that are named or due. Blocks on the disk.
    ///   - publish: gives them to all that use them. Blocks on the disk.
    init(_ credentials: ClusterCredentials, load: @escaping Load, publish: @escaping Publish) {
        current = Mutex(credentials)
        self.load = load
        self.publish = publish
    }

    var credentials: ClusterCredentials { current.withLock { $0 } }
    var certificates: [CertificateSummary] { credentials.summaries }

    func renew(_ names: Set<String>, at now: Timestamp) async throws(DaemonError) {
        let (load, publish, disk) = (load, publish, disk)
        let fresh = try await DaemonError.wrapping("certificates") { () async throws(KernelError) in
            try await disk.run("renew certificates") {
                Result { () throws(DaemonError) in
                    let fresh = try load(names, now)
                    try publish(fresh)
                    return fresh
                }
            }
        }.get()
        current.withLock { $0 = fresh }
    }
}
