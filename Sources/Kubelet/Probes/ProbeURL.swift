/// An address that a check or a hook asks by HTTP. Path and query go out byte for byte, but for what no request line can hold.
package struct ProbeURL: Sendable, Hashable, CustomStringConvertible {
    package var isSecure: Bool
    /// Without the brackets of an IPv6 address.
    package var host: String
    package var port: UInt16
    /// Path and query, escaped.
    package var target: String

    /// - Parameter path: with a query, if it has one; as a pod has it.
    init(isSecure: Bool, host: String, port: UInt16, path: String) {
        (self.isSecure, self.host, self.port) = (isSecure, host, port)
        target = Self.target(path[...])
    }

    package var description: String {
        "\(isSecure ? "https" : "http")://\(place)\(target)"
    }

    /// Host and port.
    var place: String { "\(host.contains(":") ? "[\(host)]" : host):\(port)" }

    /// Where a `Location` leads from here (RFC 3986, 5.2).
    enum Reference: Sendable, Hashable {
        /// - Parameter isRelative: it names no host of its own.
        case http(ProbeURL, isRelative: Bool)
        /// To another kind of address, whose host is this.
        case foreign(scheme: String, host: String)
        case unreadable
    }

    func reference(_ location: String) -> Reference {
        let text = location.prefix { $0 != "#" }
        if let colon = text.firstIndex(of: ":"), Self.isScheme(text[..<colon]) {
            let scheme = text[..<colon].lowercased()
            let rest = text[text.index(after: colon)...]
            guard rest.hasPrefix("//") else { return .foreign(scheme: scheme, host: "") }
            return absolute(scheme, rest.dropFirst(2))
        }
        if text.hasPrefix("//") { return absolute(isSecure ? "https" : "http", text.dropFirst(2)) }
        var url = self
        let path = target.prefix { $0 != "?" }
        if text.hasPrefix("/") {
            url.target = Self.target(text)
        } else if text.hasPrefix("?") {
            url.target = Self.target(path + text)
        } else if !text.isEmpty {
            let directory = path.lastIndex(of: "/").map { path[...$0] } ?? "/"
            url.target = Self.target(directory + text)
        }
        return .http(url, isRelative: true)
    }

    private func absolute(_ scheme: String, _ rest: Substring) -> Reference {
        let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
        let authority = rest[..<end].split(separator: "@", omittingEmptySubsequences: false).last ?? ""
        guard let (host, port) = Self.place(authority) else { return .unreadable }
        guard scheme == "http" || scheme == "https" else { return .foreign(scheme: scheme, host: host) }
        let isSecure = scheme == "https"
        let url = ProbeURL(
            isSecure: isSecure, host: host, port: port ?? (isSecure ? 443 : 80), path: String(rest[end...]))
        return .http(url, isRelative: false)
    }

    /// Nil for what is none.
    private static func place(_ authority: Substring) -> (host: String, port: UInt16?)? {
        var (host, rest) = (authority, authority[authority.endIndex...])
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else { return nil }
            (host, rest) = (authority[..<end].dropFirst(), authority[end...].dropFirst())
        } else if let colon = authority.firstIndex(of: ":") {
            (host, rest) = (authority[..<colon], authority[colon...])
        }
        guard !rest.isEmpty, rest != ":" else { return (String(host), nil) }
        guard rest.hasPrefix(":"), let port = UInt16(rest.dropFirst()) else { return nil }
        return (String(host), port)
    }

    private static func isScheme(_ text: Substring) -> Bool {
        guard let first = text.utf8.first, isLetter(first) else { return false }
        return text.utf8.allSatisfy { isLetter($0) || (48...57).contains($0) || "+-.".utf8.contains($0) }
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (65...90).contains(byte) || (97...122).contains(byte) }

    /// With a slash before it, and without `.` and `..` as parts of its path.
    private static func target(_ text: Substring) -> String {
        let text = text.prefix { $0 != "#" }
        let path = text.prefix { $0 != "?" }
        var kept: [Substring] = []
        var parts = path.split(separator: "/", omittingEmptySubsequences: false)[...]
        if parts.first == "" { parts.removeFirst() }
        for (place, part) in zip(parts.indices, parts) {
            let isLast = place == parts.endIndex - 1
            switch part {
            case ".": if isLast { kept.append("") }
            case "..":
                _ = kept.popLast()
                if isLast { kept.append("") }
            default: kept.append(part)
            }
        }
        var target = "/"
        for byte in (kept.joined(separator: "/") + text[path.endIndex...]).utf8 {
            if (0x21...0x7e).contains(byte) {
                target.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                target += (byte < 16 ? "%0" : "%") + String(byte, radix: 16, uppercase: true)
            }
        }
        return target
    }
}
