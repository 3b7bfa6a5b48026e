import APIMachinery
import CRI
import JSONTree
import KubernetesAPI
import OCI

/// Credentials, and the Secret they are from.
struct RegistryCredential: Sendable, Hashable {
    var auth: RegistryAuth
    var source: PullSecret
}

/// Registry credentials out of Secrets, or out of docker's `config.json`, by the places that they are for, and which of them an image is asked for with.
///
/// A place is a host, perhaps with a port and the beginning of a path. Its host may have `*`, `?` and `[a-z]` within each of its labels
/// (upstream, `credentialprovider`).
package struct RegistryKeyring: Sendable {
    private struct Entry {
        var place: RegistryPlace
        var credential: RegistryCredential
    }

    private var entries: [Entry] = []

    package init() {}

    /// Takes a file as docker keeps its own, `config.json`.
    /// - Parameter object: names it in messages.
    package mutating func add(_ bytes: [UInt8], _ object: String) throws(RegistryKeyringError) {
        try add(
            try Self.file(bytes, object)["auths"] ?? [:], object, PullSecret(namespace: "", name: "", uid: "", hash: "")
        )
    }

    private static func file(_ bytes: [UInt8], _ object: String) throws(RegistryKeyringError) -> JSONValue {
        guard let file = try? JSONValue(parsing: bytes), case .object = file else {
            throw RegistryKeyringError("\(object): it is no JSON object")
        }
        return file
    }

    /// Takes what a Secret of one of docker's two types holds; nothing of other types.
    mutating func add(_ secret: Secret) throws(RegistryKeyringError) {
        let key: String
        switch secret.type {
        case "kubernetes.io/dockerconfigjson": key = ".dockerconfigjson"
        case "kubernetes.io/dockercfg": key = ".dockercfg"
        default: return
        }
        guard let bytes = secret.data[key]?.array, !bytes.isEmpty else { return }
        let object = "secret \"\(secret.metadata.name)\": \(key)"
        let file = try Self.file(bytes, object)
        let source = PullSecret(
            namespace: secret.metadata.namespace, name: secret.metadata.name, uid: secret.metadata.uid, hash: "")
        try add(key == ".dockercfg" ? file : file["auths"] ?? [:], object, source)
    }

    private mutating func add(
        _ places: JSONValue, _ object: String, _ source: PullSecret
    ) throws(RegistryKeyringError) {
        guard let places = places.object else { throw RegistryKeyringError("\(object): auths is no object") }
        var found: [Entry] = []
        for member in places.members {
            let (name, value) = (member.key, member.value)
            guard let place = RegistryPlace(name) else {
                throw RegistryKeyringError("\(object): \"\(name.prefix(200))\" is no registry's address")
            }
            let auth = try Self.auth(value, "\(object): \(name.prefix(200))")
            var credential = RegistryCredential(auth: auth, source: source)
            credential.source.hash = Self.hash(of: auth)
            found.append(Entry(place: place, credential: credential))
        }
        entries += found
    }

    private static func auth(_ value: JSONValue, _ object: String) throws(RegistryKeyringError) -> RegistryAuth {
        guard case .object = value else { throw RegistryKeyringError("\(object): it is no object") }
        var auth = RegistryAuth(
            username: value["username"]?.string ?? "", password: value["password"]?.string ?? "",
            identityToken: value["identitytoken"]?.string ?? "", registryToken: value["registrytoken"]?.string ?? "")
        guard let packed = value["auth"]?.string, !packed.isEmpty else { return auth }
        // With and without the padding at the end.
        let padded = packed + String(repeating: "=", count: packed.last == "=" ? 0 : (4 - packed.utf8.count % 4) % 4)
        guard let bytes = Bytes(base64: padded)?.array, let colon = bytes.firstIndex(of: UInt8(ascii: ":")) else {
            throw RegistryKeyringError("\(object): auth is no base64 of USER:PASSWORD")
        }
        auth.username = String(decoding: bytes[..<colon], as: UTF8.self)
        auth.password = String(decoding: bytes[(colon + 1)...], as: UTF8.self)
        return auth
    }

    /// Of what a registry is shown, whatever the Secret calls it.
    private static func hash(of auth: RegistryAuth) -> String {
        let parts = [auth.username, auth.password, auth.identityToken, auth.registryToken]
        return Digest(of: JSONValue.array(parts.map { .string($0) }).encoded()).hex
    }

    /// All that may fit, the place that says most first; in the Secrets' order where several are for one place.
    func credentials(for image: ImageReference) -> [RegistryCredential] {
        let found = credentials(at: image.registry, image.repository)
        guard found.isEmpty, image.registry == "docker.io" else { return found }
        // docker login writes Docker Hub's under its old address.
        return entries.filter { $0.place.key == "index.docker.io" }.map(\.credential)
    }

    /// What the place that says most of a host has, which may be a mirror's.
    /// - Parameter host: with its port, where that is not the scheme's own.
    package func auth(at host: String, repository: String) -> RegistryAuth? {
        credentials(at: host, repository).first?.auth
    }

    private func credentials(at host: String, _ repository: String) -> [RegistryCredential] {
        let fitting = entries.filter { $0.place.holds(host, repository) }
        let keys = Set(fitting.map(\.place.key)).sorted(by: >)
        return keys.flatMap { key in fitting.filter { $0.place.key == key }.map(\.credential) }
    }
}

