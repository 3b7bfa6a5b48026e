import Glibc

/// A key compared by its UTF-8 bytes.
///
/// `String` compares by canonical equivalence, under which two different byte sequences can be one key; a store must
/// not merge what its clients wrote apart.
struct ByteKey: Hashable, Comparable, Sendable {
    let text: String

    init(_ text: String) {
        self.text = text
    }

    static func == (left: ByteKey, right: ByteKey) -> Bool {
        order(left.text, right.text) == 0
    }

    static func < (left: ByteKey, right: ByteKey) -> Bool {
        order(left.text, right.text) < 0
    }

    func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }

    /// Negative, zero or positive, as `left` comes before, is, or comes after `right` in byte order.
    static func order(_ left: String, _ right: String) -> Int {
        var left = left
        var right = right
        return left.withUTF8 { left in
            right.withUTF8 { right in
                let common = min(left.count, right.count)
                if common > 0, let first = left.baseAddress, let second = right.baseAddress {
                    let order = memcmp(first, second, common)
                    if order != 0 { return Int(order) }
                }
                return left.count - right.count
            }
        }
    }

    static func hasPrefix(_ text: String, _ prefix: String) -> Bool {
        var text = text
        var prefix = prefix
        return text.withUTF8 { text in
            prefix.withUTF8 { prefix in
                guard text.count >= prefix.count else { return false }
                guard prefix.count > 0, let first = text.baseAddress, let second = prefix.baseAddress else {
                    return true
                }
                return memcmp(first, second, prefix.count) == 0
            }
        }
    }
}
