import CRI
import Glibc
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

    var files: [ImageDescriptor] { layers + [configuration] }
}

extension ImageStore {
    /// Hands on an image's files, and keeps them from being removed meanwhile. An image that was made of a directory is packed first.
    func withPacked<Value: Sendable>(
        _ image: String, _ body: (PackedImage) async throws(CRIError) -> Value
    ) async throws(CRIError) -> Value {
        guard let record = state.withLock({ $0.find(image) }) else { throw Self.missing(image) }
        hold(record.files)
        defer { letGo(record.files) }
        var packed = try await bulk.perform("pack image") { [self] () throws(CRIError) in
            guard let manifest = record.manifest else { return try pack(record) }
            return try files(of: record, manifest)
        }
        let name = (try? ImageReference(image))?.description
        if let name, record.names.contains(name) { packed.names = [name] }
        let made = Set(packed.files.map(\.digest) + [packed.manifest.digest])
        hold(made)
        defer { letGo(made) }
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

    /// Makes layer, configuration and manifest of an image that came as a directory.
    private func pack(_ record: ImageRecord) throws(CRIError) -> PackedImage {
        let object = "image \(record.id)"
        var layers: [ImageDescriptor] = []
        for layer in record.layers {
            let name = content.partial + "/" + (try Identifier.random())
            defer { unlink(name) }
            layers.append(
                try attempt(object) { () throws(KernelError) in
                    let file = try Descriptor.open(name, O_RDWR | O_CREAT | O_EXCL, mode: 0o600)
                    let (digest, size) = try TreeArchive.make(tree(layer.key), into: file, object: object)
                    try content.finish(file, at: name, as: digest)
                    return ImageDescriptor(mediaType: ImageMediaType.layer, digest: digest, size: size)
                })
        }
        let file = ImageFile(
            platform: .host, configuration: record.configuration, layers: layers.map(\.digest))
        return try attempt(object) { () throws(KernelError) in
            func keep(_ bytes: [UInt8], _ type: String) throws(KernelError) -> ImageDescriptor {
                ImageDescriptor(mediaType: type, digest: try content.put(bytes), size: UInt64(bytes.count))
            }
            let configuration = try keep(file.json.encoded(), ImageMediaType.configuration)
            let manifest = ImageManifest(
                mediaType: ImageMediaType.manifest, configuration: configuration, layers: layers)
            return PackedImage(
                record: record, names: record.names,
                manifest: try keep(manifest.json.encoded(), ImageMediaType.manifest),
                configuration: configuration, layers: layers)
        }
    }
}
