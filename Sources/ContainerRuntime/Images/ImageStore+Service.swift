import CRI
import JSONTree
import Linux
import OCI

extension ImageStore: ImageService {
    package func listImages() async throws(CRIError) -> [Image] {
        records.map(\.image).sorted { $0.id < $1.id }
    }

    /// Every image with all that is known of it.
    package var records: [ImageRecord] {
        state.withLock { $0.index.records }
    }

    /// An image with a damaged layer is as good as absent: pulling it again fetches that layer alone.
    package func imageStatus(_ image: String) async throws(CRIError) -> Image? {
        state.withLock { $0.find(image) }?.image
    }

    /// In containerd's form, which tools know: the image's own file, and the identity of the stack of its layers.
    package func imageInfo(_ image: String) async throws(CRIError) -> [String: String] {
        guard let record = state.withLock({ $0.find(image) }) else { return [:] }
        let info = try await threads.perform("image info") { [self] () throws(CRIError) -> JSONObject in
            // What was made of a directory came with no file.
            guard record.manifest != nil else { return ["imageSpec": ["config": record.configuration.json]] }
            let bytes = try content.read(record.id, limit: ImageArchive.fileLimit)
            return try ImageArchive.read(bytes, "image \(record.id)") { value, file throws(OCIError) in
                let chain = try ImageFile(value, file: file).chain.last?.description ?? ""
                return ["chainID": .string(chain), "imageSpec": value]
            }
        }
        return ["info": String(decoding: info.encoded(), as: UTF8.self)]
    }

    /// What images take on disk: their trees, and the files that they came as.
    package func imageFilesystem() async throws(CRIError) -> FilesystemUsage {
        let layers = state.withLock { $0.index.layers.merging($0.loose) { first, _ in first } }
        let files = try await threads.perform("image filesystem") { [self] () throws(CRIError) in
            let usage = try attempt("image store") { () throws(KernelError) in try content.usage() }
            return [usage.bytes, usage.files]
        }
        return FilesystemUsage(
            path: paths.images, usedBytes: layers.values.reduce(files[0]) { $0 + $1.size },
            usedInodes: layers.values.reduce(files[1]) { $0 + $1.entries })
    }

    /// Finds an image for a container and keeps it from being removed until `release`.
    /// - Parameter name: what messages call it.
    func use(_ image: String, called name: String, by container: String) throws(CRIError) -> ImageRecord {
        try state.withLock { state throws(CRIError) in
            guard let record = state.index.find(image), !state.leaving.contains(record.id) else {
                throw Self.missing(name)
            }
            guard !state.isDamaged(record) else {
                throw .failed(
                    "image \(name) has a layer that is damaged on this disk; get it again with: swiftlet pull \(name)"
                )
            }
            state.users[record.id, default: []].insert(container)
            return record
        }
    }

    /// Registers the uses that an earlier daemon had.
    /// - Parameter layers: the keys of all that is mounted of these images, which may have been removed by force.
    func keep(_ images: [String], layers: [String], for container: String) {
        let ids = images.compactMap { try? Digest($0) }
        state.withLock { state in
            for id in ids { state.users[id, default: []].insert(container) }
            let former = ids.filter { id in !state.index.records.contains { $0.id == id } }
            guard !former.isEmpty else { return }
            for key in layers.compactMap({ try? Digest($0) }) { state.mounted[key, default: []].formUnion(former) }
        }
    }

    /// All that a container uses.
    func release(by container: String) {
        state.withLock { state in
            for (id, var users) in state.users where users.remove(container) != nil {
                state.users[id] = users.isEmpty ? nil : users
            }
            for (key, images) in state.mounted {
                let used = images.filter { state.users[$0] != nil }
                state.mounted[key] = used.isEmpty ? nil : used
            }
        }
    }

    /// The users and groups that a container of the image finds. Blocks.
    /// - Parameter upper: what it has written above the image.
    func userDatabase(of imageID: String, beneath upper: String) throws(CRIError) -> UserDatabase {
        guard let record = state.withLock({ $0.index.find(imageID) }) else { throw Self.missing(imageID) }
        return try userDatabase(of: record, beneath: upper)
    }

    /// The image's users and groups, read inside its trees whatever links they hold. Blocks.
    /// - Parameter upper: what a container has written above them; nil: nothing.
    func userDatabase(of record: ImageRecord, beneath upper: String? = nil) throws(CRIError) -> UserDatabase {
        let stack = LayerStack(layers: (upper.map { [$0] } ?? []) + directories(of: record))
        return try attempt("image \(record.id)") { () throws(KernelError) in
            UserDatabase(passwd: try stack.read("etc/passwd") ?? [], group: try stack.read("etc/group") ?? [])
        }
    }
}
