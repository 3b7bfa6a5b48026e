import CRI
import ContainerRuntime
import JSONTree
import OCI

/// On its way from the command to the daemon.
extension RunSpec {
    /// What follows the first message. 2: the daemon tells of the start.
    private static let conversation: Int64 = 2

    /// The first message of a session. It is no form that older daemons read: they would tell of no start, and the command would wait for ever.
    package var message: JSONValue { ["conversation": .integer(Self.conversation), "container": json] }

    /// Older commands send the container alone, and pass over what they are told more.
    package init?(message: JSONValue) {
        guard let conversation = message["conversation"] else {
            self.init(message)
            return
        }
        guard let number = conversation.integer, number <= Self.conversation else { return nil }
        self.init(message["container"] ?? .null)
    }

    package var json: JSONValue {
        [
            "name": .string(name), "image": .string(image), "entryPoint": .list(entryPoint), "command": .list(command),
            "environment": .array(environment.map { ["name": .string($0.name), "value": .string($0.value)] }),
            "mounts": .array(mounts.map { .object($0.json) }), "ports": .array(ports.map(\.json)),
            "network": .string(network.rawValue), "hostname": .string(hostname),
            "workingDirectory": .string(workingDirectory), "user": .string(user), "groups": .list(groups),
            "resources": .object(resources.json), "limits": .array(processLimits.map(\.json)),
            "sharedMemory": sharedMemory.map { .integer($0) } ?? .null,
            "hosts": .array(hosts.map { ["name": .string($0.name), "address": .string($0.address)] }),
            "columns": terminalSize.map { .integer(Int64($0.columns)) } ?? .null,
            "rows": terminalSize.map { .integer(Int64($0.rows)) } ?? .null,
            "input": .bool(hasInput), "terminal": .bool(hasTerminal), "readOnlyRoot": .bool(hasReadOnlyRoot),
            "confinement": confinement.json, "devices": .array(devices.map(\.json)),
            "namedDevices": .list(namedDevices), "sysctls": .map(sysctls),
            "dns": [
                "servers": .list(dns.servers), "searches": .list(dns.searches), "options": .list(dns.options),
            ],
            "labels": .map(labels), "annotations": .map(annotations), "processes": .string(processes.rawValue),
            "ipc": .string(ipc.rawValue), "stopSignal": stopSignal.map { .string($0) } ?? .null,
            "grace": grace.map { .integer(Int64($0)) } ?? .null,
            "detached": .bool(isDetached), "removed": .bool(isRemovedAtEnd),
            "restart": .string(restart.description),
        ]
    }

    /// nil for what is none, or asks for what is not known here: the command and the daemon are of different versions.
    package init?(_ json: JSONValue) {
        guard let reader = try? SpecificationReader(json, file: "run"), let spec = try? RunSpec(reader),
            json.isKnown(to: spec.json)
        else { return nil }
        self = spec
    }

    private init(_ reader: SpecificationReader) throws(OCIError) {
        self.init(name: try reader.required("name"), image: try reader.required("image"))
        network = try reader.choice("network")
        entryPoint = try reader.strings("entryPoint") ?? []
        command = try reader.strings("command") ?? []
        environment = try reader.objects("environment").map { variable throws(OCIError) in
            EnvironmentVariable(try variable.required("name"), try variable.required("value"))
        }
        mounts = try reader.objects("mounts").map { mount throws(OCIError) in try CRI.Mount(mount) }
        ports = try reader.objects("ports").map { port throws(OCIError) in try PortMapping(port) }
        hostname = try reader.required("hostname")
        workingDirectory = try reader.required("workingDirectory")
        user = try reader.required("user")
        groups = try reader.strings("groups") ?? []
        if let limits = try reader.object("resources") { resources = try ContainerResources(limits) }
        processLimits = try reader.objects("limits").map { limit throws(OCIError) in try ProcessLimit(limit) }
        sharedMemory = try reader.integer("sharedMemory")
        hosts = try reader.objects("hosts").map { entry throws(OCIError) in
            HostEntry(name: try entry.required("name"), address: try entry.required("address"))
        }
        if let columns: UInt16 = try reader.number("columns"), let rows: UInt16 = try reader.number("rows") {
            terminalSize = TerminalSize(columns: columns, rows: rows)
        }
        hasInput = try reader.bool("input") ?? false
        hasTerminal = try reader.bool("terminal") ?? false
        hasReadOnlyRoot = try reader.bool("readOnlyRoot") ?? false
        if let bounds = try reader.object("confinement") { confinement = try RunConfinement(bounds) }
        devices = try reader.objects("devices").map { device throws(OCIError) in try Device(device) }
        namedDevices = try reader.strings("namedDevices") ?? []
        sysctls = try reader.stringMap("sysctls") ?? [:]
        if let resolver = try reader.object("dns") {
            dns = PodSandboxConfig.DNS(
                servers: try resolver.strings("servers") ?? [], searches: try resolver.strings("searches") ?? [],
                options: try resolver.strings("options") ?? [])
        }
        labels = try reader.stringMap("labels") ?? [:]
        annotations = try reader.stringMap("annotations") ?? [:]
        processes = try reader.choice("processes")
        ipc = try reader.choice("ipc")
        stopSignal = try reader.string("stopSignal")
        grace = try reader.number("grace")
        isDetached = try reader.bool("detached") ?? false
        isRemovedAtEnd = try reader.bool("removed") ?? false
        guard let policy = RestartPolicy(try reader.string("restart") ?? "") else {
            throw reader.failure("restart", "it is none")
        }
        restart = policy
    }
}

extension Device {
    fileprivate var json: JSONValue {
        ["source": .string(hostPath), "target": .string(containerPath), "permissions": .string(permissions)]
    }

    fileprivate init(_ reader: SpecificationReader) throws(OCIError) {
        self.init(
            hostPath: try reader.required("source"), containerPath: try reader.required("target"),
            permissions: try reader.required("permissions"))
    }
}

extension JSONValue {
    /// Whether all that is named here, at any depth, is named there too.
    fileprivate func isKnown(to other: JSONValue) -> Bool {
        switch (self, other) {
        case (.object(let own), .object(let known)):
            own.members.allSatisfy { member in
                known[member.key].map { member.value.isKnown(to: $0) } ?? member.value.isNull
            }
        case (.array(let own), .array(let known)):
            own.count == known.count && zip(own, known).allSatisfy { $0.isKnown(to: $1) }
        case (.object, _), (.array, _): false
        default: true
        }
    }
}
