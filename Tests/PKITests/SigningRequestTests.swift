import PKI
import Testing

@Suite struct SigningRequestTests {
    private static let now: Int64 = 1_800_000_000
    private static let node = CertificateRequest.client(
        commonName: "system:node:a", organizations: ["system:nodes"])

    @Test func theSignerSaysWhatTheCertificateSays() throws {
        let authority = try CertificateAuthority(commonName: "ca", nowSeconds: Self.now)
        let asked = try SigningRequest(commonName: "kubernetes-admin")
        let pem = try authority.sign(asked.requestPEM, as: Self.node, nowSeconds: Self.now)
        let credential = try asked.credential(certificatePEM: pem, object: "x")
        #expect(credential.isIssued(by: authority))
        #expect(credential.says(Self.node))
        #expect(!credential.says(.client(commonName: "kubernetes-admin")))
    }

    @Test func aCertificateFitsItsKeyOnly() throws {
        let authority = try CertificateAuthority(commonName: "ca", nowSeconds: Self.now)
        let asked = try SigningRequest(commonName: "a")
        let pem = try authority.sign(asked.requestPEM, as: Self.node, nowSeconds: Self.now)
        #expect(throws: PKIError.self) {
            try SigningRequest(commonName: "a").credential(certificatePEM: pem, object: "x")
        }
    }

    @Test func brokenRequestsAreRefused() throws {
        let authority = try CertificateAuthority(commonName: "ca", nowSeconds: Self.now)
        let asked = try SigningRequest(commonName: "a").requestPEM
        let lines = asked.split(separator: "\n")
        // Another subject under the same signature.
        let other = try SigningRequest(commonName: "b").requestPEM.split(separator: "\n")
        let mixed = ([lines[0], lines[1]] + other.dropFirst(2)).joined(separator: "\n")
        for broken in ["", "-----BEGIN CERTIFICATE REQUEST-----\n-----END CERTIFICATE REQUEST-----", mixed] {
            #expect(throws: PKIError.self) { try authority.sign(broken, as: Self.node, nowSeconds: Self.now) }
        }
    }
}
