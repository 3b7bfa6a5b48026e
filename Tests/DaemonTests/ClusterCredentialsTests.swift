import APIMachinery
import Glibc
import Testing

@testable import Daemon

@Suite struct ClusterCredentialsTests {
    /// What the daily look at the certificates relies on: all stays as it is until two thirds of the year are over.
    @Test func theServerShowsANewCertificateWhenTheOldIsDue() throws {
        var template = Array("/tmp/credentials-XXXXXX\0".utf8CString)
        let directory = try #require(mkdtemp(&template).map { String(cString: $0) })
        defer {
            for name in ["ca", "apiserver", "admin", "service-accounts"] {
                for suffix in ["crt", "key"] { unlink("\(directory)/\(name).\(suffix)") }
            }
            rmdir(directory)
        }
        func load(_ day: Int64) throws -> ClusterCredentials {
            try ClusterCredentials.load(
                in: directory, names: ["node"], addresses: ["10.0.0.1"], clusterDomain: "cluster.local",
                now: Timestamp(seconds: 1_795_000_000 + day * 86_400))
        }
        let first = try load(0)
        #expect(try load(1).tls.certificatePEM == first.tls.certificatePEM)
        let later = try load(250)
        #expect(later.tls.certificatePEM != first.tls.certificatePEM)
        #expect(later.tls.clientAuthorityPEM == first.tls.clientAuthorityPEM)
        #expect(later.server.isIssued(by: first.authority))
        #expect(later.admin.certificatePEM != first.admin.certificatePEM)
    }
}
