import CRI
import OCI

/// An image that is on its way: what its files say, checked against each other.
struct ImageDraft: Sendable {
    var manifest: ImageDescriptor
    var blobs: [ImageDescriptor]
    /// The digest of the configuration file.
    var id: Digest
    var file: ImageFile
    /// Its manifest and its configuration, to be put into the content store.
    var documents: [[UInt8]]
    /// What the image's name leads to at its registry: the manifest, or an index that has it. nil for one that comes from files.
    var target: Digest?

    /// - Parameter object: the image's name, for messages.
    init(
        manifest bytes: [UInt8], mediaType: String, _ parsed: ImageManifest, configuration: [UInt8], file: ImageFile,
        object: String
    ) throws(CRIError) {
        manifest = ImageDescriptor(mediaType: mediaType, digest: Digest(of: bytes), size: UInt64(bytes.count))
        blobs = parsed.layers
        id = parsed.configuration.digest
        self.file = file
        documents = [bytes, configuration]
        guard file.layers.count == blobs.count else {
            throw .invalid(
                "\(object): its manifest has \(blobs.count) layers and its configuration \(file.layers.count)")
        }
        guard !blobs.isEmpty else { throw .invalid("\(object): it has no layers") }
        let machine = ImagePlatform.host
        guard file.platform.architecture.isEmpty || file.platform.runs(on: machine) else {
            throw .invalid("\(object): it is made for \(file.platform), and this machine is \(machine)")
        }
    }

    /// An image that comes without a manifest, which is made here.
    init(
        configuration: [UInt8], file: ImageFile, layers: [ImageDescriptor], object: String
    ) throws(CRIError) {
        let manifest = ImageManifest(
            mediaType: ImageMediaType.manifest,
            configuration: ImageDescriptor(
                mediaType: ImageMediaType.configuration, digest: Digest(of: configuration),
                size: UInt64(configuration.count)),
            layers: layers)
        try self.init(
            manifest: manifest.json.encoded(), mediaType: manifest.mediaType, manifest, configuration: configuration,
            file: file, object: object)
    }

    /// All trees and files that it is going to be made of.
    var needs: Set<Digest> {
        Set(file.chain + file.layers + blobs.map(\.digest) + [manifest.digest, id])
    }
}
