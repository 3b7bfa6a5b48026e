import Crypto
import JSONTree
import Testing

@testable import PKI

@Suite struct ServiceAccountTokenTests {
    static let now: Int64 = 1_800_000_000
    let tokens: ServiceAccountTokens
    let claims = ServiceAccountClaims(
        namespace: "ns", serviceAccount: .init(name: "sa", uid: "u-1"), pod: .init(name: "p-0", uid: "u-2"),
        audiences: ["api", "vault"], issuedAtSeconds: now, notBeforeSeconds: now, expiresAtSeconds: now + 3_600)

    init() throws {
        tokens = try ServiceAccountTokens(
            keyPEM: ServiceAccountTokens.makeKeyPEM(), issuer: "https://issuer", object: "test key")
    }

    private func verify(_ token: String, audience: String = "api", at now: Int64 = now + 1) throws(PKIError)
        -> ServiceAccountClaims
    {
        try tokens.verify(token, audiences: [audience], nowSeconds: now)
    }

    @Test func readsBackWhatItSigned() throws {
        let read = try verify(tokens.sign(claims))
        #expect(read == claims)
        #expect(read.subject == "system:serviceaccount:ns:sa")
        #expect(read.groups == ["system:serviceaccounts", "system:serviceaccounts:ns"])
        var unbound = claims
        unbound.pod = nil
        #expect(try verify(tokens.sign(unbound)) == unbound)
    }

    @Test func aUIDThatNobodyKnowsIsLeftOut() throws {
        var claims = claims
        claims.node = .init(name: "n", uid: "")
        let token = try tokens.sign(claims)
        let payload = try #require(base64URLBytes(token.split(separator: ".")[1]))
        #expect(try JSONValue(parsing: payload)["kubernetes.io"]?["node"] == ["name": "n"])
        #expect(try verify(token) == claims)
    }

    @Test func othersCheckItsSignatureByTheKeySet() throws {
        let segments = try tokens.sign(claims).split(separator: ".")
        let bytes = try #require(base64URLBytes(segments[0]))
        let header = try JSONValue(parsing: bytes)
        let keys = try #require(tokens.keySet["keys"]?.array)
        #expect(keys.count == 1 && keys[0]["kid"] == header["kid"] && keys[0]["alg"] == header["alg"])
        let point = ["x", "y"].flatMap { base64URLBytes(Substring(keys[0][$0]?.string ?? "")) ?? [] }
        let key = try P256.Signing.PublicKey(rawRepresentation: point)
        let raw = try #require(base64URLBytes(segments[2]))
        let signature = try P256.Signing.ECDSASignature(rawRepresentation: raw)
        #expect(key.isValidSignature(signature, for: Array((segments[0] + "." + segments[1]).utf8)))
    }

    @Test func whatNeverExpiresIsBoundToItsSecret() throws {
        var kept = claims
        kept.pod = nil
        kept.secret = .init(name: "key", uid: "u-3")
        kept.node = .init(name: "n", uid: "u-4")
        kept.expiresAtSeconds = nil
        #expect(try verify(tokens.sign(kept), at: Self.now + 1_000_000_000) == kept)
        kept.secret = nil
        #expect(throws: PKIError.token(.invalidClaims)) { try verify(tokens.sign(kept)) }
    }

    @Test func namesAreNotTheSyntax() throws {
        var odd = claims
        odd.serviceAccount.uid = "\",\"sub\":\"system:admin\"\\\n"
        #expect(try verify(tokens.sign(odd)) == odd)
    }

    @Test func timeAndAudienceCount() throws {
        let token = try tokens.sign(claims)
        #expect(try verify(token, at: Self.now) == claims)
        #expect(throws: PKIError.token(.expired)) { try verify(token, at: Self.now + 3_600) }
        #expect(throws: PKIError.token(.notYetValid)) { try verify(token, at: Self.now - 1) }
        #expect(throws: PKIError.token(.wrongAudience)) { try verify(token, audience: "other") }
        #expect(throws: PKIError.token(.wrongAudience)) {
            try tokens.verify(token, audiences: [], nowSeconds: Self.now)
        }
    }

    @Test func anotherKeyOrIssuerIsForeign() throws {
        let other = try ServiceAccountTokens(
            keyPEM: ServiceAccountTokens.makeKeyPEM(), issuer: "https://issuer", object: "other")
        #expect(throws: PKIError.token(.foreignHeader)) { try verify(other.sign(claims)) }
        let pem = ServiceAccountTokens.makeKeyPEM()
        let here = try ServiceAccountTokens(keyPEM: pem, issuer: "https://a", object: "a")
        let there = try ServiceAccountTokens(keyPEM: pem, issuer: "https://b", object: "b")
        #expect(throws: PKIError.token(.wrongIssuer)) {
            try here.verify(there.sign(claims), audiences: ["api"], nowSeconds: Self.now)
        }
    }

    @Test func everyChangedCharacterIsSeen() throws {
        let token = Array(try tokens.sign(claims).utf8)
        for index in token.indices {
            var changed = token
            changed[index] = changed[index] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
            #expect(throws: PKIError.self) { try verify(String(decoding: changed, as: UTF8.self)) }
        }
    }

    @Test func theAlgorithmIsNotTheTokensToChoose() throws {
        let parts = try tokens.sign(claims).split(separator: ".")
        // {"alg":"none"} with and without the signature.
        #expect(throws: PKIError.token(.malformed)) { try verify("eyJhbGciOiJub25lIn0.\(parts[1])") }
        #expect(throws: PKIError.token(.foreignHeader)) { try verify("eyJhbGciOiJub25lIn0.\(parts[1]).") }
        #expect(throws: PKIError.token(.foreignHeader)) { try verify("eyJhbGciOiJub25lIn0.\(parts[1]).\(parts[2])") }
    }

    @Test(arguments: ["", ".", "..", "...", "a.b", "a.b.c.d", "é.é.é", "a.b.c=", String(repeating: "a", count: 9_000)])
    func malformedTokens(_ text: String) {
        #expect(throws: PKIError.self) { try verify(text) }
    }

    @Test func refusesWhatIsNoKey() {
        #expect(throws: PKIError.self) { try ServiceAccountTokens(keyPEM: "no", issuer: "", object: "x") }
    }
}
