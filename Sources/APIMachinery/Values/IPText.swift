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

    /// Why an address is no other machine's: it stands for none, for this machine, or for what is on one link only; nil for all others, and for what
    /// is no address.
    package static func specialPurpose(_ text: String) -> String? {
        if isVersion4(text) {
            let parts = text.split(separator: ".").compactMap { Int($0) }
            switch (parts[0], parts[1], parts[2]) {
            case (0, 0, 0) where parts[3] == 0: return "may not be unspecified (\(text))"
            case (127, _, _): return "may not be in the loopback range (127.0.0.0/8, ::1/128)"
            case (169, 254, _): return "may not be in the link-local range (169.254.0.0/16, fe80::/10)"
            case (224, 0, 0): return "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"
            default: return nil
            }
        }
        guard isVersion6(text) else { return nil }
        let digits = text.lowercased().filter { $0 != ":" && $0 != "0" }
        let first = Int(text.split(separator: ":", omittingEmptySubsequences: false).first ?? "", radix: 16) ?? 0
        if digits.isEmpty { return "may not be unspecified (\(text))" }
        if digits == "1", first == 0, text.hasSuffix("1") {
            return "may not be in the loopback range (127.0.0.0/8, ::1/128)"
        }
        if first & 0xffc0 == 0xfe80 { return "may not be in the link-local range (169.254.0.0/16, fe80::/10)" }
        return first == 0xff02 ? "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)" : nil
    }

    private static func decimal(_ text: some StringProtocol) -> Int? {
        guard (1...3).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            text.utf8.count == 1 || text.utf8.first != 0x30
        else { return nil }
        return Int(text)
    }
}
