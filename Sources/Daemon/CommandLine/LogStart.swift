import APIMachinery
import HTTP

/// From when on a log is read: `--since`.
package enum LogStart {
    /// As the daemon is asked.
    /// - Parameter text: how long ago (`90s`, `1h30m`, `2d`), or a time (RFC 3339).
    package static func query(_ text: String) throws(DaemonError) -> QueryItem {
        if Timestamp(text) != nil { return QueryItem("sinceTime", text) }
        guard let seconds = seconds(text), seconds > 0 else {
            throw DaemonError(
                "--since \(text): write how long ago, such as 90s, 10m or 1h30m, or a time such as 2026-01-31T12:00:00Z"
            )
        }
        return QueryItem("sinceSeconds", String(seconds))
    }

    private static let units: [Character: Int] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400]

    /// Nil for what is none. At most a hundred years.
    private static func seconds(_ text: String) -> Int? {
        var (sum, digits) = (0, "")
        for character in text {
            guard let unit = units[character] else {
                digits.append(character)
                continue
            }
            guard digits.utf8.allSatisfy({ (48...57).contains($0) }), let number = Int(digits), number < 1 << 32 else {
                return nil
            }
            sum += number * unit
            digits = ""
        }
        return digits.isEmpty && sum <= 36_500 * 86_400 ? sum : nil
    }
}
