import JSONTree

/// The manifest of one image for one platform: its configuration and its layers, the lowest first.
package struct ImageManifest: Sendable, Hashable {
    /// More layers than this are refused.
    package static let layerLimit = 500

    package var mediaType: String
    package var configuration: ImageDescriptor
    package var layers: [ImageDescriptor]

    package init(mediaType: String, configuration: ImageDescriptor, layers: [ImageDescriptor]) {
        self.mediaType = mediaType
        self.configuration = configuration
        self.layers = layers
    }

    package init(_ value: JSONValue, file: String) throws(OCIError) {
        let reader = try SpecificationReader(value, file: file)
        let version = try reader.integer("schemaVersion")
        guard version == 2 else {
            throw reader.failure(
                "schemaVersion", "version \(version ?? 0) is not read; push the image anew with a current program")
        }
        mediaType = try reader.string("mediaType") ?? ImageMediaType.manifest
        // The same bytes would be another image to who reads them as an index.
        guard ImageMediaType.isManifest(mediaType), (value["manifests"] ?? .null) == .null else {
            throw reader.failure("mediaType", "\"\(mediaType)\" or what is in it is no manifest, as which it was given")
        }
        guard let config = try reader.object("config") else { throw reader.failure("config", "it is missing") }
        configuration = try Self.file(config)
        guard [ImageMediaType.configuration, ImageMediaType.dockerConfiguration].contains(configuration.mediaType)
        else {
            throw reader.failure(
                "config.mediaType", "\"\(configuration.mediaType)\" is no container image; it cannot be run")
        }
        layers = []
        for layer in try reader.objects("layers") {
            let descriptor = try Self.file(layer)
            guard ImageMediaType.isLayer(descriptor.mediaType) else {
                throw layer.failure("mediaType", "layers of type \"\(descriptor.mediaType)\" are not read")
            }
            layers.append(descriptor)
        }
        guard layers.count <= Self.layerLimit else {
            throw reader.failure("layers", "\(layers.count) are more than \(Self.layerLimit)")
        }
    }

    /// A size that is left at 0 says nothing that a download could be held to.
    private static func file(_ reader: SpecificationReader) throws(OCIError) -> ImageDescriptor {
        let descriptor = try ImageDescriptor(reader)
        guard descriptor.size > 0 || descriptor.digest == Digest(of: []) else {
            throw reader.failure("size", "it is 0, and the digest is not that of an empty file; push the image anew")
        }
        return descriptor
    }

    package var json: JSONValue {
        [
            "schemaVersion": 2, "mediaType": .string(mediaType), "config": configuration.json,
            "layers": .array(layers.map(\.json)),
        ]
    }
}

/// A list of manifests: one image for several platforms, or the images of a layout.
package struct ImageManifestList: Sendable, Hashable {
    package static let limit = 1_000
    /// Where a layout's index keeps an image's name.
    package static let nameAnnotation = "org.opencontainers.image.ref.name"

    package var manifests: [ImageDescriptor]

    package init(_ manifests: [ImageDescriptor]) {
        self.manifests = manifests
    }

    package init(_ value: JSONValue, file: String) throws(OCIError) {
        let reader = try SpecificationReader(value, file: file)
        guard try reader.integer("schemaVersion") == 2 else {
            throw reader.failure("schemaVersion", "it must be 2")
        }
        let mediaType = try reader.string("mediaType") ?? ImageMediaType.index
        let other = [value["config"], value["layers"]].compactMap(\.self)
        guard ImageMediaType.isIndex(mediaType), other.allSatisfy({ $0 == .null }) else {
            throw reader.failure("mediaType", "\"\(mediaType)\" or what is in it is no index, as which it was given")
        }
        manifests = []
        for descriptor in try reader.objects("manifests") { manifests.append(try ImageDescriptor(descriptor)) }
        guard manifests.count <= Self.limit else {
            throw reader.failure("manifests", "\(manifests.count) are more than \(Self.limit)")
        }
    }

    package var json: JSONValue {
        [
            "schemaVersion": 2, "mediaType": .string(ImageMediaType.index),
            "manifests": .array(manifests.map(\.json)),
        ]
    }

    /// The entry for `machine`: the first that names its platform, of its variants the lowest, of others that run there the nearest, else one that names none where
    /// it is the only one. What is no image (attestations and the like) says platform `unknown` and is never chosen.
    package func choose(for machine: ImagePlatform) -> ImageDescriptor? {
        let images = manifests.filter {
            (ImageMediaType.isManifest($0.mediaType) || ImageMediaType.isIndex($0.mediaType))
                && $0.platform?.system != "unknown"
        }
        let running = images.compactMap { image in
            image.platform.flatMap { platform in
                platform.distance(from: machine).map { (place: ($0, platform.variant), image: image) }
            }
        }
        if let exact = running.first(where: { $0.place == (0, machine.variant) }) { return exact.image }
        // Of several levels of an architecture the lowest runs on most machines.
        if let found = running.min(by: { $0.place < $1.place }) { return found.image }
        return images.count == 1 && images[0].platform == nil ? images[0] : nil
    }

    /// What it has for other machines, for messages.
    package var offer: String {
        let platforms = manifests.compactMap(\.platform).filter { $0.system != "unknown" }.map(\.description)
        return platforms.isEmpty
            ? "its \(manifests.count) entries name no platform" : "there are \(platforms.joined(separator: ", "))"
    }
}

/// An image's configuration file: what it runs on and by default, and the digests of its layers' unpacked archives, the lowest first.
package struct ImageFile: Sendable, Hashable {
    package var platform: ImagePlatform
    package var configuration: ImageConfiguration
    package var layers: [Digest]

    package init(_ value: JSONValue, file: String) throws(OCIError) {
        let reader = try SpecificationReader(value, file: file)
        platform = try ImagePlatform(reader)
        configuration = try ImageConfiguration(imageFile: value, file: file)
        guard let rootfs = try reader.object("rootfs") else { throw reader.failure("rootfs", "it is missing") }
        layers = []
        for text in try rootfs.strings("diff_ids") ?? [] { layers.append(try Digest(text)) }
    }

    package init(platform: ImagePlatform, configuration: ImageConfiguration, layers: [Digest]) {
        self.platform = platform
        self.configuration = configuration
        self.layers = layers
    }

    package var json: JSONValue {
        [
            "architecture": .string(platform.architecture), "os": .string(platform.system),
            "config": configuration.json,
            "rootfs": ["type": "layers", "diff_ids": .array(layers.map { .string($0.description) })],
        ]
    }

    /// The identity of the stack up to each layer (image specification, "Layer ChainID").
    package var chain: [Digest] {
        var chain: [Digest] = []
        for layer in layers {
            guard let below = chain.last else {
                chain.append(layer)
                continue
            }
            chain.append(Digest(of: Array("\(below) \(layer)".utf8)))
        }
        return chain
    }
}
