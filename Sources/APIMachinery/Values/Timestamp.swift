import JSONTree

/// A moment in UTC, exact to the nanosecond in memory and to the second on the wire (RFC 3339), so a value that was written and read back
/// compares equal only after `truncatedToSeconds`.
package struct Timestamp: Sendable, Hashable {
    /// Since 1970-01-01T00:00:00Z, negative before.
    package let seconds: Int64
    /// 0 ..< 1,000,000,000, counted forward from `seconds`.
    package let nanoseconds: Int32

    /// Held within some 30,000 years of the epoch, so that no arithmetic on it can overflow.
    package init(seconds: Int64, nanoseconds: Int32 = 0) {
        let limit: Int64 = 1_000_000_000_000
        let rest = Int64(nanoseconds)
        let carry = rest >= 0 ? rest / 1_000_000_000 : (rest - 999_999_999) / 1_000_000_000
        self.seconds = min(max(seconds, -limit), limit) + carry
        self.nanoseconds = Int32(rest - carry * 1_000_000_000)
    }

    /// The moment that lies `sinceEpoch` after 1970-01-01T00:00:00Z.
    package init(_ sinceEpoch: Duration) {
        let (seconds, attoseconds) = sinceEpoch.components
        self.init(seconds: seconds, nanoseconds: Int32(attoseconds / 1_000_000_000))
    }

    /// Since 1970-01-01T00:00:00Z.
    package var sinceEpoch: Duration {
        .seconds(seconds) + .nanoseconds(Int64(nanoseconds))
    }

    package var truncatedToSeconds: Timestamp {
        .init(seconds: seconds)
    }

    package static let epoch = Timestamp(seconds: 0)
}

extension Timestamp: Comparable {
    package static func < (left: Timestamp, right: Timestamp) -> Bool {
        (left.seconds, left.nanoseconds) < (right.seconds, right.nanoseconds)
    }

    package static func + (moment: Timestamp, duration: Duration) -> Timestamp {
        .init(moment.sinceEpoch + duration)
    }

    package static func - (moment: Timestamp, duration: Duration) -> Timestamp {
        .init(moment.sinceEpoch - duration)
    }

    package static func - (left: Timestamp, right: Timestamp) -> Duration {
        left.sinceEpoch - right.sinceEpoch
    }
}

extension Timestamp: JSONRepresentable, HasZero {
    package init?(json: JSONValue) {
        guard case .string(let text) = json else { return nil }
        self.init(text)
    }

    package var json: JSONValue { .string(description) }
    package static var schema: Schema { .timestamp }
    package static var zero: Timestamp { .epoch }
}

/// A moment that keeps its microseconds on the wire, as leases and events need.
package struct MicroTime: Sendable, Hashable, JSONRepresentable, HasZero {
    package var timestamp: Timestamp

    package init(_ timestamp: Timestamp) {
        self.timestamp = timestamp
    }

    package init?(json: JSONValue) {
        guard case .string(let text) = json, let timestamp = Timestamp(text) else { return nil }
        self.timestamp = timestamp
    }

    package var json: JSONValue { .string(timestamp.text(fractionDigits: 6)) }
    package static var schema: Schema { .microTime }
    package static var zero: MicroTime { .init(.epoch) }
}
