import JSONTree

/// What kinds of files an image is made of, by their media types: those of OCI and the older ones of docker.
package enum ImageMediaType {
    package static let index = "application/vnd.oci.image.index.v1+json"
    package static let manifest = "application/vnd.oci.image.manifest.v1+json"
    package static let configuration = "application/vnd.oci.image.config.v1+json"
    package static let layer = "application/vnd.oci.image.layer.v1.tar"
    package static let dockerList = "application/vnd.docker.distribution.manifest.list.v2+json"
    package static let dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
    package static let dockerConfiguration = "application/vnd.docker.container.image.v1+json"

    /// What is asked of a registry, the best first.
    package static let manifests = [index, manifest, dockerList, dockerManifest]

    package static func isIndex(_ type: String) -> Bool { type == index || type == dockerList }
    package static func isManifest(_ type: String) -> Bool { type == manifest || type == dockerManifest }

    private static let foreignLayer = "application/vnd.oci.image.layer.nondistributable.v1.tar"
    private static let dockerForeignLayer = "application/vnd.docker.image.rootfs.foreign.diff.tar"

    /// Whether it is a layer that its licence keeps from registries, and whose descriptor says where it lies.
    package static func isForeignLayer(_ type: String) -> Bool {
        isLayer(type) && (type.hasPrefix(foreignLayer) || type.hasPrefix(dockerForeignLayer))
    }

    /// Whether it is a tar archive, packed with gzip, zstd or nothing.
    package static func isLayer(_ type: String) -> Bool {
        let base = type.split(separator: "+", maxSplits: 1).first.map(String.init) ?? ""
        let packing = type.dropFirst(base.count)
        switch base {
        case layer, foreignLayer:
            return ["", "+gzip", "+zstd"].contains(packing)
        case "application/vnd.docker.image.rootfs.diff.tar", "application/vnd.docker.image.rootfs.diff.tar.gzip",
            "application/vnd.docker.image.rootfs.diff.tar.zstd",
            dockerForeignLayer, dockerForeignLayer + ".gzip":
            return packing.isEmpty
        default: return false
        }
    }
}

/// A file of an image: its kind, its digest and its size in bytes.
package struct ImageDescriptor: Sendable, Hashable {
    package var mediaType: String
    package var digest: Digest
    package var size: UInt64
    /// What it runs on, in an index.
    package var platform: ImagePlatform?
    package var annotations: [String: String]
    /// Where else it lies.
    package var urls: [String]

    package init(
        mediaType: String, digest: Digest, size: UInt64, platform: ImagePlatform? = nil,
        annotations: [String: String] = [:], urls: [String] = []
    ) {
        self.mediaType = mediaType
        self.digest = digest
        self.size = size
        self.platform = platform
        self.annotations = annotations
        self.urls = urls
    }

    package init(_ reader: SpecificationReader) throws(OCIError) {
        mediaType = try reader.required("mediaType")
        digest = try Digest(try reader.required("digest"))
        guard let size = try reader.integer("size"), size >= 0 else {
            throw reader.failure("size", "it must be a number of bytes")
        }
        self.size = UInt64(size)
        platform = try reader.object("platform").map { reader throws(OCIError) in try ImagePlatform(reader) }
        annotations = try reader.stringMap("annotations") ?? [:]
        urls = try reader.strings("urls") ?? []
    }

    package var json: JSONValue {
        var object: JSONObject = [
            "mediaType": .string(mediaType), "digest": .string(digest.description),
            "size": .integer(Int64(clamping: size)),
        ]
        if let platform { object["platform"] = platform.json }
        if !urls.isEmpty { object["urls"] = .array(urls.map { .string($0) }) }
        if !annotations.isEmpty {
            object["annotations"] = .object(
                JSONObject(annotations.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) }))
        }
        return .object(object)
    }
}

/// What an image runs on, in Go's words.
package struct ImagePlatform: Sendable, Hashable, CustomStringConvertible {
    package var system: String
    package var architecture: String
    /// Of the architecture, such as `v8`; empty where it has none or does not matter.
    package var variant: String

    package init(system: String = "linux", architecture: String, variant: String = "") {
        self.system = system
        self.architecture = architecture
        self.variant = variant
    }

    package init(_ reader: SpecificationReader) throws(OCIError) {
        system = try reader.string("os") ?? ""
        architecture = try reader.string("architecture") ?? ""
        variant = try reader.string("variant") ?? ""
    }

    /// This machine's.
    package static var host: ImagePlatform {
        #if arch(x86_64)
            ImagePlatform(architecture: "amd64")
        #elseif arch(arm64)
            ImagePlatform(architecture: "arm64", variant: "v8")
        #else
            ImagePlatform(architecture: "unknown")
        #endif
    }

    package var description: String { system + "/" + architecture + (variant.isEmpty ? "" : "/" + variant) }

    var json: JSONValue {
        var object: JSONObject = ["architecture": .string(architecture), "os": .string(system)]
        if !variant.isEmpty { object["variant"] = .string(variant) }
        return .object(object)
    }

    /// What of 32 bits an arm64 machine is given where there is nothing of its own, the best first (containerd's platforms.Default). Not every one runs it.
    private static let smallerARM = ["v8", "v7", "v6", "v5"]

    /// Whether an image for `self` may run on `machine`.
    package func runs(on machine: ImagePlatform) -> Bool { distance(from: machine) != nil }

    /// How far it is from what suits `machine` best: 0 for its own architecture. A variant that either leaves out does not matter there; for 32-bit ARM it is v7.
    /// - Returns: nil where it does not run there.
    func distance(from machine: ImagePlatform) -> Int? {
        guard system == machine.system else { return nil }
        if architecture == machine.architecture {
            return variant.isEmpty || machine.variant.isEmpty || variant == machine.variant ? 0 : nil
        }
        guard (architecture, machine.architecture) == ("arm", "arm64") else { return nil }
        return Self.smallerARM.firstIndex(of: variant.isEmpty ? "v7" : variant).map { $0 + 1 }
    }
}
