import CRI
import OCI

extension ImageStore {
    private static let parallel = 3

    /// Sends an image to the registry that its name says.
    /// - Parameter image: one of its names.
    /// - Returns: the digest of its manifest.
    package func push(
        _ image: String, auth: RegistryAuth? = nil, progress: PullProgress = .none
    ) async throws(CRIError) -> Digest {
        let reference = try Self.reference(image)
        guard let registries else { throw .unsupported("no registry is spoken to here") }
        return try await withPacked(image) { packed throws(CRIError) in
            guard let tag = reference.tag, reference.digest == nil,
                packed.record.names.contains(reference.description)
            else {
                throw .invalid(
                    "\(image): say where it goes by a name with a tag; give it one with: swiftlet images tag \(image) NAME"
                )
            }
            guard
                let session = registries.sessions(
                    for: reference.registry, repository: reference.repository, auth: auth, isPush: true
                ).first
            else { throw Self.unreachable(reference.registry) }
            progress.tell(.resolved(manifest: packed.manifest.digest, layers: packed.files))
            do throws(CRIError) {
                try await send(packed, to: session, besides: Self.neighbour(of: reference, packed.record), progress)
                try await putManifest(packed, tag, at: session, progress)
            } catch {
                if Task.isCancelled { throw .failed("the push of \(reference) was cancelled") }
                throw .failed("failed to push \(reference): \(error)")
            }
            return packed.manifest.digest
        }
    }

    /// Sends the manifest, by which all else is found.
    private func putManifest(
        _ packed: PackedImage, _ tag: String, at session: RegistrySession, _ progress: PullProgress
    ) async throws(CRIError) {
        let manifest = packed.manifest
        let bytes = try await bulk.perform("read manifest") { [content] () throws(CRIError) in
            try content.read(manifest.digest, limit: ImageArchive.fileLimit)
        }
        var patience = RegistryPatience(time: time)
        do throws(RegistryFailure) {
            while true {
                do throws(RegistryFailure) {
                    return try await session.put(bytes, manifest.mediaType, as: tag)
                } catch {
                    try await patience.wait(after: error) { progress.tell(.retrying(manifest, cause: $0)) }
                }
            }
        } catch {
            throw .failed(error.description)
        }
    }

    /// Another repository of the same registry that has the image: the registry may take files over from there.
    private static func neighbour(of reference: ImageReference, _ record: ImageRecord) -> String? {
        let others = (record.names + record.repositories).compactMap { try? ImageReference($0) }
        return others.first { $0.registry == reference.registry && $0.repository != reference.repository }?.repository
    }

    /// A registry does not take a file that has rotten here, and cannot know why. Only what points there is worth reading all of the file.
    private func cause(of failure: RegistryFailure, _ file: Digest) async -> CRIError {
        let isSuspect = failure.kind == .wrongBytes || failure.kind == .local
        if isSuspect, !Task.isCancelled, (try? await keepsWhole(file)) == false { return ContentStore.damage(file) }
        return .failed(failure.description)
    }

    private func send(
        _ packed: PackedImage, to session: RegistrySession, besides neighbour: String?, _ progress: PullProgress
    ) async throws(CRIError) {
        var left = ArraySlice(Set(packed.files))
        let outcome = await withTaskGroup(of: CRIError?.self, returning: CRIError?.self) { group in
            func start() {
                guard let file = left.popFirst() else { return }
                let upload = BlobUpload(
                    blob: file, content: content, threads: bulk, time: time, progress: progress)
                group.addTask {
                    do throws(RegistryFailure) {
                        try await upload.send(to: session, besides: neighbour)
                        return nil
                    } catch {
                        return await self.cause(of: error, file.digest)
                    }
                }
            }
            for _ in 0..<Self.parallel { start() }
            while let failure = await group.next() {
                if let failure {
                    group.cancelAll()
                    return failure
                }
                start()
            }
            return nil
        }
        if let outcome { throw outcome }
    }
}
