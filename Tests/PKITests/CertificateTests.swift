import PKI
import Testing

@Suite struct CertificateTests {
    static let now: Int64 = 1_800_000_000
    static let day: Int64 = 86_400

    @Test func issuesWhatWasAsked() throws {
        let authority = try CertificateAuthority(commonName: "ca", nowSeconds: Self.now)
        let server = try authority.issue(
            .server(commonName: "api", dnsNames: ["a.test"], addresses: ["10.0.0.1", "::1"]), nowSeconds: Self.now)
        #expect(server.isIssued(by: authority))
        #expect(server.notBeforeSeconds == Self.now - 300)
        #expect(server.notAfterSeconds == Self.now + 365 * Self.day)
        let other = try CertificateAuthority(commonName: "ca", nowSeconds: Self.now)
        #expect(!server.isIssued(by: other))
    }

    @Test func neverOutlastsTheAuthority() throws {
        let authority = try CertificateAuthority(commonName: "ca", nowSeconds: Self.now)
        let late = Self.now + 3_600 * Self.day
        let client = try authority.issue(.client(commonName: "u"), nowSeconds: late)
        #expect(client.notAfterSeconds == Self.now + 3_650 * Self.day)
    }

    @Test func renewalIsDueInTheLastThird() throws {
        let authority = try CertificateAuthority(commonName: "ca", nowSeconds: Self.now)
        let client = try authority.issue(
            .client(commonName: "u", validity: .seconds(300 * Self.day)), nowSeconds: Self.now)
        #expect(!client.needsRenewal(at: Self.now))
        #expect(!client.needsRenewal(at: Self.now + 199 * Self.day))
        #expect(client.needsRenewal(at: Self.now + 201 * Self.day))
        #expect(client.needsRenewal(at: Self.now - Self.day))
    }

    /// By a clock that shows 1970 when the authority is made, or one that shows years too much later on.
    @Test func clocksThatAreWrong() throws {
        let early = try CertificateAuthority(commonName: "ca", nowSeconds: 0)
        #expect(early.credential.notAfterSeconds > Self.now)
        #expect(early.credential.notBeforeSeconds == 0)
        let authority = try CertificateAuthority(commonName: "ca", nowSeconds: Self.now)
        let before = try authority.issue(.client(commonName: "u"), nowSeconds: Self.now - 4_000 * Self.day)
        #expect(before.notBeforeSeconds >= authority.credential.notBeforeSeconds)
        let error = #expect(throws: PKIError.self) {
            try authority.issue(.client(commonName: "u"), nowSeconds: Self.now + 3_650 * Self.day)
        }
        #expect(error.map { "\($0)" }?.contains("put the clock right") ?? false)
    }

    @Test func whatACertificateSaysOfItself() throws {
        let authority = try CertificateAuthority(commonName: "ca", nowSeconds: Self.now)
        let client = try authority.issue(.client(commonName: "u", organizations: ["g"]), nowSeconds: Self.now)
        let summary = client.summary("user")
        #expect(summary.name == "user" && summary.purpose == .client && summary.authority == "CN=ca")
        #expect(summary.subject.contains("CN=u") && summary.subject.contains("O=g"))
        #expect(summary.endsSeconds == client.notAfterSeconds && summary.renewalSeconds == client.renewalSeconds)
        #expect(try CertificateSummary("ca", pem: authority.certificatePEM).purpose == .authority)
        let server = try authority.issue(
            .server(commonName: "s", dnsNames: ["s.test"], addresses: []), nowSeconds: Self.now)
        #expect(server.summary("s").purpose == .server)
        #expect(throws: PKIError.self) { try CertificateSummary("x", pem: "nothing") }
    }

    @Test func refusesWhatItCannotSay() throws {
        let authority = try CertificateAuthority(commonName: "ca", nowSeconds: Self.now)
        #expect(throws: PKIError.invalidAddress("300.1.1.1")) {
            try authority.issue(
                .server(commonName: "s", dnsNames: [], addresses: ["300.1.1.1"]), nowSeconds: Self.now)
        }
        #expect(throws: PKIError.self) {
            try authority.issue(.server(commonName: "s", dnsNames: [], addresses: []), nowSeconds: Self.now)
        }
        let leaf = try authority.issue(.client(commonName: "u"), nowSeconds: Self.now)
        #expect(throws: PKIError.self) { try CertificateAuthority(credential: leaf, object: "leaf") }
        #expect(throws: PKIError.self) {
            try Credential(
                certificatePEM: leaf.certificatePEM, keyPEM: authority.credential.keyPEM, object: "mixed")
        }
    }
}
