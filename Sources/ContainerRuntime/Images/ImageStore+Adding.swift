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

    /// What lies at a path.
    private enum Source: Sendable {
        case image(ImageArchive)
        case root(RootArchive)
        /// A bundle or a root directory.
        case directory
    }

    /// Makes an image of what lies at `path`: an OCI layout or a docker archive (as directory or as tar file), an OCI bundle, or a root file system (as directory
    /// or as tar file). It gets `name`, which leaves the image that had it before.
    /// - Parameters:
    ///   - called: what messages call it; nil: its path.
    ///   - reference: which image of an archive, by its name there; nil: the only one.
    package func add(
        name: String, path: String, called: String? = nil, reference: String? = nil, overrides: Overrides = Overrides()
    ) async throws(CRIError) -> ImageRecord {
        let name = try Self.reference(name)
        guard name.digest == nil else {
            throw .invalid("\(name): an image is added under a tag; its digest follows from its content")
        }
        guard path.hasPrefix("/") else {
            throw .invalid("\(path): give the absolute path of an archive, a bundle or a root directory")
        }
        let object = called ?? path
        let staged = staging + "/" + (try Identifier.random())
        do throws(CRIError) {
            let source = try await bulk.perform("open archive") { [self] () throws(CRIError) in
                try self.source(path, object, staged: staged)
            }
            let record = try await add(source, path, object, staged: staged, reference, name: name, overrides)
            await drop(staged)
            return record
        } catch {
            await drop(staged)
            throw error
        }
    }

    private func add(
        _ source: Source, _ path: String, _ object: String, staged: String, _ reference: String?, name: ImageReference,
        _ overrides: Overrides
    ) async throws(CRIError) -> ImageRecord {
        if case .image(let archive) = source {
            guard overrides.isEmpty else {
                throw .invalid("\(object): an image's archive says itself what runs in it; leave the options out")
            }
            return try await add(archive, reference, name: name)
        }
        guard reference == nil else {
            throw .invalid("\(object): --reference chooses one of an archive's images; this is a root file system")
        }
        if case .root(let archive) = source { return try await add(archive, name: name, overrides) }
        return try await addTree(path, staged: staged, name: name, overrides)
    }

    func drop(_ staged: String) async {
        _ = try? await bulk.perform("remove staged image") { () throws(CRIError) in
            try attempt("staged image") { () throws(KernelError) in try TreeRemoval.remove(staged) }
        }
    }

    /// An image's archive is unpacked where it is a file.
    private func source(_ path: String, _ object: String, staged: String) throws(CRIError) -> Source {
        var status = stat()
        guard stat(path, &status) == 0 else { throw .invalid("\(object): \(KernelError.text(of: errno))") }
        if status.st_mode & S_IFMT == S_IFDIR {
            let archive = ImageArchive(directory: path, path: path)
            // A root directory may hold a manifest.json of its own; an image's is beside nothing that looks like a root.
            guard archive.form != nil, access(path + "/config.json", F_OK) != 0, access(path + "/etc", F_OK) != 0 else {
                return .directory
            }
            return .image(archive)
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw .invalid("\(object): it is neither a directory nor an archive")
        }
        let file = try attempt(object) { () throws(KernelError) in try Descriptor.open(path, O_RDONLY) }
        if let root = try RootArchive(file, object: object, limits: limits) { return .root(root) }
        try attempt(object) { () throws(KernelError) in
            try WholeFile.makeDirectories(staged, mode: 0o700)
            try WholeFile.makeDirectories(staged + ".replaced", mode: 0o700)
            try file.rewind(path)
        }
        defer { try? TreeRemoval.remove(staged + ".replaced") }
        _ = try LayerExtractor.extract(file, object: object, into: staged, trash: staged + ".replaced", limits: limits)
        return .image(ImageArchive(directory: staged, path: object))
    }

    private func add(
        _ archive: RootArchive, name: ImageReference, _ overrides: Overrides
    ) async throws(CRIError) -> ImageRecord {
        let draft = try archive.draft(overrides)
        let needs = draft.needs
        try await hold(needs)
        defer { letGo(needs) }
        try await inTurn(archive.layer.digest, "add image") { [content] () throws(CRIError) in
            try archive.bring(into: content)
        }
        return try await build(draft, name: name, isPulled: false, progress: .none) { _ throws(CRIError) in }
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
