import CRI
import Glibc
import JSONTree
import Linux
import OCI

/// An image as files in a directory: an OCI layout, or what an archive of `docker save` holds. Every file is opened inside the directory, whatever links it
/// holds. Blocks.
struct ImageArchive: Sendable {
    /// Largest index, manifest or configuration.
    static let fileLimit = 8 << 20

    let directory: String
    /// For messages.
    let path: String

    enum Form: Sendable {
        case layout
        case docker
    }

    /// Which of the two it is; nil for neither.
    var form: Form? {
        if access(directory + "/oci-layout", F_OK) == 0 { return .layout }
        if access(directory + "/manifest.json", F_OK) == 0 { return .docker }
        return nil
    }

    /// One image of it, and where its layers are: each a file of the directory.
    struct Chosen: Sendable {
        var draft: ImageDraft
        var members: [Digest: String]
    }

    /// Reads what one image is made of.
    /// - Parameter reference: which image, by its name in the archive; nil: the only one.
    func choose(_ reference: String?, machine: ImagePlatform) throws(CRIError) -> Chosen {
        switch form {
        case .layout: try chooseInLayout(reference, machine: machine)
        case .docker: try chooseInDocker(reference)
        case nil:
            throw .invalid(
                "\(path): it is neither an OCI layout (oci-layout, index.json) nor a docker archive (manifest.json)")
        }
    }

    /// Brings one of an image's layers into the content store, where it is not there: to be called in the file's turn.
    func bring(_ layer: ImageDescriptor, of chosen: Chosen, into content: ContentStore) throws(CRIError) {
        guard content.size(of: layer.digest) != layer.size, let member = chosen.members[layer.digest] else { return }
        let file = try open(member)
        var status = stat()
        guard fstat(file.raw, &status) == 0 else { throw .failed("\(path): \(KernelError("stat", member))") }
        try layer.check(UInt64(clamping: status.st_size))
        try content.copy(file, object: "\(path): layer \(layer.digest)", expecting: layer.digest)
    }

    // MARK: - OCI layout

    private func chooseInLayout(_ reference: String?, machine: ImagePlatform) throws(CRIError) -> Chosen {
        let index = try parse("index.json") { (value, file) throws(OCIError) in try ImageManifestList(value, file: file)
        }
        var chosen = try choose(reference, of: index)
        // An entry may be an index itself: one image for several platforms.
        for _ in 0..<4 where ImageMediaType.isIndex(chosen.mediaType) {
            let (bytes, file) = try blob(chosen)
            let list = try Self.read(bytes, file) { (value, file) throws(OCIError) in
                try ImageManifestList(value, file: file)
            }
            guard let found = list.choose(for: machine) else {
                throw .invalid("\(path): there is no image for \(machine); \(list.offer)")
            }
            chosen = found
        }
        let (bytes, file) = try blob(chosen)
        let manifest = try Self.read(bytes, file) { (value, file) throws(OCIError) in
            try ImageManifest(value, file: file)
        }
        let (configuration, configurationFile) = try blob(manifest.configuration)
        let image = try Self.read(configuration, configurationFile) { (value, file) throws(OCIError) in
            try ImageFile(value, file: file)
        }
        let draft = try ImageDraft(
            manifest: bytes, mediaType: chosen.mediaType, manifest, configuration: configuration, file: image,
            object: path)
        let members = manifest.layers.map { ($0.digest, Self.blobPath($0.digest)) }
        return Chosen(draft: draft, members: Dictionary(members, uniquingKeysWith: { first, _ in first }))
    }

    private func choose(_ reference: String?, of index: ImageManifestList) throws(CRIError) -> ImageDescriptor {
        let candidates = Self.meant(by: reference, among: index.manifests) { $0.names + [$0.digest.description] }
        if candidates.count == 1 { return candidates[0] }
        if reference == nil, let found = index.choose(for: .host), Set(candidates.map(\.names)).count == 1 {
            return found
        }
        let names = index.manifests.map { $0.names.first ?? $0.digest.description }.joined(separator: ", ")
        throw unclear(reference, candidates.count, among: names)
    }

    /// All where there is no reference; those that are called so; else those whose full name it is short for.
    private static func meant<Entry>(
        by reference: String?, among entries: [Entry], names: (Entry) -> [String]
    ) -> [Entry] {
        guard let reference else { return entries }
        let called = entries.filter { names($0).contains(reference) }
        guard called.isEmpty, let full = try? ImageReference(reference) else { return called }
        return entries.filter { names($0).contains(full.description) }
    }

