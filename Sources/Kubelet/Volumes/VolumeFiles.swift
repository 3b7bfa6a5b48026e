import APIMachinery
import KubernetesAPI

/// The files of a volume that is made from objects, by relative path.
struct VolumeFiles: Sendable, Hashable {
    struct File: Sendable, Hashable {
        var bytes: [UInt8]
        var mode: UInt32
        /// nil: the node's root.
        var user: UInt32?
    }

    var files: [String: File] = [:]

    /// Adds the keys of a ConfigMap or Secret: all of them, or those that `items` names under the paths it gives.
    mutating func add(
        _ values: [String: [UInt8]]?, items: [KeyToPath], defaultMode: Int32, isOptional: Bool, what: String
    ) throws(OperationError) {
        guard let values else {
            if isOptional { return }
            throw OperationError("FailedMount", "\(what) not found")
        }
        guard !items.isEmpty else {
            for (key, bytes) in values { files[key] = File(bytes: bytes, mode: UInt32(clamping: defaultMode)) }
            return
        }
        for item in items {
            guard let bytes = values[item.key] else {
                if isOptional { continue }
                throw OperationError("FailedMount", "\(what) references non-existent key: \(item.key)")
            }
            try add(item.path, bytes, mode: item.mode ?? defaultMode)
        }
    }

    /// Adds one file. Its path must stay within the volume.
    mutating func add(_ path: String, _ bytes: [UInt8], mode: Int32, user: UInt32? = nil) throws(OperationError) {
        // By bytes, as the kernel reads them.
        let parts = path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map(Substring.init)
        guard !parts.isEmpty, parts.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." }) else {
            throw OperationError("FailedMount", "path \"\(path)\" of a volume file leaves the volume")
        }
        files[path] = File(bytes: bytes, mode: UInt32(clamping: mode), user: user)
    }

    /// Adds fields of the pod.
    mutating func add(
        _ items: [DownwardAPIVolumeFile], of pod: Pod, defaultMode: Int32, allocatable: [String: Quantity]
    ) throws(OperationError) {
        for item in items {
            let value: String?
            if let field = item.fieldRef {
                value = pod.metadata.downwardValue(field.fieldPath)
            } else if let selector = item.resourceFieldRef {
                let containers = pod.spec.containers + pod.spec.initContainers
                value = containers.first { $0.name == selector.containerName }?
                    .resourceValue(selector.resource, divisor: selector.divisor, allocatable: allocatable)
            } else {
                value = nil
            }
            guard let value else {
                throw OperationError("FailedMount", "\(item.path): no such field or resource of the pod")
            }
            try add(item.path, Array(value.utf8), mode: item.mode ?? defaultMode)
        }
    }
}

extension ConfigMap {
    /// Every key's bytes, text and binary.
    var contents: [String: [UInt8]] {
        self.data.mapValues { Array($0.utf8) }.merging(self.binaryData.mapValues(\.array)) { $1 }
    }
}
