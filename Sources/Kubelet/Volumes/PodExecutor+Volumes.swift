import APIMachinery
import CRI
import KubernetesAPI

extension PodExecutor {
    /// Makes every volume of the pod.
    func prepareVolumes(_ pod: Pod) async throws(OperationError) -> VolumeContents {
        for volume in pod.spec.volumes {
            if volume.isEmptyDirectory {
                let source = (volume.emptyDir ?? EmptyDirVolumeSource())
                    .bounded(for: pod.spec, allocatable: settings.allocatable["memory"])
                try await volumes.makeEmptyDirectory(source, volume.name, pod)
            } else if let source = volume.hostPath {
                try await volumes.checkHostPath(source, volume.name)
            }
        }
        return try await writeVolumes(pod)
    }

    /// Writes the volumes that come from the API: those whose content has changed get it in one step.
    func writeVolumes(_ pod: Pod) async throws(OperationError) -> VolumeContents {
        var contents = VolumeContents()
        for volume in pod.spec.volumes where volume.hasFiles {
            do throws(OperationError) {
                try await volumes.write(try await files(of: volume, pod, &contents), volume.name, pod)
            } catch {
                throw OperationError(
                    error.reason, "MountVolume.SetUp failed for volume \"\(volume.name)\": \(error.message)")
            }
        }
        return contents
    }

    private func files(
        of volume: Volume, _ pod: Pod, _ contents: inout VolumeContents
    ) async throws(OperationError) -> VolumeFiles {
        var files = VolumeFiles()
        if let source = volume.configMap {
            try files.add(
                try await configMap(source.name, pod, &contents), items: source.items,
                defaultMode: source.defaultMode, isOptional: source.optional, what: "configmap \"\(source.name)\"")
        } else if let source = volume.secret {
            try files.add(
                try await secret(source.secretName, pod, &contents), items: source.items,
                defaultMode: source.defaultMode, isOptional: source.optional, what: "secret \"\(source.secretName)\"")
        } else if let source = volume.downwardAPI {
            try files.add(
                source.items, of: pod, defaultMode: source.defaultMode, allocatable: settings.allocatable)
        } else if let source = volume.projected {
            for part in source.sources { try await add(part, to: &files, source.defaultMode, pod, &contents) }
        } else {
            let kinds = volume.storage.keys.filter { $0 != "name" }.joined(separator: ", ")
            throw OperationError(
                "FailedMount", "this node has no support for volumes of type \(kinds)")
        }
        return files
    }

    private func add(
        _ part: VolumeProjection, to files: inout VolumeFiles, _ mode: Int32, _ pod: Pod,
        _ contents: inout VolumeContents
    ) async throws(OperationError) {
        if let part = part.configMap {
            try files.add(
                try await configMap(part.name, pod, &contents), items: part.items, defaultMode: mode,
                isOptional: part.optional, what: "configmap \"\(part.name)\"")
        } else if let part = part.secret {
            try files.add(
                try await secret(part.name, pod, &contents), items: part.items, defaultMode: mode,
                isOptional: part.optional, what: "secret \"\(part.name)\"")
        } else if let part = part.downwardAPI {
            try files.add(part.items, of: pod, defaultMode: mode, allocatable: settings.allocatable)
        } else if let part = part.serviceAccountToken {
            let token = try await token(part, pod)
            contents.renew(at: token.renewal)
            let user = pod.spec.soleUser
            let isShielded = user != nil || pod.spec.securityContext.fsGroup != nil
            try files.add(part.path, Array(token.text.utf8), mode: isShielded ? 0o600 : mode, user: user)
        } else {
            throw OperationError("FailedMount", "this node has no support for one of the projected sources")
        }
    }

    private func configMap(
        _ name: String, _ pod: Pod, _ contents: inout VolumeContents
    ) async throws(OperationError) -> [String: [UInt8]]? {
        let namespace = pod.metadata.namespace
        let map = try await objects.configMap(name, in: namespace)
        contents.versions[.init(.configMap, name, in: namespace)] = map?.metadata.resourceVersion ?? ""
        return map?.contents
    }

    private func secret(
        _ name: String, _ pod: Pod, _ contents: inout VolumeContents
    ) async throws(OperationError) -> [String: [UInt8]]? {
        let namespace = pod.metadata.namespace
        let secret = try await objects.secret(name, in: namespace)
        contents.versions[.init(.secret, name, in: namespace)] = secret?.metadata.resourceVersion ?? ""
        return secret?.data.mapValues(\.array)
    }

    /// The token in use, or a new one where it is time.
    private func token(
        _ source: ServiceAccountTokenProjection, _ pod: Pod
    ) async throws(OperationError) -> PodTokens.Token {
        let key = PodTokens.Key(
            podUID: pod.metadata.uid, audience: source.audience, expirationSeconds: source.expirationSeconds)
        if let token = tokens.current(key, at: time.uptime()) { return token }
        let issued = try await objects.token(
            for: pod, audiences: source.audience.map { [$0] } ?? [], expirationSeconds: source.expirationSeconds)
        let token = PodTokens.Token(
            issued.text, lifetime: issued.expiration.sinceEpoch - time.now().sinceEpoch, issuedAt: time.uptime())
        tokens.keep(token, key)
        return token
    }
}

extension EmptyDirVolumeSource {
    /// In memory none is larger than what its pod, or all pods together, may have of it.
    func bounded(for pod: PodSpec, allocatable: Quantity?) -> EmptyDirVolumeSource {
        guard self.medium == "Memory" else { return self }
        let bounds = [self.sizeLimit?.value, ContainerResources(of: pod).memoryLimit, allocatable?.value]
        guard let least = bounds.compactMap({ $0 }).filter({ $0 > 0 }).min() else { return self }
        var bounded = self
        bounded.sizeLimit = Quantity(least, format: .binary)
        return bounded
    }
}

extension PodSpec {
    /// The user that all its containers are told to run as; nil where there is none or more than one.
    var soleUser: UInt32? {
        let own = self.securityContext.runAsUser
        let users = Set((self.initContainers + self.containers).map { $0.securityContext?.runAsUser ?? own })
        return users.count == 1 ? users.first?.flatMap(UInt32.init(exactly:)) : nil
    }
}

extension Volume {
    /// Not a directory of the node's, and no image, which the runtime mounts.
    fileprivate var hasFiles: Bool { !isEmptyDirectory && self.hostPath == nil && self.image == nil }
}
