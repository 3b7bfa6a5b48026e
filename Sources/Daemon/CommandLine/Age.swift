import APIMachinery

/// How long something has been there, in the short form that kubectl prints: `7s`, `3m20s`, `45m`, `5h`, `3d4h`.
package enum Age {
    package static func text(seconds: Int64) -> String {
        let seconds = max(0, seconds)
        switch seconds {
        case ..<120: return "\(seconds)s"
        case ..<600: return two(seconds / 60, "m", seconds % 60, "s")
        case ..<10_800: return "\(seconds / 60)m"
        case ..<28_800: return two(seconds / 3600, "h", seconds / 60 % 60, "m")
        case ..<172_800: return "\(seconds / 3600)h"
        case ..<691_200: return two(seconds / 86_400, "d", seconds / 3600 % 24, "h")
        default: return "\(seconds / 86_400)d"
        }
    }

    /// - Parameter nanoseconds: since 1970; 0 is unknown.
    package static func since(nanoseconds: Int64, now: Timestamp) -> String {
        nanoseconds <= 0 ? "" : text(seconds: now.seconds &- nanoseconds / 1_000_000_000)
    }

    private static func two(_ large: Int64, _ largeUnit: String, _ small: Int64, _ smallUnit: String) -> String {
        "\(large)\(largeUnit)" + (small == 0 ? "" : "\(small)\(smallUnit)")
    }
}

extension Duration {
    /// Milliseconds with one digit after the point, from a second on seconds with two.
    package var shortText: String {
        let (seconds, attoseconds) = components
        let micros = seconds.multipliedReportingOverflow(by: 1_000_000).partialValue &+ attoseconds / 1_000_000_000_000
        if micros.magnitude >= 1_000_000 { return Self.decimal(micros / 10_000, 100) + " s" }
        return Self.decimal(micros / 100, 10) + " ms"
    }

    private static func decimal(_ value: Int64, _ scale: UInt64) -> String {
        let digits = String(value.magnitude % scale)
        let zeros = String(repeating: "0", count: max(0, String(scale).count - 1 - digits.count))
        return "\(value < 0 ? "-" : "")\(value.magnitude / scale).\(zeros)\(digits)"
    }
}
