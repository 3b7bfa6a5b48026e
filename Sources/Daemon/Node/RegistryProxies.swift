import APIMachinery
import CRI
import ContainerRuntime
import Glibc
import HTTP
import Transport

/// The proxies on the way to registries, from the variables HTTP_PROXY, HTTPS_PROXY and NO_PROXY, or where one is empty from its name in small letters, as Go's
/// golang.org/x/net/http/httpproxy reads them. One that cannot be used is an error of what would go through it; Go passes over it.
struct RegistryProxies: Sendable {
    private let variables: @Sendable (String) -> String?

    init(_ variables: @escaping @Sendable (String) -> String?) {
        self.variables = variables
    }

    static let ofThisProcess = RegistryProxies { name in getenv(name).map { String(cString: $0) } }

    /// What a connection to `origin` goes through; nil where it goes there itself, as it does to this machine always.
    func proxy(for origin: RegistryOrigin) throws(CRIError) -> HTTPProxy? {
        let name = origin.isSecure ? "HTTPS_PROXY" : "HTTP_PROXY"
        guard let text = value(name), !isDirect(origin) else { return nil }
        guard let proxy = Self.proxy(text) else {
            // The text may hold a password.
            throw .failed("registry \(origin): \(name) of the daemon must be http[s]://[USER:PASSWORD@]HOST[:PORT]")
        }
        return proxy
    }

    private func value(_ name: String) -> String? {
        [name, name.lowercased()].lazy.compactMap(variables).first { !$0.isEmpty }
    }

    private static func proxy(_ text: String) -> HTTPProxy? {
        var rest = text[...]
        var isSecure = false
        if let mark = text.firstRange(of: "://") {
            let scheme = text[..<mark.lowerBound].lowercased()
            guard scheme == "http" || scheme == "https" else { return nil }
            isSecure = scheme == "https"
            rest = text[mark.upperBound...]
        }
        var authority = rest.prefix { !"/?#".contains($0) }
        var authorization: String?
        if let at = authority.lastIndex(of: "@") {
            let words = authority[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            let decoded = words.compactMap { RequestTarget("/" + $0)?.path.dropFirst() }
            guard decoded.count == words.count else { return nil }
            let password = decoded.count == 2 ? decoded[1] : ""
            authorization = "Basic " + Bytes(Array("\(decoded[0]):\(password)".utf8)).base64
            authority = authority[authority.index(after: at)...]
        }
        guard let place = RegistryOrigin(isSecure: isSecure, authority: authority) else { return nil }
        return HTTPProxy(isSecure: isSecure, host: place.host, port: place.port, authorization: authorization)
    }

    private func isDirect(_ origin: RegistryOrigin) -> Bool {
        let host = origin.host.lowercased()
        let address = InternetAddress(host)
        if host == "localhost" || address?.isLoopback == true { return true }
        let list = (value("NO_PROXY") ?? "").lowercased().split(separator: ",")
        return list.contains { entry in
            Self.names(entry.drop { $0 == " " }, host, address, port: origin.port)
        }
    }

    /// Whether an entry of NO_PROXY (`*`, a network, or an address, a name, `.name` or `*.name` with a port or without) names the host.
    private static func names(_ entry: Substring, _ host: String, _ address: InternetAddress?, port: Int) -> Bool {
        let entry = String(entry.prefix { $0 != " " })
        if entry == "*" { return true }
        if let slash = entry.firstIndex(of: "/") {
            guard let network = InternetAddress(String(entry[..<slash])), let length = Int(entry[slash...].dropFirst())
            else { return false }
            return address?.isIn(network, length: length) == true
        }
        var (name, onPort) = hostAndPort(entry)
        guard onPort.isEmpty || onPort == String(port) else { return false }
        if let named = InternetAddress(name) { return named == address }
        if name.hasPrefix("*.") { name.removeFirst() }
        guard !name.isEmpty else { return false }
        return name.hasPrefix(".") ? host.hasSuffix(name) : host == name || host.hasSuffix("." + name)
    }

    /// Of `host:port` or `[address]:port`; an address of IPv6 without brackets has no port.
    private static func hostAndPort(_ entry: String) -> (host: String, port: String) {
        guard let colon = entry.lastIndex(of: ":") else { return (entry, "") }
        let (host, port) = (entry[..<colon], entry[colon...].dropFirst())
        if host.hasPrefix("["), host.hasSuffix("]") { return (String(host.dropFirst().dropLast()), String(port)) }
        return host.contains(":") ? (entry, "") : (String(host), String(port))
    }
}

/// An IPv4 or IPv6 address in network byte order. One of IPv4 that is written as IPv6 (`::ffff:192.0.2.1`) is one of IPv4.
private struct InternetAddress: Equatable {
    private let bytes: [UInt8]

    /// Nil for anything but an address.
    init?(_ text: String) {
        var four = [UInt8](repeating: 0, count: 4)
        var sixteen = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, text, &four) == 1 {
            bytes = four
        } else if inet_pton(AF_INET6, text, &sixteen) == 1 {
            let isMapped = sixteen[..<12] == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]
            bytes = isMapped ? Array(sixteen[12...]) : sixteen
        } else {
            return nil
        }
    }

    var isLoopback: Bool { bytes.count == 4 ? bytes[0] == 127 : bytes == [UInt8](repeating: 0, count: 15) + [1] }

    func isIn(_ network: InternetAddress, length: Int) -> Bool {
        guard bytes.count == network.bytes.count, (0...bytes.count * 8).contains(length) else { return false }
        return (0..<bytes.count).allSatisfy { index in
            let bits = min(8, max(0, length - index * 8))
            return (bytes[index] ^ network.bytes[index]) >> UInt8(8 - bits) == 0
        }
    }
}
