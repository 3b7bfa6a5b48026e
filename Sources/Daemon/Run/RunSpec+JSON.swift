import CRI
import JSONTree

/// On its way from the command to the daemon.
extension RunSpec {
    package var json: JSONValue {
        [
            "name": .string(name), "image": .string(image), "entryPoint": .array(entryPoint.map { .string($0) }),
            "command": .array(command.map { .string($0) }),
            "environment": .array(environment.map { .array([.string($0.name), .string($0.value)]) }),
            "mounts": .array(
                mounts.map {
                    [
                        "source": .string($0.hostPath), "target": .string($0.containerPath),
                        "readOnly": .bool($0.isReadOnly),
                    ]
                }),
            "ports": .array(
                ports.map {
                    [
                        "transport": .string($0.transport), "container": .integer(Int64($0.containerPort)),
                        "host": .integer(Int64($0.hostPort)), "address": .string($0.hostAddress),
                    ]
                }),
            "network": .string(network.rawValue), "hostname": .string(hostname),
            "workingDirectory": .string(workingDirectory), "user": .string(user),
            "memory": memory.map { .integer($0) } ?? .null, "processors": processors.map { .integer($0) } ?? .null,
            "columns": terminalSize.map { .integer(Int64($0.columns)) } ?? .null,
            "rows": terminalSize.map { .integer(Int64($0.rows)) } ?? .null,
            "input": .bool(hasInput), "terminal": .bool(hasTerminal), "readOnlyRoot": .bool(hasReadOnlyRoot),
            "addCapabilities": .array(addCapabilities.map { .string($0) }),
            "dropCapabilities": .array(dropCapabilities.map { .string($0) }),
            "privileged": .bool(isPrivileged), "detached": .bool(isDetached), "removed": .bool(isRemovedAtEnd),
        ]
    }

    /// nil for what is none: the command and the daemon are of different versions.
    package init?(_ json: JSONValue) {
        guard let name = json["name"]?.string, let image = json["image"]?.string,
            let network = json["network"]?.string.flatMap({ Network(rawValue: $0) })
        else { return nil }
        self.init(name: name, image: image)
        self.network = network
        entryPoint = json.texts("entryPoint")
        command = json.texts("command")
        environment = (json["environment"]?.array ?? []).compactMap { pair in
            guard let name = pair.array?.first?.string, let value = pair.array?.last?.string else { return nil }
            return EnvironmentVariable(name, value)
        }
        mounts = (json["mounts"]?.array ?? []).compactMap { mount in
            guard let source = mount["source"]?.string, let target = mount["target"]?.string else { return nil }
            return CRI.Mount(hostPath: source, containerPath: target, isReadOnly: mount["readOnly"]?.bool ?? false)
        }
        ports = (json["ports"]?.array ?? []).compactMap { port in
            guard let container = port["container"]?.integer, let host = port["host"]?.integer else { return nil }
            return PortMapping(
                transport: port["transport"]?.string ?? "TCP", containerPort: UInt16(clamping: container),
                hostPort: UInt16(clamping: host), hostAddress: port["address"]?.string ?? "")
        }
        hostname = json["hostname"]?.string ?? ""
        workingDirectory = json["workingDirectory"]?.string ?? ""
        user = json["user"]?.string ?? ""
        memory = json["memory"]?.integer
        processors = json["processors"]?.integer
        if let columns = json["columns"]?.integer, let rows = json["rows"]?.integer {
            terminalSize = TerminalSize(columns: UInt16(clamping: columns), rows: UInt16(clamping: rows))
        }
        hasInput = json["input"]?.bool ?? false
        hasTerminal = json["terminal"]?.bool ?? false
        hasReadOnlyRoot = json["readOnlyRoot"]?.bool ?? false
        isPrivileged = json["privileged"]?.bool ?? false
        addCapabilities = json.texts("addCapabilities")
        dropCapabilities = json.texts("dropCapabilities")
        isDetached = json["detached"]?.bool ?? false
        isRemovedAtEnd = json["removed"]?.bool ?? false
    }
}

extension JSONValue {
    fileprivate func texts(_ name: String) -> [String] {
        (self[name]?.array ?? []).compactMap(\.string)
    }
}