    /// - Parameters:
    ///   - count: of the images that may be meant: none or several.
    ///   - names: of all its images, with commas between.
    private func unclear(_ reference: String?, _ count: Int, among names: String) -> CRIError {
        let named = reference.map { " \"\($0)\"" } ?? ""
        guard !names.isEmpty else { return .invalid("\(path): it holds no image") }
        let cause = count == 0 ? "it has no image\(named)" : "it has several images\(named)"
        return .invalid("\(path): \(cause); say with --reference which is meant: \(names)")
    }

    private static func blobPath(_ digest: Digest) -> String { "blobs/sha256/" + digest.hex }

    private func blob(_ descriptor: ImageDescriptor) throws(CRIError) -> ([UInt8], String) {
        let file = Self.blobPath(descriptor.digest)
        let bytes = try read(file)
        guard Digest(of: bytes) == descriptor.digest else {
            throw .invalid("\(path)/\(file): it has another digest than its name says; copy the layout again")
        }
        try descriptor.check(UInt64(bytes.count))
        return (bytes, "\(path)/\(file)")
    }

    // MARK: - Docker archive

    private func chooseInDocker(_ reference: String?) throws(CRIError) -> Chosen {
        let archive = try parse("manifest.json") { (value, file) throws(OCIError) in
            try DockerArchive(value, file: file)
        }
        let candidates = Self.meant(by: reference, among: archive.images) { $0.names }
        guard candidates.count == 1, let chosen = candidates.first else {
            let names = archive.images.map { $0.names.first ?? $0.configuration }.joined(separator: ", ")
            throw unclear(reference, candidates.count, among: names)
        }
        let configuration = try read(chosen.configuration)
        let image = try Self.read(configuration, "\(path)/\(chosen.configuration)") { (value, file) throws(OCIError) in
            try ImageFile(value, file: file)
        }
        var layers: [ImageDescriptor] = []
        var members: [Digest: String] = [:]
        for layer in chosen.layers {
            let source = try open(layer)
            let packing = Packing(of: source)
            let (digest, size) = try attempt("\(path)/\(layer)") { () throws(KernelError) in
                try ContentStore.digest(of: source, path: layer)
            }
            layers.append(ImageDescriptor(mediaType: ImageMediaType.layer + packing.suffix, digest: digest, size: size))
            members[digest] = layer
        }
        let draft = try ImageDraft(configuration: configuration, file: image, layers: layers, object: path)
        return Chosen(draft: draft, members: members)
    }

    // MARK: - Files

    private func open(_ name: String) throws(CRIError) -> Descriptor {
        try attempt(path) { () throws(KernelError) in
            try OpenDirectory(directory).fileInRoot(FilePath(name))
        }
    }

    private func read(_ name: String) throws(CRIError) -> [UInt8] {
        let file = try open(name)
        return try attempt(path) { () throws(KernelError) in
            try WholeFile.read(file, path: name, limit: Self.fileLimit)
        }
    }

    private func parse<Value>(
        _ name: String, _ body: (JSONValue, String) throws(OCIError) -> Value
    ) throws(CRIError) -> Value {
        try Self.read(try read(name), "\(path)/\(name)", body)
    }

    /// Reads a JSON file of an image.
    static func read<Value>(
        _ bytes: [UInt8], _ file: String, _ body: (JSONValue, String) throws(OCIError) -> Value
    ) throws(CRIError) -> Value {
        let value: JSONValue
        do { value = try JSONValue(parsing: bytes) } catch { throw .invalid("\(file): \(error)") }
        do throws(OCIError) { return try body(value, file) } catch { throw .invalid(error.description) }
    }
}

extension ImageDescriptor {
    /// Its names in a layout, the fullest first: containerd and docker write the tag alone where others write all of it.
    fileprivate var names: [String] {
        [annotations["io.containerd.image.name"], annotations[ImageManifestList.nameAnnotation]].compactMap(\.self)
    }

    /// Others that are handed the image on hold its files to their sizes.
    func check(_ found: UInt64) throws(CRIError) {
        guard found == size else {
            throw .invalid("file \(digest): it has \(found) bytes, and what names it says \(size); make the image anew")
        }
    }
}

/// How an archive is packed, by its first bytes.
enum Packing: Sendable, Hashable {
    case none
    case gzip
    case zstd

    init(_ start: some Sequence<UInt8>) {
        let start = Array(start.prefix(4))
        if start.starts(with: [0x1f, 0x8b]) {
            self = .gzip
        } else if start == [0x28, 0xb5, 0x2f, 0xfd] {
            self = .zstd
        } else {
            self = .none
        }
    }

    init(of file: borrowing Descriptor) {
        var start = [UInt8](repeating: 0, count: 4)
        let count = pread(file.raw, &start, 4, 0)
        self.init(start.prefix(max(0, count)))
    }

    /// Of a layer's media type.
    var suffix: String {
        switch self {
        case .none: ""
        case .gzip: "+gzip"
        case .zstd: "+zstd"
        }
    }
}
