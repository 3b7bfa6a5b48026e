import APIMachinery
import CRI
import ContainerRuntime
import JSONTree
import OCI

// What the node's socket shows of the CRI's values. The names are those of `crictl -o json`.

extension Image {
    var json: JSONValue {
        [
            "id": .string(id), "repoTags": .array(tags.map(JSONValue.string)),
            "repoDigests": .array(digests.map(JSONValue.string)), "size": .integer(Int64(clamping: size)),
            "pinned": .bool(isPinned),
        ]
    }
}

extension PullEvent {
    /// One line of a pull's progress. Events of equal `key` replace each other while nobody reads.
    var line: (key: String, value: JSONValue) {
        switch self {
        case .resolved(let manifest, let layers):
            return (
                "resolved",
                [
                    "event": "resolved", "manifest": .string(manifest.description),
                    "layers": .integer(Int64(layers.count)),
                    "size": .integer(Int64(clamping: layers.map(\.size).boundedSum)),
                ]
            )
        case .received(let layer, let bytes):
            return Self.line("received", layer, ["bytes": .integer(Int64(clamping: bytes))])
        case .sent(let file, let bytes):
            return Self.line("sent", file, ["bytes": .integer(Int64(clamping: bytes))])
        case .unpacking(let layer): return Self.line("unpacking", layer)
        case .done(let layer): return Self.line("done", layer)
        case .present(let layer): return Self.line("present", layer)
        case .waiting(let cause): return ("waiting", ["event": "waiting", "cause": .string(cause)])
        case .retrying(let layer, let cause): return Self.line("retrying", layer, ["cause": .string(cause)])
        }
    }

    private static func line(
        _ event: String, _ layer: ImageDescriptor, _ more: JSONObject = [:]
    ) -> (key: String, value: JSONValue) {
        var object: JSONObject = [
            "event": .string(event), "layer": .string(layer.digest.description),
            "size": .integer(Int64(clamping: layer.size)),
        ]
        for member in more.members { object[member.key] = member.value }
        return (event + layer.digest.hex, .object(object))
    }
}

extension PodSandboxStatus {
    var json: JSONValue {
        [
            "id": .string(id), "state": .string(state.rawValue), "createdAt": .integer(createdAt),
            "metadata": [
                "name": .string(metadata.name), "namespace": .string(metadata.namespace), "uid": .string(metadata.uid),
                "attempt": .integer(Int64(metadata.attempt)),
            ],
            "addresses": .array(addresses.map(JSONValue.string)),
            "labels": .map(labels), "annotations": .map(annotations),
            "warnings": .array(warnings.map(JSONValue.string)), "network": .string(network.rawValue),
            "ports": .array(ports.map(\.json)),
        ]
    }
}

extension ContainerStatus {
    var json: JSONValue {
        [
            "id": .string(id), "podSandboxId": .string(sandbox), "state": .string(state.rawValue),
            "metadata": ["name": .string(metadata.name), "attempt": .integer(Int64(metadata.attempt))],
            "createdAt": .integer(createdAt), "startedAt": .integer(startedAt), "finishedAt": .integer(finishedAt),
            "exitCode": .integer(Int64(exitCode)), "reason": .string(reason), "message": .string(message),
            "image": .string(image), "imageRef": .string(imageID), "logPath": .string(logPath),
            "pid": .integer(Int64(processID)), "labels": .map(labels), "annotations": .map(annotations),
            "terminal": .bool(hasTerminal), "input": .bool(hasInput), "command": .list(command),
        ]
    }
}
