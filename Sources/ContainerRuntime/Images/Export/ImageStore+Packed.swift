import CRI
import Glibc
import JSONTree
import Linux
import OCI

/// An image as files that others can take: all of them lie in the content store.
struct PackedImage: Sendable {
    var record: ImageRecord
    /// Those that it goes by: the one that was asked for, else all.
    var names: [String]
    var manifest: ImageDescriptor
    var configuration: ImageDescriptor
    /// The lowest first.
    var layers: [ImageDescriptor]

    /// What of it was made just now and has still to be put into the content store.
    fileprivate var new = New()

    fileprivate struct New: Sendable {
        /// Layers that lie beneath `staging`, by their digests there.
        var staged: [(path: String, digest: Digest)] = []
        var documents: [[UInt8]] = []
    }

    var files: [ImageDescriptor] { layers + [configuration] }
    /// All its files in the content store.
    var digests: Set<Digest> { Set(files.map(\.digest) + [manifest.digest]) }
}

extension ImageStore {
    /// Hands on an image's files, and keeps them from being removed meanwhile. An image that was made of a directory is packed first.
    func withPacked<Value: Sendable>(
        _ image: String, _ body: (PackedImage) async throws(CRIError) -> Value
    ) async throws(CRIError) -> Value {
        guard let record = state.withLock({ $0.find(image) }) else { throw Self.missing(image) }
        let needs = record.files.union(record.layers.map(\.key))
        try await hold(needs)
        defer { letGo(needs) }
        // What was removed in between is not there to be held.
        guard state.withLock({ $0.find(image)?.id }) == record.id else { throw Self.missing(image) }
        var packed = try await bulk.perform("pack image") { [self] () throws(CRIError) in
            guard let manifest = record.manifest else { return try pack(record) }
            return try files(of: record, manifest)
        }
        let (digests, new) = (packed.digests, packed.new)
        defer { for staged in new.staged { unlink(staged.path) } }
        let name = (try? ImageReference(image))?.description
        if let name, record.names.contains(name) { packed.names = [name] }
        try await hold(digests)
        defer { letGo(digests) }
        try await put(new, of: "image \(image)")
        for file in packed.files where content.size(of: file.digest) != file.size {
            throw .failed(
                "image \(image): file \(file.digest) is not whole on this node; get it again with: swiftlet pull \(image)"
            )
        }
        return try await body(packed)
    }

    private func files(of record: ImageRecord, _ manifest: ImageDescriptor) throws(CRIError) -> PackedImage {
        let parsed = try ImageArchive.read(
            try content.read(manifest.digest, limit: ImageArchive.fileLimit), "image \(record.id)"
        ) { (value, file) throws(OCIError) in try ImageManifest(value, file: file) }
        return PackedImage(
            record: record, names: record.names, manifest: manifest, configuration: parsed.configuration,
            layers: parsed.layers)
    }

    /// Makes layer, configuration and manifest of an image that came as a directory. They are not in the content store yet.
    private func pack(_ record: ImageRecord) throws(CRIError) -> PackedImage {
        let object = "image \(record.id)"
        var layers: [ImageDescriptor] = []
        var new = PackedImage.New()
        for layer in record.layers {
            let name = staging + "/" + (try Identifier.random())
            do throws(CRIError) {
                let (digest, size) = try attempt(object) { () throws(KernelError) in
                    let file = try Descriptor.open(name, O_RDWR | O_CREAT | O_EXCL, mode: 0o600)
                    return try TreeArchive.make(tree(layer.key), into: file, object: object)
                }
                new.staged.append((name, digest))
                layers.append(ImageDescriptor(mediaType: ImageMediaType.layer, digest: digest, size: size))
            } catch {
                for path in [name] + new.staged.map(\.path) { unlink(path) }
                throw error
            }
        }
        func document(_ value: JSONValue, _ type: String) -> ImageDescriptor {
            let bytes = value.encoded()
            new.documents.append(bytes)
            return ImageDescriptor(mediaType: type, digest: Digest(of: bytes), size: UInt64(bytes.count))
        }
        let file = ImageFile(
            platform: .host, configuration: record.configuration, layers: layers.map(\.digest))
        let configuration = document(file.json, ImageMediaType.configuration)
        let manifest = ImageManifest(
            mediaType: ImageMediaType.manifest, configuration: configuration, layers: layers)
        var packed = PackedImage(
            record: record, names: record.names, manifest: document(manifest.json, ImageMediaType.manifest),
            configuration: configuration, layers: layers)
        packed.new = new
        return packed
    }

    private func put(_ new: PackedImage.New, of object: String) async throws(CRIError) {
        for (path, digest) in new.staged {
            try await inTurn(digest, "put packed image") { [content] () throws(CRIError) in
                try attempt(object) { () throws(KernelError) in
                    try content.finish(try Descriptor.open(path, O_RDONLY), at: path, as: digest)
                }
            }
        }
        for document in new.documents { try await put(document, of: object) }
    }
}
