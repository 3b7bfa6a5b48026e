import JSONTree

/// What an image says about the process that is to run in it: the `config` object of the image specification.
package struct ImageConfiguration: Sendable, Hashable {
    /// `user`, `uid`, `user:group`, `uid:gid`; empty: root.
    package var user = ""
    /// `NAME=value`.
    package var environment: [String] = []
    package var entrypoint: [String] = []
    package var command: [String] = []
    /// Empty: `/`.
    package var workingDirectory = ""
    package var labels: [String: String] = [:]
    /// Directories that hold what is written while it runs, in order: there and writable in every container.
    package var volumes: [String] = []
    /// A signal's name or number; nil: SIGTERM.
    package var stopSignal: String?

    package init() {}

    /// Reads an image's configuration file: the `config` member, or where there is none an empty configuration.
    package init(imageFile value: JSONValue, file: String) throws(OCIError) {
        let config = try SpecificationReader(value, file: file).object("config")
        self = try config.map { reader throws(OCIError) in try ImageConfiguration(reader) } ?? ImageConfiguration()
    }

    package init(_ reader: SpecificationReader) throws(OCIError) {
        user = try reader.string("User") ?? ""
        environment = try reader.strings("Env") ?? []
        entrypoint = try reader.strings("Entrypoint") ?? []
        command = try reader.strings("Cmd") ?? []
        workingDirectory = try reader.string("WorkingDir") ?? ""
        labels = try reader.stringMap("Labels") ?? [:]
        volumes = try reader.object("Volumes")?.names.sorted() ?? []
        stopSignal = try reader.string("StopSignal")
    }

    /// In the form that the initialiser reads.
    package var json: JSONValue {
        var object = JSONObject()
        if !user.isEmpty { object["User"] = .string(user) }
        if !environment.isEmpty { object["Env"] = .array(environment.map(JSONValue.string)) }
        if !entrypoint.isEmpty { object["Entrypoint"] = .array(entrypoint.map(JSONValue.string)) }
        if !command.isEmpty { object["Cmd"] = .array(command.map(JSONValue.string)) }
        if !workingDirectory.isEmpty { object["WorkingDir"] = .string(workingDirectory) }
        if !labels.isEmpty { object["Labels"] = .object(JSONObject(labels.map { ($0.key, .string($0.value)) })) }
        if !volumes.isEmpty { object["Volumes"] = .object(JSONObject(volumes.map { ($0, .object(JSONObject())) })) }
        if let stopSignal { object["StopSignal"] = .string(stopSignal) }
        return .object(object)
    }
}
