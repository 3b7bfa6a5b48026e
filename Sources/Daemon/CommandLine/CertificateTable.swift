import APIMachinery
import JSONTree

/// What `swiftlet certs` prints of the daemon's answer.
package enum CertificateTable {
    package static func text(_ certificates: JSONValue, now: Timestamp) -> String {
        var table = TextTable([
            .init("NAME"), .init("PURPOSE"), .init("ENDS"), .init("DAYS", .right), .init("SUBJECT"), .init("AUTHORITY"),
        ])
        for certificate in certificates.array ?? [] {
            func text(_ key: String) -> String { certificate[key]?.string ?? "" }
            table.add([
                text("name"), text("purpose"), text("notAfter"), daysLeft(until: Timestamp(text("notAfter")), now),
                text("subject"), text("authority"),
            ])
        }
        return table.text
    }

    /// Whole days; less than 0 where it has ended.
    private static func daysLeft(until end: Timestamp?, _ now: Timestamp) -> String {
        guard let end else { return "?" }
        let seconds = end.seconds - now.seconds
        return String(seconds >= 0 ? seconds / 86_400 : (seconds - 86_399) / 86_400)
    }
}
