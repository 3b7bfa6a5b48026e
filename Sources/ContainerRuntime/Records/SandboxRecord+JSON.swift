import CRI
import JSONTree
import OCI

extension SandboxRecord {
    var json: JSONObject {
        [
            "id": .string(id), "phase": .string(phase.rawValue), "bootID": .string(bootID),
            "createdAt": .integer(createdAt), "name": .string(metadata.name), "uid": .string(metadata.uid),
            "namespace": .string(metadata.namespace), "attempt": .integer(Int64(metadata.attempt)),
            "hostname": .string(hostname), "logDirectory": .string(logDirectory), "labels": .map(labels),
            "annotations": .map(annotations), "network": .string(network.rawValue), "pid": .string(pid.rawValue),
            "ipc": .string(ipc.rawValue), "cgroup": .string(cgroup), "cpuRequest": .integer(cpuRequest),
            "addresses": .list(addresses), "boundedFiles": .bool(areFilesBounded),
            "warnings": .list(warnings), "users": users?.json ?? .null,
            "selinux": selinux?.json ?? .null, "ports": .array(ports.map(\.json)),
            "givenDevices": .object(JSONObject(networkDevices.map { ($0.key, $0.value.json) })),
        ]
    }

    init(_ reader: SpecificationReader) throws(OCIError) {
        id = try reader.required("id")
        phase = try reader.choice("phase")
        bootID = try reader.required("bootID")
        createdAt = try reader.integer("createdAt") ?? 0
        metadata = PodSandboxMetadata(
            name: try reader.required("name"), uid: try reader.required("uid"),
            namespace: try reader.required("namespace"), attempt: try reader.count("attempt"))
        hostname = try reader.required("hostname")
        logDirectory = try reader.required("logDirectory")
        labels = try reader.stringMap("labels") ?? [:]
        annotations = try reader.stringMap("annotations") ?? [:]
        network = try reader.choice("network")
        pid = try reader.choice("pid")
        ipc = try reader.choice("ipc")
        cgroup = try reader.required("cgroup")
        cpuRequest = try reader.integer("cpuRequest") ?? 0
        addresses = try reader.strings("addresses") ?? []
        areFilesBounded = try reader.bool("boundedFiles") ?? false
        warnings = try reader.strings("warnings") ?? []
        if let devices = try reader.object("givenDevices") {
            for name in devices.names {
                networkDevices[name] = try devices.object(name).map { device throws(OCIError) in
                    try GivenNetworkDevice(device)
                }
            }
        }
        users = try reader.object("users").map { reader throws(OCIError) in try PodUsers(reader) }
        ports = try reader.objects("ports").map { port throws(OCIError) in try PortMapping(port) }
        selinux = try reader.object("selinux").flatMap { reader throws(OCIError) in try SELinuxOptions(reader) }
    }
}

extension GivenNetworkDevice {
    fileprivate var json: JSONValue {
        [
            "name": .string(name), "number": number.map { .integer(Int64($0)) } ?? .null,
            "unfinished": .bool(isUnfinished),
        ]
    }

    fileprivate init(_ reader: SpecificationReader) throws(OCIError) {
        self.init(
            name: try reader.required("name"), number: try reader.number("number"),
            isUnfinished: try reader.bool("unfinished") ?? false)
    }
}

extension SELinuxOptions {
    fileprivate var json: JSONValue {
        ["user": .string(user), "role": .string(role), "type": .string(type), "level": .string(level)]
    }

    fileprivate init?(_ reader: SpecificationReader) throws(OCIError) {
        self.init(
            user: try reader.string("user") ?? "", role: try reader.string("role") ?? "",
            type: try reader.string("type") ?? "", level: try reader.string("level") ?? "")
    }
}

extension PodUsers {
    var json: JSONValue {
        [
            "firstUser": .integer(Int64(users.first)), "userCount": .integer(Int64(users.count)),
            "firstGroup": .integer(Int64(groups.first)), "groupCount": .integer(Int64(groups.count)),
        ]
    }

    init(_ reader: SpecificationReader) throws(OCIError) {
        self.init(
            users: Range(first: try reader.count("firstUser"), count: try reader.count("userCount")),
            groups: Range(first: try reader.count("firstGroup"), count: try reader.count("groupCount")))
    }
}

extension SpecificationReader {
    /// One of the values of `Choice`.
    package func choice<Choice: RawRepresentable>(
        _ name: String, as type: Choice.Type = Choice.self
    ) throws(OCIError) -> Choice where Choice.RawValue == String {
        let text = try required(name)
        guard let choice = Choice(rawValue: text) else { throw failure(name, "\"\(text)\" is not known") }
        return choice
    }

    package func count(_ name: String) throws(OCIError) -> UInt32 {
        guard let number = UInt32(exactly: try integer(name) ?? 0) else {
            throw failure(name, "it must be from 0 to 4294967295")
        }
        return number
    }

    func code(_ name: String) throws(OCIError) -> Int32 {
        guard let number = Int32(exactly: try integer(name) ?? 0) else { throw failure(name, "it is out of range") }
        return number
    }
}

extension JSONValue {
    package static func list(_ texts: [String]) -> JSONValue { .array(texts.map(JSONValue.string)) }

    package static func map(_ texts: [String: String]) -> JSONValue {
        .object(JSONObject(texts.map { ($0.key, .string($0.value)) }))
    }
}
