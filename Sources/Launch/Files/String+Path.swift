/// Paths as the kernel reads them, by bytes. To a search by characters a slash with a combining mark behind it is another character, so that it
/// would find fewer slashes than the kernel does, and pass over a `..` before one.
extension String {
    /// What stands between the slashes; nothing for two that follow each other.
    package var pathComponents: [String] { utf8.split(separator: UInt8(ascii: "/")).map { String(Substring($0)) } }

    /// The same with nothing kept as an empty one, which two slashes have between them, and the first before it.
    package var allPathComponents: [String] {
        utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map { String(Substring($0)) }
    }

    /// All before the last slash; nil where there is none.
    package var parentPath: String? {
        utf8.lastIndex(of: UInt8(ascii: "/")).map { String(self[..<$0]) }
    }
}
