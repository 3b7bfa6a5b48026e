import CRI
import JSONTree

/// What `verbose` adds to an answer: JSON for people who look for a fault.
enum VerboseInfo {
    static func sandbox(_ status: PodSandboxStatus) -> String {
        text([
            "addresses": .array(status.addresses.map(JSONValue.string)),
            "warnings": .array(status.warnings.map(JSONValue.string)),
        ])
    }

    static func container(_ status: ContainerStatus) -> String {
        text([
            "pid": .integer(Int64(status.processID)), "sandboxID": .string(status.sandbox),
            "warnings": .array(status.warnings.map(JSONValue.string)),
        ])
    }

    static func text(_ object: JSONObject) -> String {
        String(decoding: object.encoded(), as: UTF8.self)
    }
}
