import APIMachinery
import Glibc
import KubernetesAPI
import Linux
import Logging
import PKI
import TestSupport
import Testing
import Transport

@testable import Daemon

/// What is decided when a machine joins.
@Suite struct JoinTests {
    private static let now = Timestamp(seconds: 1_800_000_000)
    private static let password = String(repeating: "p", count: 64)

    private func token() throws -> JoinToken {
        let authority = try CertificateAuthority(commonName: "ca", nowSeconds: Self.now.seconds)
        return JoinToken(authority: try PinnedAuthority(pem: authority.certificatePEM, object: "ca"))
    }

    @Test func aTokenIsGoodUntilItExpires() throws {
        let token = try token()
        let kept = try #require(
            BootstrapToken(BootstrapToken.secret(token, expiration: Self.now + .seconds(60), description: "d")))
        #expect(kept.id == token.id && kept.description == "d")
        #expect(kept.verdict(secret: token.secret, now: Self.now) == .good)
        #expect(kept.verdict(secret: token.secret, now: Self.now + .seconds(59)) == .good)
        let end = Self.now + .seconds(60)
        #expect(kept.verdict(secret: token.secret, now: end) == .expired(at: end))
        // That it has expired is nothing for those who do not know it.
        #expect(kept.verdict(secret: "0123456789abcdef", now: end) == .unknown)
        #expect(kept.verdict(secret: "", now: Self.now) == .unknown)
        let lasting = BootstrapToken(BootstrapToken.secret(token, expiration: nil, description: ""))
        #expect(lasting?.verdict(secret: token.secret, now: end) == .good)
    }

    @Test func otherSecretsAreNoTokens() throws {
        let good = BootstrapToken.secret(try token(), expiration: Self.now, description: "")
        #expect(BootstrapToken(good) != nil)
        var other = good
        other.type = "Opaque"
        #expect(BootstrapToken(other) == nil)
        var unreadable = good
        unreadable.data["expiration"] = Bytes("soon".utf8)
        #expect(BootstrapToken(unreadable) == nil)
        var without = good
        without.data["token-secret"] = nil
        #expect(BootstrapToken(without) == nil)
        // Kubernetes' own switch for tokens that may not authenticate.
        var switchedOff = good
        switchedOff.data["usage-bootstrap-authentication"] = Bytes("false".utf8)
        let secret = String(decoding: good.data["token-secret"]?.array ?? [], as: UTF8.self)
        #expect(BootstrapToken(switchedOff)?.verdict(secret: secret, now: .epoch) == .unknown)
    }

    private func claim(
        _ name: String, _ node: Node?, password: String = password, isProven: Bool = false
    ) -> NodeClaim {
        NodeClaim.decide(name, password: password, node: node, isProven: isProven, ownNode: "server")
    }

    private func node(_ password: String?) -> Node {
        Node(name: "a") { $0.metadata.annotations[NodeClaim.annotation] = password.map { Secrets.hash($0) } }
    }

    @Test func aNameBelongsToTheFirstMachine() {
        #expect(claim("a", nil) == .create)
        #expect(claim("a", node(Self.password)) == .proceed)
        for (present, words) in [(node("other"), "another machine"), (node(nil), "did not join")] {
            guard case .refuse(let why) = claim("a", present) else {
                Issue.record("not refused")
                continue
            }
            #expect(why.contains(words) && why.contains("kubectl delete node a"))
            // Whoever shows the node's certificate is the node.
            #expect(claim("a", present, isProven: true) == .bind)
        }
    }

    @Test(arguments: ["", "server", "A", "a_b", "-a", "a-", "a..b", "a/b", "ä", String(repeating: "a", count: 64)])
    func namesThatNobodyGets(_ name: String) {
        guard case .refuse = claim(name, nil, isProven: true) else {
            Issue.record("\(name) was not refused")
            return
        }
    }

    @Test func aPasswordMustBeLong() {
        guard case .refuse = claim("a", nil, password: "short") else {
            Issue.record("not refused")
            return
        }
    }

    @Test func whatAStartDoesWithWhatIsThere() throws {
        let token = try token()
        let other = try self.token()
        func step(_ fingerprint: String?, _ token: JoinToken?, due: Bool = false, expired: Bool = false) -> Joining.Step
        {
            .decide(fingerprint: fingerprint, token: token, isDue: due, isExpired: expired, node: "a")
        }
        #expect(step(nil, token) == .join)
        #expect(step(token.fingerprint, nil) == .keep)
        #expect(step(token.fingerprint, token) == .keep)
        #expect(step(token.fingerprint, nil, due: true) == .renew)
        #expect(step(token.fingerprint, token, due: true, expired: true) == .join)
        // The password is a proof that does not end.
        #expect(step(token.fingerprint, nil, due: true, expired: true) == .renew)
        for (refused, words) in [
            (step(nil, nil), "swiftlet token create"), (step(token.fingerprint, other), "another cluster"),
        ] {
            guard case .refuse(let why) = refused else {
                Issue.record("\(words): not refused")
                continue
            }
            #expect(why.contains(words))
        }
    }

    /// The server is not asked, and what is on disk stays.
    @Test func anotherNameIsNotJoinedByWhilePodsRun() async throws {
        var template = Array("\(temporaryDirectory)/swiftlet-join-XXXXXX".utf8CString)
        let directory = try #require(mkdtemp(&template).map { String(cString: $0) })
        defer { try? TreeRemoval.remove(directory) }
        let authority = try CertificateAuthority(commonName: "ca", nowSeconds: Self.now.seconds)
        let files = MembershipFiles(path: directory)
        try files.save(
            authority: authority.certificatePEM,
            client: try authority.issue(NodeIdentityRequests.client("a"), nowSeconds: Self.now.seconds),
            kubelet: try authority.issue(NodeIdentityRequests.kubelet("a"), nowSeconds: Self.now.seconds))
        #expect(try files.formerName(than: "a") == nil)
        #expect(try files.formerName(than: "b") == "a")
        var joining = Joining(
            files: files, node: "b",
            server: JoinClient(server: try ServerAddress("https://127.0.0.1:1"), threads: IOThreads(count: 1)),
            token: JoinToken(authority: try PinnedAuthority(pem: authority.certificatePEM, object: "ca")),
            now: Self.now.seconds, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        joining.podAddress = { () throws(DaemonError) in IPv4Address("10.42.1.5") }
        let refused = joining
        let error = await #expect(throws: DaemonError.self) { try await refused.run() }
        #expect(error?.description.contains("has joined as node a") == true, "\(error as Any)")
        #expect(error?.description.contains("10.42.1.5") == true)
        // Where none runs, the server is asked.
        joining.podAddress = { () throws(DaemonError) in nil }
        let asking = joining
        let other = await #expect(throws: DaemonError.self) { try await asking.run() }
        #expect(other?.description.contains("127.0.0.1:1") == true, "\(other as Any)")
    }

    @Test(arguments: [
        ("https://192.0.2.1:6443", "https://192.0.2.1:6443"), ("https://k8s.example/", "https://k8s.example:6443"),
        ("https://a:1", "https://a:1"),
    ])
    func serverAddresses(_ text: String, _ read: String) throws {
        #expect(try ServerAddress(text).description == read)
    }

    @Test(arguments: [
        "", "192.0.2.1", "http://a", "https://", "https://:1", "https://a:0", "https://a:70000", "https://a:b",
        "https://a/b",
        "https://a:1:2",
    ])
    func noServerAddresses(_ text: String) {
        #expect(throws: DaemonError.self) { try ServerAddress(text) }
    }

    @Test func messagesSurviveTheWay() {
        let request = JoinRequest(node: "a", password: "p", client: "c", kubelet: "k")
        #expect(JoinRequest(json: request.json) == request)
        var cluster = ClusterFacts(clusterNetwork: "a", serviceNetwork: "b", clusterDomain: "c")
        cluster.podNetwork = "d"
        let answer = JoinAnswer(clientCertificate: "x", kubeletCertificate: "y", cluster: cluster)
        #expect(JoinAnswer(json: answer.json) == answer)
        #expect(JoinRequest(json: ["node": "a"]) == nil)
        #expect(JoinAnswer(json: [:]) == nil)
    }
}
