import APIMachinery
import Glibc
import TestSupport
import Testing

@testable import Daemon

@Suite struct ClusterCredentialsTests {
    /// All stays as it is until two thirds of the year are over.
    @Test func theServerShowsANewCertificateWhenTheOldIsDue() throws {
        var template = Array("\(temporaryDirectory)/credentials-XXXXXX\0".utf8CString)
        let directory = try #require(mkdtemp(&template).map { String(cString: $0) })
        defer {
            for name in ["ca", "apiserver", "apiserver-kubelet-client", "admin", "service-accounts"] {
                for suffix in ["crt", "key"] { unlink("\(directory)/\(name).\(suffix)") }
            }
            rmdir(directory)
        }
        func load(_ day: Int64, renewing names: Set<String> = []) throws -> ClusterCredentials {
            try ClusterCredentials.load(
                in: directory, renewing: names, names: ["node"], addresses: ["10.0.0.1"],
                clusterDomain: "cluster.local", now: Timestamp(seconds: 1_795_000_000 + day * 86_400))
        }
        let first = try load(0)
        #expect(try load(1).tls.certificatePEM == first.tls.certificatePEM)
        let later = try load(250)
        #expect(later.tls.certificatePEM != first.tls.certificatePEM)
        #expect(later.tls.clientAuthorityPEM == first.tls.clientAuthorityPEM)
        #expect(later.server.isIssued(by: first.authority))
        #expect(later.admin.certificatePEM != first.admin.certificatePEM)
        // A clock that is set back leaves what was made ahead of it not valid yet, but for the authority.
        let earlier = try load(-400)
        #expect(earlier.server.certificatePEM != later.server.certificatePEM)
        #expect(earlier.authority == first.authority && earlier.authority.credential.notBeforeSeconds == 0)
        // One that is named is new, the others stay.
        let named = try load(-400, renewing: ["admin"])
        #expect(named.admin.certificatePEM != earlier.admin.certificatePEM)
        #expect(named.server.certificatePEM == earlier.server.certificatePEM)
        #expect(named.summaries.map(\.name) == ["ca", "apiserver", "admin", "apiserver-kubelet-client"])
        #expect(named.summaries.map(\.purpose) == [.authority, .server, .client, .client])
        #expect(Set(named.summaries.map(\.authority)) == ["CN=swiftlet-ca"])
    }
}