package struct RegistryKeyringError: Error, Sendable, Hashable, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}

/// What credentials are for.
struct RegistryPlace: Sendable, Hashable {
    /// Host, port and path, as written.
    let key: String
    private let labels: [[UInt8]]
    private let port: Substring
    private let path: Substring

    /// With or without scheme; `/v1/` and `/v2/` stand for the host itself. Nil where there is no host.
    init?(_ text: String) {
        var rest = Substring(text)
        for scheme in ["https://", "http://"] where rest.hasPrefix(scheme) { rest = rest.dropFirst(scheme.count) }
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        let host = rest[..<slash]
        var path = rest[slash...]
        if path.hasPrefix("/v1/") || path.hasPrefix("/v2/") { path = path.dropFirst(3) }
        self.path = path == "/" ? "" : path
        key = String(host + self.path)
        (labels, port) = Self.split(host)
        guard !host.isEmpty else { return nil }
    }

    private static func split(_ host: Substring) -> (labels: [[UInt8]], port: Substring) {
        // The colons of an address in brackets are no port's.
        let colon = host.lastIndex(of: ":").flatMap { host[$0...].contains("]") ? nil : $0 }
        var name = host[..<(colon ?? host.endIndex)]
        if name.first == "[", name.last == "]", name.contains(":") { name = name.dropFirst().dropLast() }
        let labels = name.split(separator: ".", omittingEmptySubsequences: false).map { Array($0.utf8) }
        return (labels, colon.map { host[host.index(after: $0)...] } ?? "")
    }

    func holds(_ host: String, _ repository: String) -> Bool {
        let (names, port) = Self.split(Substring(host))
        guard port == self.port, names.count == labels.count, "/\(repository)".hasPrefix(path) else {
            return false
        }
        return zip(labels, names).allSatisfy { Self.matches($0[...], $1[...]) }
    }

    /// Shell patterns without a word for several labels: `*`, `?`, `[a-z]`, `[^a]`.
    private static func matches(_ pattern: ArraySlice<UInt8>, _ name: ArraySlice<UInt8>) -> Bool {
        var (pattern, name) = (pattern, name)
        var retry: (pattern: ArraySlice<UInt8>, name: ArraySlice<UInt8>)?
        while true {
            if pattern.first == UInt8(ascii: "*") {
                pattern = pattern.dropFirst()
                retry = (pattern, name)
            } else if let byte = name.first, let rest = taken(byte, by: pattern) {
                (pattern, name) = (rest, name.dropFirst())
            } else if pattern.isEmpty && name.isEmpty {
                return true
            } else if let last = retry, !last.name.isEmpty {
                // The last star takes one byte more.
                (pattern, name) = (last.pattern, last.name.dropFirst())
                retry = (pattern, name)
            } else {
                return false
            }
        }
    }

    /// What is left of the pattern after it took one byte; nil where it does not.
    private static func taken(_ byte: UInt8, by pattern: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        switch pattern.first {
        case UInt8(ascii: "?"): return pattern.dropFirst()
        case UInt8(ascii: "["):
            guard let end = pattern.dropFirst(2).firstIndex(of: UInt8(ascii: "]")) else { return nil }
            var set = pattern[(pattern.startIndex + 1)..<end]
            let isInverted = set.first == UInt8(ascii: "^")
            if isInverted { set = set.dropFirst() }
            var isIn = false
            while let low = set.popFirst() {
                var high = low
                if set.first == UInt8(ascii: "-"), set.count > 1 {
                    set = set.dropFirst()
                    high = set.removeFirst()
                }
                isIn = isIn || low <= byte && byte <= high
            }
            return isIn != isInverted ? pattern[(end + 1)...] : nil
        default: return pattern.first == byte ? pattern.dropFirst() : nil
        }
    }
}
