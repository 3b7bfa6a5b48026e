/// The protobuf form of what is served, as typed clients send it: field numbers as in the generated.proto files of k8s.io/api. A message that carries a
/// field which is not here is refused, never cut.
///
/// One message a line: its name, then `number name:type` for each field. `[type]` repeats, `{type}` is a map from text, a trailing `?` marks a field
/// whose zero says something (other scalars are left out where they are zero, as in JSON). The fields of a message named `-` stand in the one around it.
package enum ProtobufMessages {
    package indirect enum FieldType: Sendable {
        case string, bool, integer, bytes, time, microTime, intOrString, quantity
        /// A list of texts in a message of its own, as the values of a map have it.
        case strings
        /// JSON text in a message of its own.
        case json
        case message(String)
        case inline(String)
        case list(FieldType)
        case map(FieldType)
    }

    package struct Field: Sendable {
        package let name: String
        package let type: FieldType
        let keepsZero: Bool
    }

    package static let all: [String: [Int: Field]] = {
        var all: [String: [Int: Field]] = [:]
        for line in [requests, stored, pods, volumes].flatMap({ $0.split(separator: "\n") }) {
            var words = line.split(separator: " ").map(String.init)[...]
            guard let name = words.popFirst() else { continue }
            var fields: [Int: Field] = [:]
            while let number = words.popFirst().flatMap({ Int($0) }), let field = words.popFirst() {
                fields[number] = Self.field(field)
            }
            all[name] = fields
        }
        return all
    }()

    /// By kind: the message that a body of that kind holds.
    static let kinds: Set<String> = [
        "Binding", "ConfigMap", "ControllerRevision", "DeleteOptions", "Deployment", "Endpoints", "EndpointSlice",
        "Event", "Eviction", "Lease", "LocalSubjectAccessReview",
        "Namespace", "Node", "Pod", "ReplicaSet", "Scale", "Secret", "SelfSubjectAccessReview", "SelfSubjectReview",
        "SelfSubjectRulesReview", "Service", "ServiceAccount", "SubjectAccessReview", "TokenRequest", "TokenReview",
    ]

    private static func field(_ text: String) -> Field {
        let keepsZero = text.hasSuffix("?")
        let parts = (keepsZero ? String(text.dropLast()) : text).split(separator: ":", maxSplits: 1).map(String.init)
        let name = parts[0]
        let kind = parts.count > 1 ? parts[1] : "string"
        return Field(name: name, type: name == "-" ? .inline(kind) : type(kind), keepsZero: keepsZero)
    }

    private static func type(_ text: String) -> FieldType {
        if text.hasPrefix("[") { return .list(type(String(text.dropFirst().dropLast()))) }
        if text.hasPrefix("{") { return .map(type(String(text.dropFirst().dropLast()))) }
        return switch text {
        case "string": .string
        case "bool": .bool
        case "int": .integer
        case "bytes": .bytes
        case "json": .json
        case "Strings": .strings
        case "Time": .time
        case "MicroTime": .microTime
        case "IntOrString": .intOrString
        case "Quantity": .quantity
        default: .message(text)
        }
    }
}
