import CRI
import Linux
import OCI

extension ImageStore: ImageService {
    package func listImages() async throws(CRIError) -> [Image] {
        state.withLock { $0.index.records }.map(\.image).sorted { $0.id < $1.id }
    }

    /// Every image with all that is known of it.
    package var records: [ImageRecord] {
        state.withLock { $0.index.records }
    }

    package func imageStatus(_ image: String) async throws(CRIError) -> Image? {
        state.withLock { $0.index.find(image) }?.image
    }

    /// Finds what is there. Nothing is fetched from a registry.
    package func pullImage(_ image: String, auth: RegistryAuth?) async throws(CRIError) -> String {
        let reference = try Self.reference(image)
        if let found = state.withLock({ $0.index.find(image) }) { return found.id.description }
        throw .imageNotFound(
            "image \(reference) is not on this node, and swiftlet does not pull from registries yet; "
                + "add it with: swiftlet images add \(image) PATH (an OCI bundle or a root directory)")
    }

    package func removeImage(_ image: String) async throws(CRIError) {
        try await removeImage(image, isForced: false)
    }

    /// Takes a name away, and the image with its last name; an id takes the image away whole. Nothing where it is not there.
    /// - Parameter isForced: Also where containers use it: they keep running, and cannot be started again.
    package func removeImage(_ image: String, isForced: Bool) async throws(CRIError) {
        try await changes.take { [self] () async throws(CRIError) in
            try await threads.perform("remove image") { [self] () throws(CRIError) in
                try remove(image, isForced: isForced)
            }
        }
    }

    private func remove(_ image: String, isForced: Bool) throws(CRIError) {
        var (index, users) = state.withLock { ($0.index, $0.users) }
        guard let record = index.find(image) else { return }
        let name = (try? ImageReference(image))?.description
        if let name, record.names.contains(name), record.names.count > 1 {
            index.removeName(name)
            return try write(index)
        }
        let inUse = users[record.id]?.count ?? 0
        guard inUse == 0 || isForced else {
            throw .invalid(
                "image \(image) is used by \(inUse) container\(inUse == 1 ? "" : "s"); remove them first, or give --force"
            )
        }
        index.remove(record.id)
        // The index first: after a crash in between the tree is known to be nobody's.
        try write(index)
        if !index.usesTree(record.tree) {
            try attempt("image \(image)") { () throws(KernelError) in try TreeRemoval.remove(tree(record.tree)) }
        }
    }

    package func imageFilesystem() async throws(CRIError) -> FilesystemUsage {
        let records = state.withLock { $0.index.records }
        var seen: Set<Digest> = []
        var usage = FilesystemUsage(path: paths.images, usedBytes: 0, usedInodes: 0)
        for record in records where seen.insert(record.tree).inserted {
            usage.usedBytes += record.size
            usage.usedInodes += record.entries
        }
        return usage
    }

    /// Finds an image for a container and keeps it from being removed until `release`.
    func use(_ image: String, by container: String) throws(CRIError) -> ImageRecord {
        try state.withLock { state throws(CRIError) in
            guard let record = state.index.find(image) else {
                throw .imageNotFound(
                    "image \(image) is not on this node; add it with: swiftlet images add \(image) PATH")
            }
            state.users[record.id, default: []].insert(container)
            return record
        }
    }

    /// Registers a use that an earlier daemon had.
    func keep(_ imageID: String, for container: String) {
        guard let id = try? Digest(imageID) else { return }
        state.withLock { _ = $0.users[id, default: []].insert(container) }
    }

    func release(_ imageID: String, by container: String) {
        guard let id = try? Digest(imageID) else { return }
        state.withLock { state in
            state.users[id]?.remove(container)
            if state.users[id]?.isEmpty == true { state.users[id] = nil }
        }
    }

    /// The image's users and groups, read inside its tree whatever links it holds. Blocks.
    func userDatabase(of record: ImageRecord) throws(CRIError) -> UserDatabase {
        let root = try attempt("image \(record.id)") { () throws(KernelError) in try OpenDirectory(tree(record.tree)) }
        return UserDatabase(passwd: Self.read("etc/passwd", in: root), group: Self.read("etc/group", in: root))
    }

    /// Empty where there is no regular file of at most 1 MiB.
    private static func read(_ path: String, in root: borrowing OpenDirectory) -> [UInt8] {
        do throws(KernelError) {
            let file = try root.openInRoot(path, 0o4000)
            return try WholeFile.read(file, path: path)
        } catch {
            return []
        }
    }
}
