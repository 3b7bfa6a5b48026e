import CRI

/// The files that the runtime writes for a pod and mounts into each of its containers, unless the pod mounts something there itself.
struct PodFiles: Sendable, Hashable {
    static let names = ["resolv.conf", "hostname", "hosts"]

    var resolvConf: String
    var hostname: String
    var hosts: String

    /// - Parameters:
    ///   - hostResolvConf: taken over where the pod has no DNS configuration.
    ///   - hostHosts: taken over by pods on the host's network.
    init(_ config: PodSandboxConfig, hostname: String, addresses: [String], hostResolvConf: String, hostHosts: String) {
        resolvConf = config.dns.map(Self.resolvConf) ?? hostResolvConf
        self.hostname = hostname + "\n"
        hosts = config.network == .node ? hostHosts : Self.hosts(hostname, addresses)
    }

    private static func resolvConf(_ dns: PodSandboxConfig.DNS) -> String {
        var lines: [String] = []
        if !dns.searches.isEmpty { lines.append("search " + dns.searches.joined(separator: " ")) }
        lines += dns.servers.map { "nameserver " + $0 }
        if !dns.options.isEmpty { lines.append("options " + dns.options.joined(separator: " ")) }
        return lines.map { $0 + "\n" }.joined()
    }

    private static func hosts(_ hostname: String, _ addresses: [String]) -> String {
        var text = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"
        for address in addresses { text += "\(address)\t\(hostname)\n" }
        return text
    }
}
