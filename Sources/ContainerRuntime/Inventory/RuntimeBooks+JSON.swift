import CRI
import JSONTree
import OCI

extension RuntimeBooks {
    package var json: JSONValue { ["sandboxes": .array(sandboxes.map(\.json))] }

    /// Of another process's `json`.
    package init(_ value: JSONValue) throws(OCIError) {
        let reader = try SpecificationReader(value, file: "the daemon's answer")
        for sandbox in try reader.objects("sandboxes") { sandboxes.append(try Sandbox(sandbox)) }
    }
}

extension RuntimeBooks.Sandbox {
    fileprivate var json: JSONValue {
        [
            "id": .string(id), "podUID": .string(podUID), "pod": .string(pod), "phase": .string(phase),
            "createdAt": .integer(createdAt), "cgroup": .string(cgroup), "hasNetwork": .bool(hasNetwork),
            "hasSharedMemory": .bool(hasSharedMemory), "addresses": .list(addresses),
            "containers": .array(
                containers.map {
                    [
                        "id": .string($0.id), "name": .string($0.name), "phase": .string($0.phase),
                        "process": .integer(Int64($0.process)), "layer": .string($0.layer),
                        "hookGroup": $0.hookGroup.map(JSONValue.string) ?? .null,
                    ]
                }),
            "monitor": monitor?.json ?? .null, "users": users?.json ?? .null,
        ]
    }

    fileprivate init(_ reader: SpecificationReader) throws(OCIError) {
        self.init(
            id: try reader.required("id"), podUID: try reader.required("podUID"), pod: try reader.required("pod"),
            phase: try reader.required("phase"), createdAt: try reader.integer("createdAt") ?? 0,
            cgroup: try reader.required("cgroup"), hasNetwork: try reader.bool("hasNetwork") ?? false,
            hasSharedMemory: try reader.bool("hasSharedMemory") ?? false,
            addresses: try reader.strings("addresses") ?? [])
        for container in try reader.objects("containers") {
            let id: String = try container.required("id")
            containers.append(
                RuntimeBooks.Container(
                    id: id, name: try container.required("name"), phase: try container.required("phase"),
                    process: try container.code("process"), layer: try container.string("layer") ?? id,
                    hookGroup: try container.string("hookGroup")))
        }
        users = try reader.object("users").map { reader throws(OCIError) in try PodUsers(reader) }
        monitor = try reader.object("monitor").map { reader throws(OCIError) in try RuntimeBooks.Monitor(reader) }
    }
}

extension RuntimeBooks.Monitor {
    fileprivate var json: JSONValue {
        [
            "process": .integer(Int64(process)), "answers": .bool(answers),
            "unacknowledged": .integer(Int64(unacknowledged.count)),
            "oldestUnacknowledged": .integer(Int64(clamping: unacknowledged.oldest)), "ended": .list(ended),
        ]
    }

    fileprivate init(_ reader: SpecificationReader) throws(OCIError) {
        self.init(process: try reader.code("process"))
        answers = try reader.bool("answers") ?? false
        unacknowledged = UnacknowledgedExits(
            count: Int(try reader.count("unacknowledged")),
            oldest: UInt64(clamping: try reader.integer("oldestUnacknowledged") ?? 0))
        ended = try reader.strings("ended") ?? []
    }
}
