/// Base64 (RFC 4648 section 4) with padding.
package func base64Text(_ bytes: some Collection<UInt8>) -> String {
    encode(bytes, alphabet: standardAlphabet, padded: true)
}

/// Base64url (RFC 4648 section 5) without padding, as JWTs use it.
func base64URLText(_ bytes: some Collection<UInt8>) -> String {
    encode(bytes, alphabet: urlAlphabet, padded: false)
}

/// Decodes unpadded base64url; nil for any other character, an impossible length or bits left over that are not zero.
func base64URLBytes(_ text: Substring) -> [UInt8]? {
    guard text.utf8.count % 4 != 1 else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.utf8.count * 3 / 4)
    var bits: UInt32 = 0
    var count = 0
    for character in text.utf8 {
        guard let value = urlValue(character) else { return nil }
        bits = (bits << 6 | value) & 0xFF_FFFF
        count += 6
        if count >= 8 {
            count -= 8
            bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
        }
    }
    return bits & ((1 << UInt32(count)) - 1) == 0 ? bytes : nil
}

private let standardAlphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
private let urlAlphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

private func encode(_ bytes: some Collection<UInt8>, alphabet: [UInt8], padded: Bool) -> String {
    var text: [UInt8] = []
    text.reserveCapacity((bytes.count + 2) / 3 * 4)
    var bits: UInt32 = 0
    var count = 0
    for byte in bytes {
        bits = (bits << 8 | UInt32(byte)) & 0xFF_FFFF
        count += 8
        while count >= 6 {
            count -= 6
            text.append(alphabet[Int(bits >> UInt32(count) & 63)])
        }
    }
    if count > 0 { text.append(alphabet[Int(bits << UInt32(6 - count) & 63)]) }
    while padded, text.count % 4 != 0 { text.append(UInt8(ascii: "=")) }
    return String(decoding: text, as: UTF8.self)
}

private func urlValue(_ character: UInt8) -> UInt32? {
    switch character {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(character - UInt8(ascii: "A"))
    case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(character - UInt8(ascii: "a")) + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(character - UInt8(ascii: "0")) + 52
    case UInt8(ascii: "-"): 62
    case UInt8(ascii: "_"): 63
    default: nil
    }
}
