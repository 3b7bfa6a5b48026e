import HTTP
import OCI

/// Where a registry, or a server that it names, answers: scheme, host and port.
package struct RegistryOrigin: Sendable, Hashable, CustomStringConvertible {
    package let isSecure: Bool
    package let host: String
    package let port: Int

    package init(isSecure: Bool, host: String, port: Int) {
        self.isSecure = isSecure
        self.host = host
        self.port = port
    }

    package var description: String { (isSecure ? "https://" : "http://") + hostField }

    /// Host and port as a request's `Host` has them.
    package var hostField: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return port == (isSecure ? 443 : 80) ? name : "\(name):\(port)"
    }

    /// Of `host[:port]`; nil where it is neither a name nor an address.
    package init?(isSecure: Bool, authority: Substring) {
        var host = authority
        var port = isSecure ? 443 : 80
        if authority.first == "[" {
            guard let end = authority.firstIndex(of: "]") else { return nil }
            host = authority[authority.index(after: authority.startIndex)..<end]
            let rest = authority[authority.index(after: end)...]
            guard rest.isEmpty || rest.first == ":" else { return nil }
            if !rest.isEmpty {
                guard let number = Self.port(rest.dropFirst()) else { return nil }
                port = number
            }
        } else if let colon = authority.firstIndex(of: ":") {
            host = authority[..<colon]
            guard let number = Self.port(authority[authority.index(after: colon)...]) else { return nil }
            port = number
        }
        guard !host.isEmpty, host.utf8.allSatisfy(Self.isHostByte) else { return nil }
        self.init(isSecure: isSecure, host: String(host), port: port)
    }

    /// Whether the host is a name of DNS, and no address in any of the forms that resolvers read, nor this machine.
    var hasPublicName: Bool {
        let labels = host.lowercased().split(separator: ".")
        guard labels.count > 1, let last = labels.last, last != "localhost", !host.contains(":") else { return false }
        return last.utf8.first.map { (97...122).contains($0) } ?? false
    }

    private static func port(_ text: Substring) -> Int? {
        guard let number = Int(text), (1...65535).contains(number) else { return nil }
        return number
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || ".-_:".utf8.contains(byte)
    }
}

/// An address as registries give them in redirects, upload locations and challenges. Some are signed: path and query stay byte for byte.
struct RegistryURL: Sendable, Hashable {
    let origin: RegistryOrigin
    /// Path and query, escaped.
    private(set) var target: String

    /// - Parameter path: made of a repository, tags and digests: their colons are written as they are, which not every registry reads otherwise.
    init(_ origin: RegistryOrigin, path: String) {
        self.init(origin, Substring(path))
    }

    /// - Parameter base: what a path without scheme and host is relative to.
    init?(_ text: String, relativeTo base: RegistryOrigin? = nil) {
        if text.hasPrefix("/"), !text.hasPrefix("//"), let base {
            self.init(base, Substring(text))
            return
        }
        let isSecure = text.hasPrefix("https://")
        guard isSecure || text.hasPrefix("http://") else { return nil }
        let rest = text.dropFirst(isSecure ? 8 : 7)
        let end = rest.firstIndex { $0 == "/" || $0 == "?" || $0 == "#" } ?? rest.endIndex
        guard let origin = RegistryOrigin(isSecure: isSecure, authority: rest[..<end]) else { return nil }
        self.init(origin, rest[end...])
    }

    /// What no request line can hold is escaped; a fragment is not for the server.
    private init(_ origin: RegistryOrigin, _ tail: Substring) {
        self.origin = origin
        target = tail.hasPrefix("/") ? "" : "/"
        for byte in tail.utf8.prefix(while: { $0 != UInt8(ascii: "#") }) {
            if (0x21...0x7e).contains(byte) {
                target.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                target += (byte < 16 ? "%0" : "%") + String(byte, radix: 16, uppercase: true)
            }
        }
    }

    /// The same with more in its query.
    func adding(_ items: QueryItem...) -> RegistryURL {
        var url = self
        url.add(items)
        return url
    }

