/// IP addresses and prefixes as text.
package enum IPText {
    package static func isAddress(_ text: some StringProtocol) -> Bool {
        isVersion4(text) || isVersion6(text)
    }

    package static func isPrefix(_ text: String) -> Bool {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let length = decimal(parts[1]) else { return false }
        return isVersion4(parts[0]) ? length <= 32 : isVersion6(parts[0]) && length <= 128
    }

    /// Four decimal numbers without leading zeros.
    package static func isVersion4(_ text: some StringProtocol) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.allSatisfy { decimal($0).map { $0 <= 255 } ?? false }
    }

    /// RFC 4291, without a zone.
    package static func isVersion6(_ text: some StringProtocol) -> Bool {
        guard text.utf8.count <= 45, text.contains(":") else { return false }
        let halves = Self.halves(String(text))
        guard halves.count <= 2 else { return false }
        var groups = 0
        for (index, half) in halves.enumerated() where !(half.isEmpty && halves.count == 2) {
            guard let count = groupCount(half, mayEndInVersion4: index == halves.count - 1) else { return false }
            groups += count
        }
        return halves.count == 2 ? groups <= 7 : groups == 8
    }

    /// What stands before and after "::", or all.
    private static func halves(_ text: String) -> [Substring] {
        let bytes = text.utf8
        var index = bytes.startIndex
        var halves: [Substring] = []
        var start = index
        while index < bytes.endIndex {
            let next = bytes.index(after: index)
            if bytes[index] == UInt8(ascii: ":"), next < bytes.endIndex, bytes[next] == UInt8(ascii: ":") {
                halves.append(text[start..<index])
                index = bytes.index(after: next)
                start = index
            } else {
                index = next
            }
        }
        return halves + [text[start...]]
    }

    /// How many 16-bit groups the text has; nil where it has anything else.
    private static func groupCount(_ text: Substring, mayEndInVersion4: Bool) -> Int? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        var count = 0
        for (index, part) in parts.enumerated() {
            if mayEndInVersion4, index == parts.count - 1, part.contains(".") {
                guard isVersion4(part) else { return nil }
                count += 2
            } else {
                guard (1...4).contains(part.utf8.count), part.allSatisfy({ $0.isASCII && $0.isHexDigit }) else {
                    return nil
                }
                count += 1
            }
        }
        return count
    }

    private static func decimal(_ text: some StringProtocol) -> Int? {
        guard (1...3).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            text.utf8.count == 1 || text.utf8.first != 0x30
        else { return nil }
        return Int(text)
    }
}
