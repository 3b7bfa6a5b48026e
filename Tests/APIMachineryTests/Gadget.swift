import APIMachinery
import JSONTree

/// A kind that has one field of everything, for the tests.
struct Gadget: APIObject {
    final class Fields: FieldSet {
        let spec = Total<GadgetSpec>("spec", "What is wanted.", .required)
        let data = Total<[String: Bytes]>("data", "Bytes by name.", .keyFormat(.configKey))
    }

    static let kind = ResourceKind(group: "test.io", kind: "Gadget", plural: "gadgets")
    static let fields = Fields()
    var storage: JSONObject
}

struct GadgetSpec: APIValue {
    final class Fields: FieldSet {
        let replicas = Total<Int32>("replicas", "How many.", default: 1, .minimum(0), .maximum(10))
        let parts = Total<[Part]>(
            "parts", "What it is made of.", .required, .minItems(1), .listMap(["name"]), .mergeKey("name"))
        let ports = Total<[PartPort]>(
            "ports", "Ports.", .listMap(["number", "protocol"]), .mergeKey("number"))
        let tags = Total<[String]>("tags", "Tags.", .set, .mergeItems, .maxItems(5))
        let steps = Total<[String]>("steps", "Steps.", .atomic)
        let source = Key<GadgetSource>("source", "Where it comes from.", .retainKeys)
        let limits = Total<[String: Quantity]>("limits", "Limits.")
        let selector = Key<LabelSelector>("selector", "Others.", .atomic)
        let target = Key<IntOrString>("target", "A port.")
        let since = Key<Timestamp>("since", "When.")
        let free = Key<JSONValue>("free", "Anything.")
        let inner = Key<GadgetSpec>("inner", "Recursion.")
        let fixed = Key<String>("fixed", "Never changes.", .immutable)
    }

    static let groupVersion = Gadget.kind.groupVersion
    static let fields = Fields()
    var storage: JSONObject
}

struct Part: APIValue {
    final class Fields: FieldSet {
        let name = Total<String>("name", "Name.", .required, .format(.dnsLabel))
        let policy = Total<String>("policy", "Policy.", default: "Always", .oneOf(["Always", "Never"]))
        let env = Total<[PartEnvironment]>("env", "Variables.", .listMap(["name"]), .mergeKey("name"), .repeatable)
        let probe = Key<PartProbe>("probe", "Probe.")
    }

    static let groupVersion = Gadget.kind.groupVersion
    static let fields = Fields()
    var storage: JSONObject
}

struct PartEnvironment: APIValue {
    final class Fields: FieldSet {
        let name = Total<String>("name", "Name.", .required)
        let value = Total<String>("value", "Value.")
    }

    static let groupVersion = Gadget.kind.groupVersion
    static let fields = Fields()
    var storage: JSONObject
}

struct PartPort: APIValue {
    final class Fields: FieldSet {
        let number = Total<Int32>("number", "Number.", .required, .minimum(1), .maximum(65_535))
        let `protocol` = Total<String>("protocol", "Protocol.", default: "TCP")
        let hint = Key<String>("hint", "Text.")
    }

    static let groupVersion = Gadget.kind.groupVersion
    static let fields = Fields()
    var storage: JSONObject
}

struct PartProbe: APIValue {
    final class Fields: FieldSet {
        let exec = Key<[String]>("exec", "Command.", .union("handler"))
        let http = Key<String>("http", "Path.", .union("handler"))
        let period = Total<Int32>("period", "Seconds.", default: 10)
    }

    static let groupVersion = Gadget.kind.groupVersion
    static let fields = Fields()
    var storage: JSONObject
}

struct GadgetSource: APIValue {
    final class Fields: FieldSet {
        let git = Key<String>("git", "Git.", .union("source"))
        let http = Key<String>("http", "HTTP.", .union("source"))
    }

    static let groupVersion = Gadget.kind.groupVersion
    static let fields = Fields()
    var storage: JSONObject
}

extension Gadget {
    static func parsed(_ text: String) throws -> JSONValue {
        try JSONValue(parsing: text)
    }
}