    mutating func add(_ items: [QueryItem]) {
        guard !items.isEmpty else { return }
        let mark = !target.contains("?") ? "?" : "?&".contains(target.suffix(1)) ? "" : "&"
        target += mark + RequestTarget.text(query: items)
    }

    func request(_ method: HTTPMethod, headers: HTTPHeaders = [:], body: [UInt8] = []) -> HTTPRequest {
        let read = RequestTarget(target) ?? RequestTarget(path: target)
        var request = HTTPRequest(method, read.path, query: read.query, headers: headers, body: body)
        request.target = target
        return request
    }
}

/// Where each registry is asked: mirrors first, and plain HTTP only for what is named with it.
package struct RegistryHosts: Sendable, Hashable {
    /// Where a registry is asked.
    struct Place: Sendable, Hashable {
        var origin: RegistryOrigin
        /// What repositories have before their own names there, with a slash at its end, or nothing.
        var prefix = ""
    }

    /// In the order of asking, by the registry's name in images.
    private var places: [String: [Place]] = [:]

    package init() {}

    /// Reads entries such as `docker.io=https://mirror.example,http://10.0.0.1:5000 build.local:5000=http://build.local:5000`: for a registry the places where it is
    /// asked, in order. The registry itself comes last, over TLS, unless it is named among them. A path is where a mirror keeps its repositories:
    /// `https://mirror.example/hub` has docker.io's library/busybox as hub/library/busybox.
    /// - Throws: a sentence about the entry at fault.
    package init(_ text: String) throws(RegistryHostsError) {
        for entry in text.split(whereSeparator: { $0 == " " || $0 == ";" || $0 == "\n" }) {
            guard let equals = entry.firstIndex(of: "="), equals != entry.startIndex else {
                throw RegistryHostsError("\"\(entry)\" must be REGISTRY=URL[,URL...]")
            }
            let name = String(entry[..<equals])
            var list: [Place] = []
            for url in entry[entry.index(after: equals)...].split(separator: ",") {
                guard let found = RegistryURL(String(url)), let prefix = Self.prefix(found) else {
                    throw RegistryHostsError("\"\(url)\" must be http[s]://HOST[:PORT], or with a repository's /NAME")
                }
                list.append(Place(origin: found.origin, prefix: prefix))
            }
            guard !list.isEmpty else { throw RegistryHostsError("\"\(entry)\" names no URL") }
            places[name, default: []] += list
        }
    }

    /// Nil where no repository can be named so.
    private static func prefix(_ url: RegistryURL) -> String? {
        let path = url.target.split(separator: "/").joined(separator: "/")
        if path.isEmpty { return "" }
        // The host may have a name that an image's registry could not: a short one.
        guard let reference = try? ImageReference("registry.example/\(path)/x"), reference.digest == nil,
            reference.repository == path + "/x"
        else { return nil }
        return path + "/"
    }

    /// The places where a registry is asked, in order.
    func places(for registry: String) -> [Place] {
        let configured = places[registry] ?? []
        guard !configured.contains(where: { Self.isOwn($0, of: registry) }) else { return configured }
        let own = RegistryOrigin(isSecure: true, authority: Self.host(of: registry)).map { Place(origin: $0) }
        return configured + [own].compactMap(\.self)
    }

    /// Whether a place is the registry itself, over TLS or without, and no mirror of it.
    static func isOwn(_ place: Place, of registry: String) -> Bool {
        place.prefix.isEmpty
            && RegistryOrigin(isSecure: place.origin.isSecure, authority: host(of: registry)) == place.origin
    }

    private static func host(of registry: String) -> Substring {
        registry == "docker.io" ? "registry-1.docker.io" : Substring(registry)
    }

    /// Whether a place may be asked at all: over TLS any, without only one that is configured so.
    /// - Parameter isForeign: whether an image led there, and no registry: over TLS it must have a name then, or be configured.
    func permits(_ origin: RegistryOrigin, isForeign: Bool = false) -> Bool {
        origin.isSecure && (!isForeign || origin.hasPublicName)
            || places.values.contains { $0.contains { $0.origin == origin } }
    }
}

package struct RegistryHostsError: Error, Sendable, Hashable, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}
