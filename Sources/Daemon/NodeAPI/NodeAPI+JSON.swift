import APIMachinery
import CRI
import JSONTree

// What the node's socket shows of the CRI's values. The names are those of `crictl -o json`.

extension Image {
    var json: JSONValue {
        [
            "id": .string(id), "repoTags": .array(tags.map(JSONValue.string)),
            "repoDigests": .array(digests.map(JSONValue.string)), "size": .integer(Int64(clamping: size)),
        ]
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
            "labels": .object(JSONObject(labels.map { ($0.key, .string($0.value)) })),
            "warnings": .array(warnings.map(JSONValue.string)), "network": .string(network.rawValue),
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
            "pid": .integer(Int64(processID)),
            "labels": .object(JSONObject(labels.map { ($0.key, .string($0.value)) })),
        ]
    }
}
