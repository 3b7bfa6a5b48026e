import APIMachinery
import KubernetesAPI

extension PodExecutor {
    /// Makes every volume of the pod.
    func prepareVolumes(_ pod: Pod) async throws(OperationError) {
        for volume in pod.spec.volumes {
            if let source = volume.emptyDir {
                try await volumes.makeEmptyDirectory(source, volume.name, pod)
            } else if volume.isEmptyDirectory {
                try await volumes.makeEmptyDirectory(EmptyDirVolumeSource(), volume.name, pod)
            } else if let source = volume.hostPath {
                try await volumes.checkHostPath(source, volume.name)
            } else {
                try await volumes.write(try await files(of: volume, pod), volume.name, pod)
            }
        }
    }

    private func files(of volume: Volume, _ pod: Pod) async throws(OperationError) -> VolumeFiles {
        var files = VolumeFiles()
        let namespace = pod.metadata.namespace
        if let source = volume.configMap {
            let map = try await objects.configMap(source.name, in: namespace)
            try files.add(
                map?.contents, items: source.items, defaultMode: source.defaultMode, isOptional: source.optional,
                what: "configmap \"\(source.name)\"")
        } else if let source = volume.secret {
            let secret = try await objects.secret(source.secretName, in: namespace)
            try files.add(
                secret?.data.mapValues(\.array), items: source.items, defaultMode: source.defaultMode,
                isOptional: source.optional, what: "secret \"\(source.secretName)\"")
        } else if let source = volume.downwardAPI {
            try files.add(source.items, of: pod, defaultMode: source.defaultMode)
        } else if let source = volume.projected {
            for part in source.sources { try await add(part, to: &files, source, pod) }
        } else {
            let kinds = volume.storage.keys.filter { $0 != "name" }.joined(separator: ", ")
            throw OperationError(
                "FailedMount", "volume \"\(volume.name)\": this node has no support for volumes of type \(kinds)")
        }
        return files
    }

    private func add(
        _ part: VolumeProjection, to files: inout VolumeFiles, _ source: ProjectedVolumeSource, _ pod: Pod
    ) async throws(OperationError) {
        let mode = source.defaultMode
        let namespace = pod.metadata.namespace
        if let part = part.configMap {
            let map = try await objects.configMap(part.name, in: namespace)
            try files.add(
                map?.contents, items: part.items, defaultMode: mode, isOptional: part.optional,
                what: "configmap \"\(part.name)\"")
        } else if let part = part.secret {
            let secret = try await objects.secret(part.name, in: namespace)
            try files.add(
                secret?.data.mapValues(\.array), items: part.items, defaultMode: mode, isOptional: part.optional,
                what: "secret \"\(part.name)\"")
        } else if let part = part.downwardAPI {
            try files.add(part.items, of: pod, defaultMode: mode)
        } else if let part = part.serviceAccountToken {
            let token = try await objects.token(
                for: pod, audiences: part.audience.map { [$0] } ?? [], expirationSeconds: part.expirationSeconds)
            try files.add(part.path, Array(token.utf8), mode: mode)
        } else {
            throw OperationError("FailedMount", "this node has no support for one of the projected sources")
        }
    }
}
