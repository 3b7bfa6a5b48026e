import Crypto

/// A content digest, `sha256:` and 64 hexadecimal digits. Other algorithms are refused.
package struct Digest: Sendable, Hashable, CustomStringConvertible {
    /// 64 lower-case hexadecimal digits.
    package let hex: String

    /// Reads `sha256:<hex>`.
    package init(_ text: String) throws(OCIError) {
        guard text.hasPrefix("sha256:") else { throw .digest(text, cause: "it must begin with \"sha256:\"") }
        let hex = text.dropFirst("sha256:".count)
        guard Digest.isHex(hex) else { throw .digest(text, cause: "64 lower-case hexadecimal digits must follow") }
        self.hex = String(hex)
    }

    /// Of `bytes`.
    package init(of bytes: [UInt8]) {
        var hasher = DigestHasher()
        hasher.update(bytes)
        self = hasher.finish()
    }

    fileprivate init(bytes: some Sequence<UInt8>) {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        text.reserveCapacity(64)
        for byte in bytes { text += [digits[Int(byte >> 4)], digits[Int(byte & 15)]] }
        hex = String(decoding: text, as: UTF8.self)
    }

    package var description: String { "sha256:" + hex }

    private static func isHex(_ text: Substring) -> Bool {
        text.utf8.count == 64
            && text.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
    }
}

/// Computes a digest over bytes that come in pieces.
package struct DigestHasher {
    private var hash = SHA256()

    package init() {}

    package mutating func update(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { hash.update(bufferPointer: $0) }
    }

    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        hash.update(bufferPointer: bytes)
    }

    /// The digest of all that came. The hasher can take more after it.
    package func finish() -> Digest {
        Digest(bytes: hash.finalize())
    }
}
