import Linux

/// The name servers of the host, to which all names outside the cluster go.
package struct UpstreamServers: Hashable, Sendable {
    package struct Server: Hashable, Sendable {
        package let host: String
        package let port: Int

        package init(host: String, port: Int = 53) {
            self.host = host
            self.port = port
        }
    }

    /// As resolv.conf(5): more are not asked.
    private static let limit = 3
    package let servers: [Server]

    package init(_ servers: [Server]) {
        self.servers = Array(servers.prefix(Self.limit))
    }

    /// Reads the `nameserver` lines of resolv.conf(5) text. `excluding` leaves out our own address: asking ourselves would
    /// never end.
    package init(resolvConf text: some StringProtocol, excluding own: IPv4Address) {
        let servers = text.split(separator: "\n").compactMap { line -> Server? in
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
            guard words.count >= 2, words[0] == "nameserver", words[1] != "\(own)", !words[1].contains("%") else {
                return nil
            }
            return Server(host: String(words[1]))
        }
        self.init(servers)
    }
}
