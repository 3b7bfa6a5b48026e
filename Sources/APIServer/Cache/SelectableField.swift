import JSONTree

/// The path of a scalar field that a field selector may name: `spec.nodeName`.
struct SelectableField: Sendable, Hashable {
    let text: String
    private let steps: [String]
    /// What an absent field compares as.
    private let absent: String

    init(_ text: String, absent: String = "") {
        self.text = text
        // The older selector of events names the reporting component.
        steps = (text == "source" ? "source.component" : text).split(separator: ".").map(String.init)
        self.absent = absent
    }

    /// The field's value as a selector compares it; "" (or the kind's zero) where it is absent.
    func text(in object: JSONObject) -> String {
        var value = JSONValue.object(object)
        for step in steps {
            guard let next = value[step] else { return absent }
            value = next
        }
        return switch value {
        case .string(let text): text
        case .bool(let flag): flag ? "true" : "false"
        case .integer(let number): String(number)
        default: absent
        }
    }
}
