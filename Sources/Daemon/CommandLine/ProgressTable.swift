import JSONTree

/// What is known of a pull or a push from its lines of progress.
package struct ProgressTable: Sendable {
    private var layers = 0
    private var total: Int64 = 0
    private var bytes: [String: Int64] = [:]
    private var finished: Set<String> = []
    private var note = ""

    package init() {}

    /// Takes one line.
    /// - Returns: whether it is the last, of a success.
    package mutating func take(_ line: JSONValue) -> Bool {
        let layer = line["layer"]?.string ?? ""
        switch line["event"]?.string {
        case "resolved":
            layers = Int(clamping: line["layers"]?.integer ?? 0)
            total = line["size"]?.integer ?? 0
            note = ""
        case "received", "sent":
            bytes[layer] = line["bytes"]?.integer ?? 0
            note = ""
        case "unpacking": bytes[layer] = line["size"]?.integer ?? 0
        case "done", "present":
            bytes[layer] = line["size"]?.integer ?? 0
            finished.insert(layer)
        case "retrying", "waiting": note = line["cause"]?.string ?? ""
        case "pulled", "pushed": return true
        default: break
        }
        return false
    }

    /// `2 of 5 layers, 34.2 of 80.1 MiB`
    package var summary: String {
        var state = "asking the registry"
        if layers > 0 {
            let done = NodeTables.size(bytes.values.boundedSum)
            state = "\(finished.count) of \(layers) layers, \(done) of \(NodeTables.size(total))"
        }
        return note.isEmpty ? state : "\(state); waiting: \(note)"
    }

    /// The line for logs, nil for what comes too often.
    package static func text(of line: JSONValue) -> String? {
        let layer = (line["layer"]?.string ?? "").dropFirst("sha256:".count).prefix(12)
        let size = NodeTables.size(line["size"]?.integer ?? 0)
        return switch line["event"]?.string {
        case "resolved":
            line["layers"]?.integer == 1 ? "1 layer, \(size)" : "\(line["layers"]?.integer ?? 0) layers, \(size)"
        case "done": "layer \(layer) \(size)"
        case "present": "layer \(layer) \(size), already there"
        case "waiting": "the registry is asked again after: \(line["cause"]?.string ?? "")"
        case "retrying": "layer \(layer) goes on after: \(line["cause"]?.string ?? "")"
        default: nil
        }
    }
}

extension Sequence where Element: FixedWidthInteger {
    /// The sum of what is not negative, or the largest number: a manifest claims what it likes.
    var boundedSum: Element {
        reduce(0) { sum, next in
            let (total, overflow) = sum.addingReportingOverflow(next)
            return overflow ? .max : total
        }
    }
}
