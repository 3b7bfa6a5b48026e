import KubernetesAPI
import Linux

/// A pod's /etc/hosts, in upstream's words, by which other tools know it.
enum HostsFile {
    /// Of a pod on the node's network the node's own file, read now, else that of its addresses; then the pod's `hostAliases`.
    static func bytes(
        of pod: Pod, addresses: [String], hostNames: [String], node path: String = "/etc/hosts"
    ) -> [UInt8] {
        var bytes: [UInt8]
        if pod.spec.hostNetwork {
            bytes = Array("# Kubernetes-managed hosts file (host network).\n".utf8)
            bytes += (try? WholeFile.read(path, limit: 256 << 10)) ?? []
            if bytes.last != UInt8(ascii: "\n") { bytes.append(UInt8(ascii: "\n")) }
        } else {
            bytes = Array(names(addresses, hostNames).utf8)
        }
        return bytes + Array(aliases(pod.spec.hostAliases).utf8)
    }

    private static func names(_ addresses: [String], _ hostNames: [String]) -> String {
        let lines =
            [
                "# Kubernetes-managed hosts file.", "127.0.0.1\tlocalhost", "::1\tlocalhost ip6-localhost ip6-loopback",
                "fe00::0\tip6-localnet", "fe00::0\tip6-mcastprefix", "fe00::1\tip6-allnodes", "fe00::2\tip6-allrouters",
            ] + addresses.map { "\($0)\t\(hostNames.joined(separator: "\t"))" }
        return lines.map { $0 + "\n" }.joined()
    }

    private static func aliases(_ aliases: [HostAlias]) -> String {
        guard !aliases.isEmpty else { return "" }
        let lines = aliases.map { "\($0.ip)\t\($0.hostnames.joined(separator: "\t"))\n" }
        return "\n# Entries added by HostAliases.\n" + lines.joined()
    }
}
