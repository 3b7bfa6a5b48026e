import CKernel

/// The IPv4 filter table of iptables' own kernel interface, which nftables does not show.
package enum LegacyFilter {
    /// Whether forwarded packets that no rule accepts are dropped; nil where the table is not in use or cannot be read.
    package static func dropsForwarded() -> Bool? {
        // Looking at a table that is not there would make it.
        guard let tables = try? readText("/proc/net/ip_tables_names"),
            tables.split(separator: "\n").contains("filter")
        else { return nil }
        let answer = ck_legacy_forward_drops()
        return answer < 0 ? nil : answer == 1
    }
}
