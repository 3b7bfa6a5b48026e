import CRI
import HTTP
import JSONTree
import Linux
import OCI

extension ImageStore {
    /// Fetches an image from its registry, or what of it this node has not.
    /// - Returns: the image's id.
    package func pullImage(_ image: String, auth: RegistryAuth?) async throws(CRIError) -> String {
        try await pull(image, auth: auth).id.description
    }

    /// The same for those who want to see it come.
    package func pull(
        _ image: String, auth: RegistryAuth? = nil, progress: PullProgress = .none
    ) async throws(CRIError) -> ImageRecord {
        let reference = try Self.reference(image)
        guard let registries else {
            if let found = state.withLock({ $0.find(image) }) { return found }
            throw Self.missing(image)
        }
        do throws(CRIError) {
            try await ready(image)
            let sessions = registries.sessions(
                for: reference.registry, repository: reference.repository, auth: auth, isPush: false)
            guard !sessions.isEmpty else { throw Self.unreachable(reference.registry) }
            let (draft, from) = try await resolve(reference, sessions, progress)
            progress.tell(.resolved(manifest: draft.manifest.digest, layers: draft.blobs))
            // Where the manifest came from has its layers, most likely.
            let places = Array(sessions[from...] + sessions[..<from])
            return try await build(draft, name: reference, isPulled: true, progress: progress) {
                [self] blob async throws(CRIError) in
                try await fetch(blob, from: places + registries.foreignSessions(of: blob), progress)
            }
        } catch {
            // Whatever the end of what was under way looked like.
            if Task.isCancelled { throw .failed("the pull of \(reference) was cancelled") }
            let text = "failed to pull \(reference): \(error)"
            if case .imageNotFound = error { throw .imageNotFound(text) }
            throw .failed(text)
        }
    }

    /// No name of a registry, and nothing that this node has another place for.
    static func unreachable(_ registry: String) -> CRIError {
        .invalid("\"\(registry)\" is no HOST[:PORT] of a registry; correct the image's name")
    }

    private func fetch(
        _ blob: ImageDescriptor, from sessions: [RegistrySession], _ progress: PullProgress
    ) async throws(CRIError) {
        try await fileTurns.take(blob.digest) { [self] () async throws(CRIError) in
            let download = BlobDownload(
                blob: blob, content: content, threads: bulk, time: time, progress: progress)
            try await download.fetch(from: sessions)
        }
    }

    /// Asks one place after the other for the manifest, and the last one again where it asks for that.
    private func resolve(
        _ reference: ImageReference, _ sessions: [RegistrySession], _ progress: PullProgress
    ) async throws(CRIError) -> (ImageDraft, Int) {
        var failures: [RegistryFailure] = []
        for (index, session) in sessions.enumerated() where !Task.isCancelled {
            let source = ManifestSource(
                session: session, isLast: index + 1 == sessions.count, progress: progress,
                patience: RegistryPatience(time: time))
            do throws(RegistryFailure) {
                return (try await draft(reference, source), index)
            } catch {
                failures.append(error)
            }
        }
        let text = failures.map(\.description).joined(separator: "; ")
        if failures.last?.kind == .notFound { throw .imageNotFound(text) }
        throw .failed(text)
    }

    /// Manifest and configuration of the image for this machine.
    private func draft(
        _ reference: ImageReference, _ source: ManifestSource
    ) async throws(RegistryFailure) -> ImageDraft {
        var source = source
        let object = "image \(reference)"
        var (bytes, type) = try await source.ask { session async throws(RegistryFailure) in
            try await session.manifest(
                reference.digest?.description ?? reference.tag ?? "latest", expecting: reference.digest)
        }
        let target = Digest(of: bytes)
        var depth = 0
        while let chosen = try RegistryFailure.checked({ () throws(CRIError) in
            try Self.choose(bytes, type, object)
        }) {
            depth += 1
            guard depth <= 4 else {
                throw RegistryFailure(.refused, "\(object): indexes lead to indexes without an end")
            }
            bytes = try await source.ask { session async throws(RegistryFailure) in
                try await session.manifest(chosen.digest.description, expecting: chosen.digest).bytes
            }
            let size = UInt64(bytes.count)
            try RegistryFailure.checked { () throws(CRIError) in try chosen.check(size) }
            type = chosen.mediaType
        }
        let manifestBytes = bytes
        let manifest = try RegistryFailure.checked { () throws(CRIError) in
            try ImageArchive.read(manifestBytes, object) { (value, file) throws(OCIError) in
                try ImageManifest(value, file: file)
            }
        }
        let configuration = try await source.ask { session async throws(RegistryFailure) in
            try await session.file(manifest.configuration, limit: ImageArchive.fileLimit)
        }
        let mediaType = ImageMediaType.isManifest(type) ? type : manifest.mediaType
        do throws(CRIError) {
            return try await bulk.perform("read manifest") { () throws(CRIError) in
                let file = try ImageArchive.read(configuration, object) { (value, file) throws(OCIError) in
                    try ImageFile(value, file: file)
                }
                var draft = try ImageDraft(
                    manifest: manifestBytes, mediaType: mediaType, manifest, configuration: configuration, file: file,
                    object: object)
                draft.target = target
                return draft
            }
        } catch {
            throw RegistryFailure(.refused, error.description)
        }
    }

    /// The manifest for this machine in an index; nil where the bytes are no index.
    private static func choose(
        _ bytes: [UInt8], _ type: String, _ object: String
    ) throws(CRIError) -> ImageDescriptor? {
        guard !ImageMediaType.isManifest(type) else { return nil }
        let isIndex = ImageMediaType.isIndex(type) || (try? JSONValue(parsing: bytes))?["manifests"] != nil
        guard isIndex else { return nil }
        let list = try ImageArchive.read(bytes, object) { (value, file) throws(OCIError) in
            try ImageManifestList(value, file: file)
        }
        if let chosen = list.choose(for: .host) { return chosen }
        throw .failed("\(object): it has no image for \(ImagePlatform.host); \(list.offer)")
    }
}

/// One place as it is asked for the small files of an image: each again where the place asks for that and there is no other.
private struct ManifestSource {
    let session: RegistrySession
    let isLast: Bool
    let progress: PullProgress
    var patience: RegistryPatience

    mutating func ask<Value>(
        _ question: (RegistrySession) async throws(RegistryFailure) -> Value
    ) async throws(RegistryFailure) -> Value {
        while true {
            do throws(RegistryFailure) {
                return try await question(session)
            } catch {
                guard isLast, error.retryAfter != nil else { throw error }
                try await patience.wait(after: error) { [progress] in progress.tell(.waiting(cause: $0)) }
            }
        }
    }
}

extension RegistryFailure {
    /// What came cannot be used: another place may have it right.
    static func checked<Value>(_ body: () throws(CRIError) -> Value) throws(RegistryFailure) -> Value {
        do throws(CRIError) { return try body() } catch { throw RegistryFailure(.refused, error.description) }
    }
}
