/// A domain name as its labels, lower case, the leftmost first. The root has none.
package struct DNSName: Hashable, Sendable, CustomStringConvertible {
    package let labels: [String]

    package init(labels: [String]) {
        self.labels = labels.map { $0.lowercased() }
    }

    /// Reads dotted text, with or without the final dot. Nil for empty labels, labels over 63 bytes and names over 255.
    package init?(_ text: some StringProtocol) {
        let parts = (text.hasSuffix(".") ? text.dropLast() : text[...]).split(
            separator: ".", omittingEmptySubsequences: false)
        guard parts.allSatisfy({ (1...63).contains($0.utf8.count) }), text.utf8.count <= 254 else { return nil }
        labels = parts.map { $0.lowercased() }
    }

    /// The labels before `zone`; nil where the name is not in it.
    package func labels(in zone: DNSName) -> ArraySlice<String>? {
        guard labels.count >= zone.labels.count, labels.suffix(zone.labels.count).elementsEqual(zone.labels) else {
            return nil
        }
        return labels.dropLast(zone.labels.count)
    }

    /// The name of these labels under this one.
    package func prefixed(_ front: String...) -> DNSName {
        DNSName(labels: front + labels)
    }

    package var description: String { labels.joined(separator: ".") + "." }
}
