/// How long tasks had to wait for a resource (PSI; Documentation/accounting/psi.rst).
package struct Pressure: Sendable, Hashable {
    /// How much of the time it was.
    package struct Share: Sendable, Hashable {
        /// Of the last 10, 60 and 300 seconds, in hundredths of a percent.
        package var last10: Int64
        package var last60: Int64
        package var last300: Int64
        /// Since the start.
        package var totalNanoseconds: UInt64

        package init(last10: Int64, last60: Int64, last300: Int64, totalNanoseconds: UInt64) {
            self.last10 = last10
            self.last60 = last60
            self.last300 = last300
            self.totalNanoseconds = totalNanoseconds
        }
    }

    /// At least one task waited.
    package var some: Share
    /// All of them did.
    package var full: Share?

    package init(some: Share, full: Share? = nil) {
        self.some = some
        self.full = full
    }

    /// The kernel's text: lines such as `some avg10=0.12 avg60=0.00 avg300=0.00 total=4711`. Nil where it is none.
    package init?(kernelText: String) {
        var shares: [Substring: Share] = [:]
        for line in kernelText.split(separator: "\n") {
            let words = line.split(separator: " ")
            var values: [Substring: Substring] = [:]
            for word in words.dropFirst() {
                let parts = word.split(separator: "=", maxSplits: 1)
                if parts.count == 2 { values[parts[0]] = parts[1] }
            }
            guard let kind = words.first, let total = values["total"].flatMap({ UInt64($0) }),
                let last10 = Self.hundredths(values["avg10"]), let last60 = Self.hundredths(values["avg60"]),
                let last300 = Self.hundredths(values["avg300"])
            else { continue }
            shares[kind] = Share(
                last10: last10, last60: last60, last300: last300,
                totalNanoseconds: total.multipliedReportingOverflow(by: 1_000).partialValue)
        }
        guard let some = shares["some"] else { return nil }
        self.init(some: some, full: shares["full"])
    }

    /// `12.34` as 1234.
    private static func hundredths(_ text: Substring?) -> Int64? {
        guard let parts = text?.split(separator: "."), parts.count == 2, parts[1].utf8.count == 2,
            let whole = Int64(parts[0]), let rest = Int64(parts[1]), (0...100).contains(whole), rest >= 0
        else { return nil }
        return whole * 100 + rest
    }
}
