import Crypto

/// What lets a machine join a cluster: the fingerprint of the authority that it must find, and a secret that the server knows.
///
/// Its text is `K10<fingerprint>::<id>.<secret>`: the fingerprint as 64 hexadecimal digits, the id six and the secret sixteen of `a` to `z` and
/// `0` to `9` (the form of Kubernetes' bootstrap tokens; 82 bits).
package struct JoinToken: Sendable, Hashable {
    /// SHA-256 of the authority's certificate (DER), in lower-case hexadecimal.
    package let fingerprint: String
    package let id: String
    /// Never logged.
    package let secret: String

    private static let prefix = "K10"
    private static let separator = "::"
    private static let alphabet = Array("abcdefghijklmnopqrstuvwxyz0123456789")

    /// A new token for the cluster of this authority.
    package init(authority: PinnedAuthority) {
        fingerprint = authority.fingerprint
        id = Self.random(6)
        secret = Self.random(16)
    }

    /// Nil for anything that has not the form of a token.
    package init?(_ text: some StringProtocol) {
        guard text.hasPrefix(Self.prefix), text.utf8.count < 200 else { return nil }
        let body = text.dropFirst(Self.prefix.count).split(separator: ":", omittingEmptySubsequences: false)
        guard body.count == 3, body[1].isEmpty else { return nil }
        let hexadecimal = body[0].utf8.allSatisfy { byte in
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
        }
        guard hexadecimal, body[0].utf8.count == 64, let credential = Self.credential(body[2]) else { return nil }
        fingerprint = String(body[0])
        (id, secret) = credential
    }

    package var text: String { Self.prefix + fingerprint + Self.separator + bearer }

    /// What is shown to the server: the id and the secret.
    package var bearer: String { id + "." + secret }

    /// The id and the secret in a bearer credential; nil where it has another form.
    package static func credential(_ text: some StringProtocol) -> (id: String, secret: String)? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, isPlain(parts[0], length: 6), isPlain(parts[1], length: 16) else { return nil }
        return (String(parts[0]), String(parts[1]))
    }

    package static func isPlain(_ text: some StringProtocol, length: Int) -> Bool {
        text.utf8.count == length
            && text.utf8.allSatisfy { byte in
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            }
    }

    /// The system's random numbers are fit for secrets.
    private static func random(_ length: Int) -> String {
        String((0..<length).map { _ in alphabet[Int.random(in: 0..<alphabet.count)] })
    }
}

/// Comparison and hashing of secrets.
package enum Secrets {
    /// In a time that says nothing about where two texts differ: their digests are compared, not they.
    package static func equal(_ left: some Sequence<UInt8>, _ right: some Sequence<UInt8>) -> Bool {
        SHA256.hash(data: Array(left)) == SHA256.hash(data: Array(right))
    }

    /// 256 random bits in hexadecimal.
    package static func make() -> String {
        hexadecimal((0..<32).map { _ in UInt8.random(in: 0...255) })
    }

    /// A salted hash to keep in place of a secret of `make`. Such a secret cannot be guessed, so that one round is enough.
    package static func hash(_ secret: String) -> String {
        let salt = hexadecimal((0..<8).map { _ in UInt8.random(in: 0...255) })
        return salt + ":" + digest(secret, salt: salt)
    }

    /// Whether `hash` was made of this secret.
    package static func matches(_ secret: String, _ hash: String) -> Bool {
        guard let colon = hash.firstIndex(of: ":") else { return false }
        let wanted = digest(secret, salt: String(hash[..<colon]))
        return equal(wanted.utf8, hash[hash.index(after: colon)...].utf8)
    }

    private static func digest(_ secret: String, salt: String) -> String {
        hexadecimal(SHA256.hash(data: Array((salt + ":" + secret).utf8)))
    }
}

/// Lower-case hexadecimal digits, two a byte.
func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}
