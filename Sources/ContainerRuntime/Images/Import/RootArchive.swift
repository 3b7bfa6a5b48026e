import CRI
import Glibc
import Linux
import OCI

/// A root file system in a tar file, as `docker import` takes it: the file as it is becomes the one layer of an image.
struct RootArchive: Sendable {
    let path: String
    /// For messages.
    let object: String
    let layer: ImageDescriptor
    /// Of the archive before it was packed.
    private let unpacked: Digest

    /// Reads it to its end. Blocks.
    /// - Returns: nil where it is an image's archive: there is a file of those at its top, and nothing that looks like a root beside it.
    init?(_ path: String, object: String, limits: LayerLimits) throws(CRIError) {
        var content = Content()
        var hasher = DigestHasher()
        do throws(ArchiveError) {
            let source = try Decompression(try Self.open(path, object), object: object, limit: limits.bytes) {
                hasher.update($0)
            }
            let reader = try TarReader(source, object: object)
            while let entry = try reader.next() { try content.take(entry, object) }
            try source.drain()
        } catch {
            guard content.isEmpty else { throw .invalid(error.description) }
            throw .invalid(
                "\(error); this is no archive of an image (an OCI layout or what docker save writes) or of a root file system: "
                    + "a tar, packed with gzip, zstd or not at all")
        }
        guard !content.isEmpty else { throw .invalid("\(object): the archive holds no file") }
        guard !content.isImage else { return nil }
        let file = try attempt(object) { () throws(KernelError) in try Descriptor.open(path, O_RDONLY) }
        let (digest, size) = try attempt(object) { () throws(KernelError) in
            try ContentStore.digest(of: file, path: path)
        }
        self.path = path
        self.object = object
        layer = ImageDescriptor(
            mediaType: ImageMediaType.layer + Packing(of: file).suffix, digest: digest, size: size)
        unpacked = hasher.finish()
    }

    private static func open(_ path: String, _ object: String) throws(ArchiveError) -> Descriptor {
        do throws(KernelError) {
            return try Descriptor.open(path, O_RDONLY)
        } catch {
            throw ArchiveError(object, "\(error)")
        }
    }

    func draft(_ overrides: ImageStore.Overrides) throws(CRIError) -> ImageDraft {
        let file = ImageFile(
            platform: .host, configuration: overrides.applied(to: ImageConfiguration()), layers: [unpacked])
        return try ImageDraft(configuration: file.json.encoded(), file: file, layers: [layer], object: object)
    }

    /// Brings it into the content store, where it is not there: to be called in the file's turn. Blocks.
    func bring(into content: ContentStore) throws(CRIError) {
        guard content.size(of: layer.digest) != layer.size else { return }
        let file = try attempt(object) { () throws(KernelError) in try Descriptor.open(path, O_RDONLY) }
        try content.copy(file, object: object, expecting: layer.digest)
    }

    /// What the names in a tar say of it.
    private struct Content {
        private(set) var isEmpty = true
        private var hasImageFile = false
        private var hasRoot = false

        var isImage: Bool { hasImageFile && !hasRoot }

        mutating func take(_ entry: TarEntry, _ object: String) throws(ArchiveError) {
            guard let meaning = LayerPath.read(entry.path) else {
                throw ArchiveError(
                    "\(object): member \"\(entry.path.description.prefix(200))\"",
                    "its path leads out of the archive, is too deep or names nothing")
            }
            guard case .member(let path) = meaning else { return }
            isEmpty = false
            if ["oci-layout", "manifest.json"].contains(path.whole) { hasImageFile = true }
            hasRoot = hasRoot || path.whole.components.first == "etc"
        }
    }
}
