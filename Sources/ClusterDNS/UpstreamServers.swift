import Glibc
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

    /// Reads a file of at most 64 KiB; none where it cannot be read.
    package static func read(_ path: String = "/etc/resolv.conf", excluding own: IPv4Address) -> UpstreamServers {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return UpstreamServers([]) }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 64 * 1024)
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        guard count > 0 else { return UpstreamServers([]) }
        return UpstreamServers(resolvConf: String(decoding: bytes.prefix(count), as: UTF8.self), excluding: own)
    }
}
