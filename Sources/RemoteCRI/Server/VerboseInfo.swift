import CRI
import JSONTree

/// What `verbose` adds to an answer: JSON for people who look for a fault.
enum VerboseInfo {
    static func sandbox(_ status: PodSandboxStatus) -> String {
        text([
            "pid": .integer(Int64(status.processID)), "runtimeSpec": ["linux": ["namespaces": namespaces(of: status)]],
            "addresses": .array(status.addresses.map(JSONValue.string)),
            "warnings": .array(status.warnings.map(JSONValue.string)),
        ])
    }

    /// In the form and the place in which tools that enter a pod's network look for it.
    private static func namespaces(of status: PodSandboxStatus) -> JSONValue {
        guard status.processID > 0, status.network != .node else { return [] }
        return [["type": "network", "path": .string("/proc/\(status.processID)/ns/net")]]
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
