/// The name of an image, in its full form: registry, repository, and a tag, a digest or both.
///
/// Short names mean what they mean everywhere: `busybox` is `docker.io/library/busybox:latest`. The grammar is that of the distribution
/// specification; a name is at most 255 bytes, a tag 128.
package struct ImageReference: Sendable, Hashable, CustomStringConvertible {
    package let registry: String
    package let repository: String
    /// Nil only where there is a digest.
    package let tag: String?
    package let digest: Digest?

    package init(_ text: String) throws(OCIError) {
        var rest = Substring(text)
        digest = try ImageReference.takeDigest(from: &rest)
        let tag = try ImageReference.takeTag(from: &rest, of: text)
        self.tag = tag ?? (digest == nil ? "latest" : nil)
        (registry, repository) = try ImageReference.split(rest, of: text)
    }

    /// The full name with everything given.
    package var description: String {
        name + (tag.map { ":" + $0 } ?? "") + (digest.map { "@" + $0.description } ?? "")
    }

    /// Registry and repository.
    package var name: String { registry + "/" + repository }

    private static func takeDigest(from rest: inout Substring) throws(OCIError) -> Digest? {
        guard let at = rest.firstIndex(of: "@") else { return nil }
        let digest = try Digest(String(rest[rest.index(after: at)...]))
        rest = rest[..<at]
        return digest
    }

    private static func takeTag(from rest: inout Substring, of text: String) throws(OCIError) -> String? {
        // A colon before the last slash belongs to the registry's port.
        guard let colon = rest.lastIndex(of: ":"), !rest[colon...].contains("/") else { return nil }
        let tag = rest[rest.index(after: colon)...]
        let isValid =
            (1...128).contains(tag.utf8.count) && tag.utf8.allSatisfy { isAlphanumeric($0) || "_.-".utf8.contains($0) }
            && tag.first != "." && tag.first != "-"
        guard isValid else {
            throw .reference(
                text, cause: "the tag \"\(tag)\" must be 1 to 128 letters, digits, \"_\", \".\" or \"-\", not first")
        }
        rest = rest[..<colon]
        return String(tag)
    }

    private static func split(_ name: Substring, of text: String) throws(OCIError) -> (String, String) {
        guard (1...255).contains(name.utf8.count) else { throw .reference(text, cause: "it must have 1 to 255 bytes") }
        var components = name.split(separator: "/", omittingEmptySubsequences: false)
        var registry = "docker.io"
        if components.count > 1, let first = components.first, isRegistry(first) {
            guard isHost(first) else { throw .reference(text, cause: "\"\(first)\" is no registry's name") }
            registry = first == "index.docker.io" ? "docker.io" : String(first)
            components.removeFirst()
        }
        if registry == "docker.io" && components.count == 1 { components.insert("library", at: 0) }
        for component in components where !isPathComponent(component) {
            throw .reference(
                text,
                cause:
                    "\"\(component)\" must be lower-case letters and digits, joined by one of \".\", \"_\", \"__\" or dashes"
            )
        }
        return (registry, components.joined(separator: "/"))
    }

    private static func isRegistry(_ component: Substring) -> Bool {
        component == "localhost" || component.contains(".") || component.contains(":")
            || component.utf8.contains { (65...90).contains($0) }
    }

    private static func isHost(_ component: Substring) -> Bool {
        let isClean = component.utf8.allSatisfy { isAlphanumeric($0) || ".-:[]".utf8.contains($0) }
        return isClean && component.first != "-" && component.first != "." && component.last != "-"
    }

    private static func isPathComponent(_ component: Substring) -> Bool {
        guard let first = component.utf8.first, let last = component.utf8.last, isLowerAlphanumeric(first),
            isLowerAlphanumeric(last)
        else { return false }
        let separators = component.utf8.split(whereSeparator: isLowerAlphanumeric)
        return separators.allSatisfy { run in
            let text = Substring(run)
            return text == "." || text == "_" || text == "__" || text.allSatisfy { $0 == "-" }
        }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        isLowerAlphanumeric(byte) || (65...90).contains(byte)
    }

    private static func isLowerAlphanumeric(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (97...122).contains(byte)
    }
}
