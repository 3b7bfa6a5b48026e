import JSONTree
import OCI

/// A hook that the daemon runs for a container, in its own namespaces and with its own rights.
struct HostHook: Sendable, Hashable {
    enum Station: String, Sendable, CaseIterable {
        /// The container's mounts are made, and it has not left the host's root. The older name of `createRuntime`, and before it.
        case prestart
        case createRuntime
        /// Its program runs.
        case poststart
        /// Its processes are gone.
        case poststop
    }

    var station: Station
    /// With its station, program and device, for messages.
    var name: String
    var path: String
    /// With the program's name first.
    var arguments: [String]
    var environment: [String]
    /// Seconds; nil: for as long as it is waited for.
    var timeout: Int64?

    var isBeforeProgram: Bool { station == .prestart || station == .createRuntime }
}

extension HostHook {
    var json: JSONObject {
        var object: JSONObject = [
            "station": .string(station.rawValue), "name": .string(name), "path": .string(path),
            "arguments": .list(arguments), "environment": .list(environment),
        ]
        if let timeout { object["timeout"] = .integer(timeout) }
        return object
    }

    init(_ reader: SpecificationReader) throws(OCIError) {
        station = try reader.choice("station")
        name = try reader.required("name")
        path = try reader.required("path")
        arguments = try reader.strings("arguments") ?? []
        environment = try reader.strings("environment") ?? []
        timeout = try reader.integer("timeout")
    }
}
