extension UInt16 {
    /// A number of digits alone, as a port is written: nil for a sign before it, which the standard library takes.
    package init?(digits text: some StringProtocol) {
        guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return nil }
        self.init(text)
    }
}
