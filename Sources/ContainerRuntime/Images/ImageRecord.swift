import CRI
import JSONTree
import OCI

/// One unpacked layer: a directory beneath `trees/` that images share.
package struct ImageLayer: Sendable, Hashable {
    /// Names its directory: the digest of its unpacked archive, or of the stack that it completes, or of an added tree's content.
    package let key: Digest
    /// The digest of what the directory holds.
    let seal: Digest
    package let size: UInt64
    package let entries: UInt64
    /// Whether it was completed by what lay beneath it, and fits no other stack.
    let isDependent: Bool

    init(key: Digest, _ seal: TreeSeal.Result, isDependent: Bool = false) {
        self.key = key
        self.seal = seal.digest
        size = seal.size
        entries = seal.entries
        self.isDependent = isDependent
    }

    init(_ reader: SpecificationReader) throws(OCIError) {
        key = try Digest(try reader.required("key"))
        seal = try Digest(try reader.required("seal"))
        size = UInt64(clamping: try reader.integer("size") ?? 0)
        entries = UInt64(clamping: try reader.integer("entries") ?? 0)
        isDependent = try reader.bool("dependent") ?? false
    }

    /// The whole tree of an image as version 1 of the index describes it.
    init(version1 reader: SpecificationReader) throws(OCIError) {
        key = try Digest(try reader.required("tree"))
        seal = key
        size = UInt64(clamping: try reader.integer("size") ?? 0)
        entries = UInt64(clamping: try reader.integer("entries") ?? 0)
        isDependent = false
    }

    var json: JSONValue {
        var object: JSONObject = [
            "key": .string(key.description), "seal": .string(seal.description),
            "size": .integer(Int64(clamping: size)), "entries": .integer(Int64(clamping: entries)),
        ]
        if isDependent { object["dependent"] = true }
        return .object(object)
    }
}

/// An image of the store: its layers and what runs in it by default.
package struct ImageRecord: Sendable, Hashable {
    /// The digest of its configuration file; of tree and configuration where it was made of a directory.
    package let id: Digest
    /// Full names, sorted.
    package var names: [String]
    /// Repositories that it was pulled from by digest, sorted. An image without names and repositories is waiting for its removal.
    package var repositories: [String] = []
    /// `repository@digest` of each place that it was pulled from, sorted: the digest is what the name led to there, an index's where there was one.
    package var origins: [String] = []
    /// The lowest first.
    package var layers: [ImageLayer]
    /// Nil where it was made of a directory.
    package var manifest: ImageDescriptor?
    /// The packed layers, the lowest first.
    package var blobs: [ImageDescriptor] = []
    package var addedAt: UnixNanoseconds
    /// Never collected, and removed only by force.
    package var isPinned = false
    /// Whether a registry can give it back. What was added by hand is not removed to make room.
    package var isPulled = false
    /// The index has it too: for what was made of a directory, and should the image's own file be damaged.
    package var configuration: ImageConfiguration

    /// An image made of a directory.
    init(tree: TreeSeal.Result, name: String, addedAt: UnixNanoseconds, configuration: ImageConfiguration) {
        id = Digest(of: Array("\(tree.digest)\n".utf8) + configuration.json.encoded())
        layers = [ImageLayer(key: tree.digest, tree)]
        names = [name]
        self.addedAt = addedAt
        self.configuration = configuration
    }

    /// An image that came with a manifest.
    init(
        id: Digest, manifest: ImageDescriptor, blobs: [ImageDescriptor], layers: [ImageLayer],
        addedAt: UnixNanoseconds, configuration: ImageConfiguration
    ) {
        self.id = id
        self.manifest = manifest
        self.blobs = blobs
        self.layers = layers
        names = []
        self.addedAt = addedAt
        self.configuration = configuration
    }

    /// Whether it is known by this digest: its own, its manifest's, or that of an index that it came by.
    func isKnown(by digest: Digest) -> Bool {
        id == digest || manifest?.digest == digest || origins.contains { $0.hasSuffix("@\(digest)") }
    }

    /// Bytes of all its layers, unpacked.
    package var size: UInt64 { Set(layers).reduce(0) { $0 + $1.size } }

    /// The files of the content store that it is made of.
    var files: Set<Digest> {
        guard let manifest else { return [] }
        return Set([manifest.digest, id] + blobs.map(\.digest))
    }

    var image: Image {
        let user =
            configuration.user.split(separator: ":", omittingEmptySubsequences: false).first.map(String.init) ?? ""
        let number = UserDatabase.identity(user)
        let digest = manifest?.digest ?? id
        let holders = Set(
            names.map { name in name.lastIndex(of: ":").map { String(name[..<$0]) } ?? name } + repositories)
        // What came from files, or was recorded before origins were, is known by its manifest.
        let others = holders.filter { holder in !origins.contains { $0.hasPrefix(holder + "@") } }
        return Image(
            id: id.description, tags: names, digests: (origins + others.map { $0 + "@\(digest)" }).sorted(),
            size: size, user: user.isEmpty ? 0 : number.map(Int64.init), userName: number == nil ? user : "",
            isPinned: isPinned || !isPulled)
    }

    var json: JSONValue {
        var object: JSONObject = [
            "id": .string(id.description), "names": .list(names), "layers": .array(layers.map(\.json)),
            "addedAt": .integer(addedAt), "config": configuration.json,
        ]
        if !repositories.isEmpty { object["repositories"] = .list(repositories) }
        if !origins.isEmpty { object["origins"] = .list(origins) }
        if let manifest { object["manifest"] = manifest.json }
        if !blobs.isEmpty { object["blobs"] = .array(blobs.map(\.json)) }
        if isPinned { object["pinned"] = true }
        if isPulled { object["pulled"] = true }
        return .object(object)
    }

    /// - Parameter version: of the index that the record lies in, 1 or 2.
    init(_ reader: SpecificationReader, version: Int64) throws(OCIError) {
        id = try Digest(try reader.required("id"))
        names = try reader.strings("names") ?? []
        repositories = try reader.strings("repositories") ?? []
        origins = try reader.strings("origins") ?? []
        addedAt = try reader.integer("addedAt") ?? 0
        isPinned = try reader.bool("pinned") ?? false
        isPulled = try reader.bool("pulled") ?? false
        manifest = try reader.object("manifest").map { reader throws(OCIError) in try ImageDescriptor(reader) }
        for blob in try reader.objects("blobs") { blobs.append(try ImageDescriptor(blob)) }
        guard let config = try reader.object("config") else { throw reader.failure("config", "it is missing") }
        configuration = try ImageConfiguration(config)
        layers = []
        if version == 1 {
            layers = [try ImageLayer(version1: reader)]
        } else {
            for layer in try reader.objects("layers") { layers.append(try ImageLayer(layer)) }
        }
    }
}
