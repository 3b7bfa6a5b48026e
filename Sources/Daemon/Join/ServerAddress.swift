/// Where an agent's server is: `https://HOST[:PORT]`. The port is 6443 where none is given.
struct ServerAddress: Sendable, Hashable, CustomStringConvertible {
    let host: String
    let port: Int

    init(_ text: String) throws(DaemonError) {
        guard let address = Self.parse(text) else {
            throw DaemonError("server must be the server's address such as https://192.0.2.1:6443, not \"\(text)\"")
        }
        self = address
    }

    private init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    private static func parse(_ text: String) -> ServerAddress? {
        let scheme = "https://"
        guard text.hasPrefix(scheme) else { return nil }
        var rest = text.dropFirst(scheme.count)
        if rest.last == "/" { rest.removeLast() }
        let parts = rest.split(separator: ":", omittingEmptySubsequences: false)
        guard let host = parts.first, !host.isEmpty, parts.count <= 2, !host.contains("/") else { return nil }
        guard parts.count == 2 else { return ServerAddress(host: String(host), port: 6443) }
        guard let port = Int(parts[1]), (1...65535).contains(port) else { return nil }
        return ServerAddress(host: String(host), port: port)
    }

    var description: String { "https://\(host):\(port)" }
}
