import CRI
import Glibc
import Linux
import OCI

/// A root file system in a tar file, as `docker import` takes it: the file as it is becomes the one layer of an image.
final class RootArchive: Sendable {
    private let file: Descriptor
    /// For messages.
    private let object: String
    let layer: ImageDescriptor
    /// Of the archive before it was packed.
    private let unpacked: Digest

    /// Reads the file to its end. Blocks.
    /// - Returns: nil where it is an image's archive: there is a file of those at its top, and nothing that looks like a root beside it.
    /// - Throws: `invalid` where it is no archive that can be used.
    init?(_ file: borrowing Descriptor, object: String, limits: LayerLimits) throws(CRIError) {
        let own = try attempt(object) { () throws(KernelError) in try file.duplicate() }
        let read = try attempt(object) { () throws(KernelError) in try file.duplicate() }
        var content = Content()
        var hasher = DigestHasher()
        do throws(ArchiveError) {
            let source = try Decompression(read, object: object, limit: limits.bytes) { hasher.update($0) }
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
        let (digest, size) = try attempt(object) { () throws(KernelError) in
            try ContentStore.digest(of: own, path: object)
        }
        self.object = object
        layer = ImageDescriptor(
            mediaType: ImageMediaType.layer + Packing(of: own).suffix, digest: digest, size: size)
        unpacked = hasher.finish()
        self.file = own
    }

    func draft(_ overrides: ImageStore.Overrides) throws(CRIError) -> ImageDraft {
        let file = ImageFile(
            platform: .host, configuration: overrides.applied(to: ImageConfiguration()), layers: [unpacked])
        return try ImageDraft(configuration: file.json.encoded(), file: file, layers: [layer], object: object)
    }

    /// Brings it into the content store, where it is not there: to be called in the file's turn. Blocks.
    func bring(into content: ContentStore) throws(CRIError) {
        guard content.size(of: layer.digest) != layer.size else { return }
        try attempt(object) { () throws(KernelError) in try file.rewind(object) }
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

extension Descriptor {
    /// - Parameter name: for messages.
    borrowing func rewind(_ name: String) throws(KernelError) {
        guard lseek(raw, 0, SEEK_SET) == 0 else { throw KernelError("seek", name) }
    }
}
