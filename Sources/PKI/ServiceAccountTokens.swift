import Crypto
import JSONTree

/// Signs and verifies service account tokens: JWTs (RFC 7519) with ES256 under one key.
///
/// The header is compared byte for byte with the one that the signer writes, so neither the algorithm nor the key is the token's to choose. Nothing
/// of a token is parsed before its signature holds.
package struct ServiceAccountTokens: Sendable {
    /// Longest token looked at, in bytes; longer ones are malformed.
    static let maximumBytes = 8_192

    /// `iss` of every token, for example `https://kubernetes.default.svc`.
    package let issuer: String

    private let key: P256.Signing.PrivateKey
    private let keyID: String
    private let header: String

    /// - Parameter keyPEM: a P-256 key as `makeKeyPEM` gives; `object` names it in errors.
    package init(keyPEM: String, issuer: String, object: String) throws(PKIError) {
        do {
            key = try P256.Signing.PrivateKey(pemRepresentation: keyPEM)
        } catch {
            throw .malformed(object: object, cause: "\(error)")
        }
        self.issuer = issuer
        keyID = base64URLText(Array(SHA256.hash(data: key.publicKey.derRepresentation)))
        let fields: JSONValue = ["alg": "ES256", "kid": .string(keyID), "typ": "JWT"]
        header = base64URLText(fields.encoded())
    }

    package static func makeKeyPEM() -> String {
        P256.Signing.PrivateKey().pemRepresentation + "\n"
    }

    /// The key that tokens are checked with, as a JSON Web Key Set (RFC 7517).
    package var keySet: JSONObject {
        let point = Array(key.publicKey.rawRepresentation)
        return [
            "keys": [
                [
                    "use": "sig", "kty": "EC", "kid": .string(keyID), "crv": "P-256", "alg": "ES256",
                    "x": .string(base64URLText(Array(point.prefix(32)))),
                    "y": .string(base64URLText(Array(point.suffix(32)))),
                ]
            ]
        ]
    }

    package func sign(_ claims: ServiceAccountClaims) throws(PKIError) -> String {
        let signed = header + "." + base64URLText(claims.json(issuer: issuer).encoded())
        do {
            let signature = try key.signature(for: Array(signed.utf8))
            return signed + "." + base64URLText(Array(signature.rawRepresentation))
        } catch {
            throw .issue(subject: claims.subject, cause: "\(error)")
        }
    }

    /// The claims of a token that this key signed, that is meant for one of `audiences` and is in time.
    /// - Parameter nowSeconds: seconds since 1970.
    /// - Throws: `token` with the reason, which is for logs.
    package func verify(
        _ token: String, audiences: [String], nowSeconds: Int64
    ) throws(PKIError) -> ServiceAccountClaims {
        guard token.utf8.count <= Self.maximumBytes else { throw .token(.malformed) }
        let segments = token.split(separator: ".", omittingEmptySubsequences: false)
        guard segments.count == 3, let raw = base64URLBytes(segments[2]), let payload = base64URLBytes(segments[1])
        else { throw .token(.malformed) }
        guard segments[0] == header else { throw .token(.foreignHeader) }
        guard let signature = try? P256.Signing.ECDSASignature(rawRepresentation: raw),
            key.publicKey.isValidSignature(signature, for: Array((segments[0] + "." + segments[1]).utf8))
        else { throw .token(.badSignature) }
        guard let json = try? JSONValue(parsing: payload) else { throw .token(.invalidClaims) }
        guard json["iss"]?.string == issuer else { throw .token(.wrongIssuer) }
        guard let claims = ServiceAccountClaims(json) else { throw .token(.invalidClaims) }
        guard claims.audiences.contains(where: audiences.contains) else { throw .token(.wrongAudience) }
        if let end = claims.expiresAtSeconds, nowSeconds >= end { throw .token(.expired) }
        guard nowSeconds >= claims.notBeforeSeconds else { throw .token(.notYetValid) }
        return claims
    }
}

extension ServiceAccountClaims {
    private static let kubernetes = "kubernetes.io"

    fileprivate func json(issuer: String) -> JSONValue {
        var bound: [(String, JSONValue)] = [
            ("namespace", .string(namespace)), ("serviceaccount", serviceAccount.json),
        ]
        for (name, object) in [("pod", pod), ("secret", secret), ("node", node)] {
            if let object { bound.append((name, object.json)) }
        }
        var claims: JSONObject = [
            "iss": .string(issuer), "sub": .string(subject), "aud": .array(audiences.map { .string($0) }),
            "iat": .integer(issuedAtSeconds), "nbf": .integer(notBeforeSeconds),
            Self.kubernetes: .object(JSONObject(bound)),
        ]
        claims["exp"] = expiresAtSeconds.map { JSONValue.integer($0) }
        return .object(claims)
    }

    /// Nil where a claim is missing, has another type, or contradicts another.
    fileprivate init?(_ json: JSONValue) {
        guard let own = json[Self.kubernetes], let namespace = own["namespace"]?.string, !namespace.isEmpty,
            let account = own["serviceaccount"].flatMap(BoundObject.init), let audiences = json["aud"]?.array,
            let issued = json["iat"]?.integer, let notBefore = json["nbf"]?.integer
        else { return nil }
        var bound: [String: BoundObject] = [:]
        for name in ["pod", "secret", "node"] {
            guard let field = own[name] else { continue }
            guard let present = BoundObject(field) else { return nil }
            bound[name] = present
        }
        let expires = json["exp"]?.integer
        // What never expires needs something to die with.
        guard expires != nil || (json["exp"] == nil && bound["secret"] != nil) else { return nil }
        let names = audiences.compactMap(\.string)
        guard names.count == audiences.count else { return nil }
        self.init(
            namespace: namespace, serviceAccount: account, pod: bound["pod"], secret: bound["secret"],
            node: bound["node"], audiences: names, issuedAtSeconds: issued, notBeforeSeconds: notBefore,
            expiresAtSeconds: expires)
        guard json["sub"]?.string == subject else { return nil }
    }
}

extension ServiceAccountClaims.BoundObject {
    fileprivate var json: JSONValue {
        uid.isEmpty ? ["name": .string(name)] : ["name": .string(name), "uid": .string(uid)]
    }

    fileprivate init?(_ json: JSONValue) {
        guard let name = json["name"]?.string, !name.isEmpty else { return nil }
        guard let field = json["uid"] else {
            self.init(name: name, uid: "")
            return
        }
        guard let uid = field.string else { return nil }
        self.init(name: name, uid: uid)
    }
}
