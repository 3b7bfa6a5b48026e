import APIMachinery

/// The text format of Prometheus. A family without a value is left out.
struct MetricsText {
    struct Family {
        let name: String
        let milliseconds: Int64
        var lines: [String] = []

        /// A value that is not known is left out.
        mutating func add(_ value: String?, _ labels: [(String, String)] = []) {
            guard let value else { return }
            let list = labels.map { "\($0.0)=\"\($0.1.escapedLabel)\"" }.joined(separator: ",")
            lines.append("\(name)\(list.isEmpty ? "" : "{\(list)}") \(value) \(milliseconds)\n")
        }
    }

    let milliseconds: Int64
    var text = ""

    init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    mutating func family(_ name: String, _ type: String, _ help: String, _ body: (inout Family) -> Void) {
        var family = Family(name: name, milliseconds: milliseconds)
        body(&family)
        guard !family.lines.isEmpty else { return }
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n" + family.lines.joined()
    }
}

/// Nanoseconds as seconds, exactly.
func seconds(_ nanoseconds: UInt64?) -> String? {
    nanoseconds.map { value in
        let digits = String(value % 1_000_000_000)
        return "\(value / 1_000_000_000)." + String(repeating: "0", count: 9 - digits.count) + digits
    }
}

extension Timestamp {
    var milliseconds: Int64 { seconds &* 1000 &+ Int64(nanoseconds / 1_000_000) }
}

extension String {
    fileprivate var escapedLabel: String {
        var result = ""
        for character in unicodeScalars {
            switch character {
            case "\\": result += "\\\\"
            case "\"": result += "\\\""
            case "\n": result += "\\n"
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }
}
