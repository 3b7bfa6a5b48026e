import APIMachinery
import JSONTree

/// An event of the node as a line for people.
package enum EventLine {
    package static func text(_ event: JSONValue) -> String {
        let time = Timestamp(seconds: (event["time"]?.integer ?? 0) / 1_000_000_000)
        var words = [
            time.description, padded(event["kind"]?.string ?? "", 9), padded(event["action"]?.string ?? "", 8),
            event["name"]?.string ?? event["id"]?.string.map { String($0.prefix(13)) } ?? "",
        ]
        if let image = event["image"]?.string { words.append(image) }
        if event["action"]?.string == "stopped", let code = event["exitCode"]?.integer {
            let why = [event["reason"], event["message"]].compactMap { $0?.string }.filter { !$0.isEmpty }
            words.append("exit code \(code)" + (why.isEmpty ? "" : " (\(why.joined(separator: ": ")))"))
        }
        return words.joined(separator: "  ")
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}
