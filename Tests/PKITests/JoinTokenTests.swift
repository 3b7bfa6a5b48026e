import PKI
import Testing

@Suite struct JoinTokenTests {
    private static let now: Int64 = 1_800_000_000
    private static let hash = String(repeating: "0a", count: 32)

    @Test func readsWhatItWrites() throws {
        let authority = try CertificateAuthority(commonName: "ca", nowSeconds: Self.now)
        let pinned = try PinnedAuthority(pem: authority.certificatePEM, object: "ca")
        let token = JoinToken(authority: pinned)
        #expect(JoinToken(token.text) == token)
        #expect(token.fingerprint == pinned.fingerprint)
        #expect(token.text.hasPrefix("K10\(pinned.fingerprint)::\(token.id)."))
        #expect(JoinToken(authority: pinned).secret != token.secret)
        let other = try CertificateAuthority(commonName: "ca", nowSeconds: Self.now)
        #expect(try PinnedAuthority(pem: other.certificatePEM, object: "ca").fingerprint != pinned.fingerprint)
    }

    @Test(arguments: [
        "", "K10", "K10\(hash)", "K10\(hash)::abcdef", "K10\(hash)::abcdef.0123456789abcde",
        "K10\(hash)::abcdef.0123456789abcdef0", "K10\(hash):abcdef.0123456789abcdef",
        "K11\(hash)::abcdef.0123456789abcdef",
        "K10\(hash.dropLast())::abcdef.0123456789abcdef", "K10\(hash.uppercased())::abcdef.0123456789abcdef",
        "K10\(hash)::ABCDEF.0123456789abcdef", "K10\(hash)::abcdef.0123456789abcdéf",
        " K10\(hash)::abcdef.0123456789abcdef",
        "K10\(hash)::abcdef.0123456789abcdef::", "K10\(hash)::abc/ef.0123456789abcdef",
    ])
    func refusesOtherForms(_ text: String) {
        #expect(JoinToken(text) == nil)
    }

    @Test func anAuthorityIsPinnedAloneAndMustBeOne() throws {
        let authority = try CertificateAuthority(commonName: "ca", nowSeconds: Self.now)
        let leaf = try authority.issue(.client(commonName: "u"), nowSeconds: Self.now)
        #expect(throws: PKIError.self) { try PinnedAuthority(pem: leaf.certificatePEM, object: "x") }
        #expect(throws: PKIError.self) { try PinnedAuthority(pem: "", object: "x") }
        // What stands beside the certificate is never trusted.
        let other = try CertificateAuthority(commonName: "ca", nowSeconds: Self.now)
        let both = authority.certificatePEM + other.certificatePEM
        if let pinned = try? PinnedAuthority(pem: both, object: "x") {
            #expect(pinned.certificatePEM == authority.certificatePEM)
        }
    }

    @Test func secretsMatchTheirHashesOnly() {
        let secret = Secrets.make()
        #expect(secret.utf8.count == 64)
        let hash = Secrets.hash(secret)
        #expect(Secrets.matches(secret, hash))
        #expect(!Secrets.matches(Secrets.make(), hash))
        #expect(Secrets.hash(secret) != hash, "each hash has a salt of its own")
        for broken in ["", ":", "abc", hash + "0", String(hash.dropLast())] {
            #expect(!Secrets.matches(secret, broken))
        }
    }
}
