import APIMachinery
import JSONTree

/// How objects of a kind become rows of a meta.k8s.io/v1 Table, which kubectl asks for.
package struct TableDefinition: Sendable {
    package struct Column: Sendable, Hashable {
        package let name: String
        /// `string`, `integer` or `boolean`.
        package let type: String
        /// `name` for the column that identifies the object, else "".
        package let format: String
        package let summary: String
        /// 0: always printed; 1: with `-o wide` only.
        package let priority: Int32

        package init(
            _ name: String, _ summary: String, type: String = "string", format: String = "", priority: Int32 = 0
        ) {
            self.name = name
            self.type = type
            self.format = format
            self.summary = summary
            self.priority = priority
        }

        static let name = Column("Name", "Name of the object, unique in its namespace.", format: "name")
        static let age = Column("Age", "Time since the object was created.")
    }

    package let columns: [Column]
    /// One value for each column. `now` is what ages are counted to.
    package let cells: @Sendable (_ object: JSONObject, _ now: Timestamp) -> [JSONValue]

    package init<Object: APIObject>(
        _ type: Object.Type, _ columns: [Column],
        cells: @escaping @Sendable (_ object: Object, _ now: Timestamp) -> [JSONValue]
    ) {
        self.columns = columns
        self.cells = { cells(Object(storage: $0), $1) }
    }
}

extension JSONValue {
    /// The text, or `<none>` where there is none.
    static func text(_ text: String?) -> JSONValue {
        .string(text.flatMap { $0.isEmpty ? nil : $0 } ?? "<none>")
    }

    static func number(_ number: some BinaryInteger) -> JSONValue {
        .integer(Int64(clamping: number))
    }

    /// Time since `moment`, or `<unknown>`.
    static func age(_ moment: Timestamp?, _ now: Timestamp) -> JSONValue {
        .string(AgeText.since(moment, now))
    }
}

/// Durations as kubectl prints them: two units at most, coarser the longer.
package enum AgeText {
    package static func since(_ moment: Timestamp?, _ now: Timestamp) -> String {
        moment.map { text(now - $0) } ?? "<unknown>"
    }

    package static func text(_ duration: Duration) -> String {
        let seconds = duration.components.seconds
        if seconds < -1 { return "<invalid>" }
        if seconds < 120 { return "\(max(seconds, 0))s" }
        let minutes = seconds / 60
        if minutes < 10 { return pair(minutes, "m", seconds % 60, "s") }
        if minutes < 180 { return "\(minutes)m" }
        let hours = minutes / 60
        if hours < 8 { return pair(hours, "h", minutes % 60, "m") }
        if hours < 48 { return "\(hours)h" }
        let days = hours / 24
        if days < 8 { return pair(days, "d", hours % 24, "h") }
        if days < 730 { return "\(days)d" }
        return days < 2_920 ? pair(days / 365, "y", days % 365, "d") : "\(days / 365)y"
    }

    private static func pair(_ first: Int64, _ firstUnit: String, _ second: Int64, _ secondUnit: String) -> String {
        second == 0 ? "\(first)\(firstUnit)" : "\(first)\(firstUnit)\(second)\(secondUnit)"
    }
}
