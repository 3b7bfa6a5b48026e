import CRI
import JSONTree
import OCI

extension ContainerRecord {
    var json: JSONObject {
        [
            "id": .string(id), "sandbox": .string(sandbox), "name": .string(metadata.name),
            "attempt": .integer(Int64(metadata.attempt)), "phase": .string(phase.rawValue), "image": .string(image),
            "imageID": .string(imageID), "createdAt": .integer(createdAt), "startedAt": .integer(startedAt),
            "finishedAt": .integer(finishedAt), "exitCode": .integer(Int64(exitCode)), "reason": .string(reason),
            "message": .string(message), "processID": .integer(Int64(processID)), "warnings": .list(warnings),
            "labels": .map(labels), "annotations": .map(annotations), "logPath": .string(logPath),
            "stopSignal": .integer(Int64(stopSignal)), "terminal": .bool(hasTerminal),
            "input": .bool(hasInput), "inputOnce": .bool(hasInputOnce), "layer": .string(layer),
            "exec": .object(exec.json),
            "mounts": .array(mounts.map { .object($0.json) }), "resources": .object(resources.json),
            "command": .list(command), "hooks": .list(hooks),
            "hostHooks": .array(hostHooks.map { .object($0.json) }), "layers": .list(layers),
        ]
    }

    init(_ reader: SpecificationReader) throws(OCIError) {
        id = try reader.required("id")
        layer = try reader.string("layer") ?? id
        sandbox = try reader.required("sandbox")
        metadata = ContainerMetadata(name: try reader.required("name"), attempt: try reader.count("attempt"))
        phase = try reader.choice("phase")
        image = try reader.required("image")
        imageID = try reader.required("imageID")
        createdAt = try reader.integer("createdAt") ?? 0
        startedAt = try reader.integer("startedAt") ?? 0
        finishedAt = try reader.integer("finishedAt") ?? 0
        exitCode = try reader.code("exitCode")
        reason = try reader.required("reason")
        message = try reader.required("message")
        processID = try reader.code("processID")
        warnings = try reader.strings("warnings") ?? []
        labels = try reader.stringMap("labels") ?? [:]
        annotations = try reader.stringMap("annotations") ?? [:]
        logPath = try reader.required("logPath")
        stopSignal = try reader.code("stopSignal")
        hasTerminal = try reader.bool("terminal") ?? false
        hasInput = try reader.bool("input") ?? false
        hasInputOnce = try reader.bool("inputOnce") ?? false
        guard let exec = try reader.object("exec") else { throw reader.failure("exec", "it is missing") }
        self.exec = try ExecTemplate(exec)
        mounts = try reader.objects("mounts").map { mount throws(OCIError) in try CRI.Mount(mount) }
        resources =
            try reader.object("resources").map { read throws(OCIError) in try ContainerResources(read) } ?? .init()
        // Older daemons kept the program alone.
        let program = try reader.string("program")
        command = try reader.strings("command") ?? program.map { [$0] } ?? []
        hooks = try reader.strings("hooks") ?? []
        hostHooks = try reader.objects("hostHooks").map { hook throws(OCIError) in try HostHook(hook) }
        layers = try reader.strings("layers") ?? []
    }
}

extension ExecTemplate {
    var json: JSONObject {
        var object: JSONObject = [
            "environment": .list(environment), "workingDirectory": .string(workingDirectory),
            "userID": .integer(Int64(userID)), "groupID": .integer(Int64(groupID)),
            "groups": .array(supplementaryGroups.map { .integer(Int64($0)) }),
            "capabilities": .integer(Int64(truncatingIfNeeded: capabilities)),
            "ambient": .integer(Int64(truncatingIfNeeded: ambientCapabilities)),
            "noNewPrivileges": .bool(noNewPrivileges),
        ]
        if let appArmor { object["appArmor"] = .string(appArmor) }
        if let selinux { object["selinux"] = .string(selinux) }
        if !addedGroups.isEmpty { object["addedGroups"] = .array(addedGroups.map { .integer(Int64($0)) }) }
        if !processLimits.isEmpty { object["limits"] = .array(processLimits.map(\.json)) }
        switch seccomp {
        case .runtimeDefault: object["seccomp"] = "runtimeDefault"
        case .unconfined: object["seccomp"] = "unconfined"
        case .localhost(let path):
            object["seccomp"] = "localhost"
            object["seccompPath"] = .string(path)
        }
        return object
    }

    init(_ reader: SpecificationReader) throws(OCIError) {
        environment = try reader.strings("environment") ?? []
        workingDirectory = try reader.required("workingDirectory")
        userID = try reader.count("userID")
        groupID = try reader.count("groupID")
        supplementaryGroups = try reader.integers("groups")?.map { UInt32(truncatingIfNeeded: $0) } ?? []
        addedGroups = try reader.integers("addedGroups")?.map { UInt32(truncatingIfNeeded: $0) } ?? []
        capabilities = UInt64(truncatingIfNeeded: try reader.integer("capabilities") ?? 0)
        ambientCapabilities = UInt64(truncatingIfNeeded: try reader.integer("ambient") ?? 0)
        noNewPrivileges = try reader.bool("noNewPrivileges") ?? false
        appArmor = try reader.string("appArmor")
        selinux = try reader.string("selinux")
        processLimits = try reader.objects("limits").map { limit throws(OCIError) in try ProcessLimit(limit) }
        switch try reader.required("seccomp") {
        case "runtimeDefault": seccomp = .runtimeDefault
        case "unconfined": seccomp = .unconfined
        case "localhost": seccomp = .localhost(path: try reader.required("seccompPath"))
        case let other: throw reader.failure("seccomp", "\"\(other)\" is not known")
        }
    }
}
