import CRI

/// The files that the runtime writes for a pod and mounts into /etc of each of its containers, unless the pod mounts something there itself.
enum PodFiles {
    static let resolvConfName = "resolv.conf"
    static let hostnameName = "hostname"
    static let hostsName = "hosts"
    static let names = [resolvConfName, hostnameName, hostsName]

    static func resolvConf(_ dns: PodSandboxConfig.DNS) -> String {
        var lines: [String] = []
        if !dns.searches.isEmpty { lines.append("search " + dns.searches.joined(separator: " ")) }
        lines += dns.servers.map { "nameserver " + $0 }
        if !dns.options.isEmpty { lines.append("options " + dns.options.joined(separator: " ")) }
        return lines.map { $0 + "\n" }.joined()
    }

    static func hosts(_ hostname: String, _ addresses: [String], _ entries: [HostEntry] = []) -> String {
        var text = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"
        for address in addresses { text += "\(address)\t\(hostname)\n" }
        return text + lines(entries)
    }

    /// Of a pod on the host's network.
    static func hosts(ofHost text: String, _ entries: [HostEntry]) -> String {
        let isWhole = text.isEmpty || text.hasSuffix("\n") || entries.isEmpty
        return text + (isWhole ? "" : "\n") + lines(entries)
    }

    private static func lines(_ entries: [HostEntry]) -> String {
        entries.map { "\($0.address)\t\($0.name)\n" }.joined()
    }
}
