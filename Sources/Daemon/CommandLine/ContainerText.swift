import JSONTree

/// What a container runs and publishes, as docker prints it.
enum ContainerText {
    private static let width = 20

    /// In quotes; a word with spaces is in quotes of its own.
    /// - Parameter isWhole: not cut.
    static func command(_ container: JSONValue, isWhole: Bool) -> String {
        let words = (container["command"]?.array ?? []).compactMap(\.string)
        var line = words.map { $0.contains(" ") ? "'\($0)'" : $0 }.joined(separator: " ")
        if !isWhole && line.unicodeScalars.count > width {
            line = String(String.UnicodeScalarView(line.unicodeScalars.prefix(width - 1))) + "…"
        }
        return quoted(line)
    }

    /// As Go's strconv.Quote has it: nothing in it moves a terminal's cursor.
    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\\(scalar)"
            case "\n": quoted += "\\n"
            case "\r": quoted += "\\r"
            case "\t": quoted += "\\t"
            case _ where scalar.value < 32 || scalar.value == 127: quoted += "\\x" + hex(scalar, 2)
            case _ where ![.control, .format, .lineSeparator, .paragraphSeparator].contains(category(scalar)):
                quoted.unicodeScalars.append(scalar)
            case _ where scalar.value > 0xffff: quoted += "\\U" + hex(scalar, 8)
            default: quoted += "\\u" + hex(scalar, 4)
            }
        }
        return quoted + "\""
    }

    private static func category(_ scalar: Unicode.Scalar) -> Unicode.GeneralCategory {
        scalar.properties.generalCategory
    }

    private static func hex(_ scalar: Unicode.Scalar, _ digits: Int) -> String {
        let text = String(scalar.value, radix: 16)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }

    /// Of one that runs.
    static func ports(_ container: JSONValue) -> String {
        guard container["state"]?.string == "running" else { return "" }
        return (container["ports"]?.array ?? []).map { port in
            let address = port["address"]?.string ?? ""
            let (host, inside) = (port["host"]?.integer ?? 0, port["container"]?.integer ?? 0)
            let outside = host == 0 ? "" : "\(address.isEmpty ? "0.0.0.0" : address):\(host)->"
            return "\(outside)\(inside)/\(port["transport"]?.string?.lowercased() ?? "")"
        }.joined(separator: ", ")
    }
}
