import CRI
import Glibc
import Linux
import OCI

extension ImageStore {
    /// What is set here replaces what the bundle says.
    package struct Overrides: Sendable, Hashable {
        package var entrypoint: [String]?
        package var command: [String]?
        /// `NAME=value`, added.
        package var environment: [String] = []
        package var workingDirectory: String?
        package var user: String?

        package init() {}

        var isEmpty: Bool { self == Overrides() }
    }

    /// Makes an image of what lies at `path`: an OCI layout or a docker archive (as directory or as tar file), an OCI bundle, or a root directory. It gets
    /// `name`, which leaves the image that had it before.
    /// - Parameter reference: which image of an archive, by its name there; nil: the only one.
    package func add(
        name: String, path: String, reference: String? = nil, overrides: Overrides = Overrides()
    ) async throws(CRIError) -> ImageRecord {
        let name = try Self.reference(name)
        guard name.digest == nil else {
            throw .invalid("\(name): an image is added under a tag; its digest follows from its content")
        }
        guard path.hasPrefix("/") else {
            throw .invalid("\(path): give the absolute path of an image's archive, a bundle or a root directory")
        }
        let staged = staging + "/" + (try Identifier.random())
        do throws(CRIError) {
            let archive = try await bulk.perform("open archive") { [self] () throws(CRIError) in
                try self.archive(path, staged: staged)
            }
            let record: ImageRecord
            if let archive {
                guard overrides.isEmpty else {
                    throw .invalid("\(path): an image's archive says itself what runs in it; leave the options out")
                }
                record = try await add(archive, reference, name: name)
            } else {
                guard reference == nil else {
                    throw .invalid("\(path): --reference chooses one of an archive's images; this is a directory")
                }
                record = try await addTree(path, staged: staged, name: name, overrides)
            }
            await drop(staged)
            return record
        } catch {
            await drop(staged)
            throw error
        }
    }

    func drop(_ staged: String) async {
        _ = try? await bulk.perform("remove staged image") { () throws(CRIError) in
            try attempt("staged image") { () throws(KernelError) in try TreeRemoval.remove(staged) }
        }
    }

    /// The archive at `path`, unpacked where it is a file; nil where a bundle or a root directory is there.
    private func archive(_ path: String, staged: String) throws(CRIError) -> ImageArchive? {
        var status = stat()
        guard stat(path, &status) == 0 else { throw .invalid("\(path): \(KernelError.text(of: errno))") }
        if status.st_mode & S_IFMT == S_IFDIR {
            let archive = ImageArchive(directory: path, path: path)
            // A root directory may hold a manifest.json of its own; an image's is beside nothing that looks like a root.
            guard archive.form != nil, access(path + "/config.json", F_OK) != 0, access(path + "/etc", F_OK) != 0 else {
                return nil
            }
            return archive
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw .invalid("\(path): it is neither a directory nor an archive")
        }
        let file = try attempt(path) { () throws(KernelError) in
            try WholeFile.makeDirectories(staged, mode: 0o700)
            try WholeFile.makeDirectories(staged + ".replaced", mode: 0o700)
            return try Descriptor.open(path, O_RDONLY)
        }
        defer { try? TreeRemoval.remove(staged + ".replaced") }
        do throws(CRIError) {
            _ = try LayerExtractor.extract(
                file, object: path, into: staged, trash: staged + ".replaced", limits: limits)
        } catch {
            // This node's own, such as a full disk.
            if case .failed = error { throw error }
            throw .invalid("\(error); this is no archive of an image, an OCI layout or what docker save writes")
        }
        return ImageArchive(directory: staged, path: path)
    }

    private func add(
        _ archive: ImageArchive, _ reference: String?, name: ImageReference
    ) async throws(CRIError) -> ImageRecord {
        let chosen = try await bulk.perform("read archive") { () throws(CRIError) in
            try archive.choose(reference, machine: .host)
        }
        let needs = chosen.draft.needs
        try await hold(needs)
        defer { letGo(needs) }
        for layer in chosen.draft.blobs {
            try await inTurn(layer.digest, "add image") { [content] () throws(CRIError) in
                try archive.bring(layer, of: chosen, into: content)
            }
        }
        return try await build(chosen.draft, name: name, isPulled: false, progress: .none) { _ throws(CRIError) in }
    }

    private func addTree(
        _ path: String, staged: String, name: ImageReference, _ overrides: Overrides
    ) async throws(CRIError) -> ImageRecord {
        let (seal, configuration) = try await bulk.perform("add image") { () throws(CRIError) in
            let source = try ImageSource(path)
            let seal = try attempt("image \(name)") { () throws(KernelError) in
                try WholeFile.makeDirectories(staged, mode: 0o755)
                try TreeCopy.copy(source.root, to: staged)
                return try TreeSeal.seal(staged)
            }
            return (seal, overrides.applied(to: source.configuration))
        }
        let record = ImageRecord(
            tree: seal, name: name.description, addedAt: time.unixNanoseconds, configuration: configuration)
        try await hold([seal.digest])
        defer { letGo([seal.digest]) }
        let layer = try await publish(staged, key: seal.digest)
        let added = try await change { (index: inout ImageIndex) throws(CRIError) in index.add(record) }
        state.withLock { $0.loose[layer.key] = nil }
        return added
    }
}

extension ImageStore.Overrides {
    func applied(to configuration: ImageConfiguration) -> ImageConfiguration {
        var configuration = configuration
        if let entrypoint { configuration.entrypoint = entrypoint }
        if let command { configuration.command = command }
        configuration.environment += environment
        if let workingDirectory { configuration.workingDirectory = workingDirectory }
        if let user { configuration.user = user }
        return configuration
    }
}
