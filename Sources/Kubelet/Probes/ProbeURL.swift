import HTTP

/// An address that a check or a hook asks by HTTP. Path and query go out byte for byte, but for what no request line can hold.
package struct ProbeURL: Sendable, Hashable, CustomStringConvertible {
    /// What is between a text's marks: a mark with a combining one behind it is one too.
    private typealias Scalars = Substring.UnicodeScalarView

    package var isSecure: Bool
    /// Without the brackets of an IPv6 address.
    package var host: String
    package var port: UInt16
    /// Path and query, escaped.
    package var target: String

    /// - Parameter path: with a query, if it has one; as a pod has it.
    init(isSecure: Bool, host: String, port: UInt16, path: String) {
        (self.isSecure, self.host, self.port) = (isSecure, host, port)
        target = Self.target(path)
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
        let text = location.unicodeScalars.prefix { $0 != "#" }
        let slashes = "//".unicodeScalars
        if let colon = text.firstIndex(of: ":"), Self.isScheme(text[..<colon]) {
            let scheme = String(text[..<colon]).lowercased()
            let rest = text[colon...].dropFirst()
            guard rest.starts(with: slashes) else { return .foreign(scheme: scheme, host: "") }
            return absolute(scheme, rest.dropFirst(2))
        }
        if text.starts(with: slashes) { return absolute(isSecure ? "https" : "http", text.dropFirst(2)) }
        let path = target.unicodeScalars.prefix { $0 != "?" }
        let next: Scalars
        switch text.first {
        case nil: next = target.unicodeScalars[...]
        case "/": next = text
        case "?": next = path + text
        default: next = (path.lastIndex(of: "/").map { path[...$0] } ?? path) + text
        }
        var url = self
        url.target = Self.target(Self.withoutDots(next))
        return .http(url, isRelative: true)
    }

    private func absolute(_ scheme: String, _ rest: Scalars) -> Reference {
        let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
        let authority = rest[..<end].split(separator: "@", omittingEmptySubsequences: false).last
        guard let authority, let (host, port) = Self.place(authority) else { return .unreadable }
        guard scheme == "http" || scheme == "https" else { return .foreign(scheme: scheme, host: host) }
        let isSecure = scheme == "https"
        let url = ProbeURL(
            isSecure: isSecure, host: host, port: port ?? (isSecure ? 443 : 80), path: Self.withoutDots(rest[end...]))
        return .http(url, isRelative: false)
    }

    /// Nil for what is none.
    private static func place(_ authority: Scalars) -> (host: String, port: UInt16?)? {
        var (host, rest) = (authority, authority[authority.endIndex...])
        if authority.first == "[" {
            guard let end = authority.firstIndex(of: "]") else { return nil }
            (host, rest) = (authority[..<end].dropFirst(), authority[end...].dropFirst())
        } else if let colon = authority.firstIndex(of: ":") {
            (host, rest) = (authority[..<colon], authority[colon...])
        }
        guard let mark = rest.first else { return (String(host), nil) }
        let digits = String(rest.dropFirst())
        guard mark == ":" else { return nil }
        if digits.isEmpty { return (String(host), nil) }
        return UInt16(digits: digits).map { (String(host), $0) }
    }

    private static func isScheme(_ text: Scalars) -> Bool {
        guard let first = text.first, isLetter(first) else { return false }
        return text.allSatisfy { isLetter($0) || ("0"..."9").contains($0) || "+-.".unicodeScalars.contains($0) }
    }

    private static func isLetter(_ scalar: Unicode.Scalar) -> Bool {
        ("A"..."Z").contains(scalar) || ("a"..."z").contains(scalar)
    }

    /// What a `Location` leads to: a path without `.` and `..` as parts of it, and its query.
    private static func withoutDots(_ text: Scalars) -> String {
        let path = text.prefix { $0 != "?" }
        var kept: [String] = []
        var parts = path.split(separator: "/", omittingEmptySubsequences: false).map { String($0) }[...]
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
        return "/" + kept.joined(separator: "/") + String(text[path.endIndex...])
    }

    /// With a slash before it, and without a fragment.
    private static func target(_ text: String) -> String {
        let text = text.unicodeScalars.prefix { $0 != "#" }
        var target = text.first == "/" ? "" : "/"
        for byte in String(text).utf8 {
            if (0x21...0x7e).contains(byte) {
                target.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                target += (byte < 16 ? "%0" : "%") + String(byte, radix: 16, uppercase: true)
            }
        }
        return target
    }
}
