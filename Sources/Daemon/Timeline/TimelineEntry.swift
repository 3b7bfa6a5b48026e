import APIMachinery
import JSONTree

/// One step on a pod's way, as its file keeps it: one JSON object a line.
package struct TimelineEntry: Sendable, Hashable {
    /// When it began.
    package var at: Timestamp
    /// `api.*` of the API server, `kubelet.*`, `sandbox.*` and `container.*` of the runtime, `event.*` of the kubelet's events.
    package var step: String
    package var container: String?
    package var duration: Duration?
    /// The reason, in words.
    package var message: String?
    /// What the step is named for did not come about.
    package var isFailure: Bool

    package init(
        at: Timestamp, step: String, container: String? = nil, duration: Duration? = nil, message: String? = nil,
        isFailure: Bool = false
    ) {
        self.at = at
        self.step = step
        self.container = container
        self.duration = duration
        self.message = message
        self.isFailure = isFailure
    }

    /// Longest message kept, in bytes of its UTF-8; the rest is cut.
    static let longestMessage = 512

    package var json: JSONValue {
        var object = JSONObject()
        object["at"] = .string(at.text(fractionDigits: 9))
        object["step"] = .string(step)
        object["container"] = container.map { .string($0) }
        object["microseconds"] = duration.map { .integer(Self.microseconds($0)) }
        object["message"] = message.map { .string(Self.cut($0)) }
        if isFailure { object["failed"] = true }
        return .object(object)
    }

    /// nil where the line is none of ours: cut short by a power cut, or of another version.
    package init?(line: some Collection<UInt8>) {
        guard let object = try? JSONValue(parsing: Array(line)),
            let at = object["at"]?.string.flatMap({ Timestamp($0) }),
            let step = object["step"]?.string
        else { return nil }
        self.init(
            at: at, step: step, container: object["container"]?.string,
            duration: object["microseconds"]?.integer.map { .microseconds($0) }, message: object["message"]?.string,
            isFailure: object["failed"] == true)
    }

    /// With the line's end.
    var line: [UInt8] { json.encoded() + [UInt8(ascii: "\n")] }

    static func entries(in file: [UInt8]) -> [TimelineEntry] {
        file.split(separator: UInt8(ascii: "\n")).compactMap { TimelineEntry(line: $0) }
    }

    private static func microseconds(_ duration: Duration) -> Int64 {
        let (seconds, attoseconds) = duration.components
        return min(seconds, 1 << 40) &* 1_000_000 &+ attoseconds / 1_000_000_000_000
    }

    private static func cut(_ text: String) -> String {
        text.utf8.count <= longestMessage ? text : String(decoding: text.utf8.prefix(longestMessage), as: UTF8.self)
    }
}
