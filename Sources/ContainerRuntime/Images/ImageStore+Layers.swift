import CRI
import Glibc
import Linux
import OCI

extension ImageStore {
    /// How many layers of one image are fetched and unpacked at a time.
    private static let parallel = 3

    /// Makes the layers of an image that are not there, several at a time, and then the image.
    /// - Parameters:
    ///   - name: the name it gets.
    ///   - isPulled: whether a registry can give it back.
    ///   - fetch: brings one packed layer into the content store.
    func build(
        _ draft: ImageDraft, name: ImageReference, isPulled: Bool, progress: PullProgress,
        fetch: @escaping @Sendable (ImageDescriptor) async throws(CRIError) -> Void
    ) async throws(CRIError) -> ImageRecord {
        let needs = draft.needs
        try await hold(needs)
        defer { letGo(needs) }
        for document in draft.documents { try await put(document, of: "image \(name)") }
        let prepared = try await prepareLayers(draft, progress: progress, fetch: fetch)
        let layers = try await complete(prepared, of: draft)
        var record = ImageRecord(
            id: draft.id, manifest: draft.manifest, blobs: draft.blobs, layers: layers,
            addedAt: time.unixNanoseconds, configuration: draft.file.configuration)
        record.isPulled = isPulled
        if name.tag != nil { record.names = [name.withoutDigest] }
        if name.digest != nil { record.repositories = [name.name] }
        if let target = draft.target { record.origins = ["\(name.name)@\(target)"] }
        let made = record
        let added = try await change { (index: inout ImageIndex) throws(CRIError) in index.add(made) }
        state.withLock { state in for layer in layers { state.loose[layer.key] = nil } }
        return added
    }

    /// Keeps trees and files from being removed until `letGo`, those that are there and those that come. Removals go by turns with it: one that is under way
    /// is over on return, and what is found then stays.
    func hold(_ digests: Set<Digest>) async throws(CRIError) {
        try await changes.take { [self] () async throws(CRIError) in
            state.withLock { state in for digest in digests { state.held[digest, default: 0] += 1 } }
        }
    }

    func letGo(_ digests: Set<Digest>) {
        state.withLock { state in
            for digest in digests {
                state.held[digest, default: 1] -= 1
                if state.held[digest] == 0 { state.held[digest] = nil }
            }
        }
    }

    /// A layer that is whole, or one that has to wait for those beneath it.
    private enum Prepared: Sendable {
        case present(ImageLayer)
        case staged(directory: String, ExtractedLayer)
    }

    /// Takes away what waits for layers that do not come.
    private func drop(_ prepared: [Prepared?]) async {
        for case .staged(let directory, _)? in prepared { await drop(directory) }
    }

    private func prepareLayers(
        _ draft: ImageDraft, progress: PullProgress,
        fetch: @escaping @Sendable (ImageDescriptor) async throws(CRIError) -> Void
    ) async throws(CRIError) -> [Prepared] {
        let chain = draft.file.chain
        let outcome = await withTaskGroup(
            of: (Int, Result<Prepared, CRIError>).self, returning: Result<[Prepared], CRIError>.self
        ) { [self] group in
            var found = [Prepared?](repeating: nil, count: chain.count)
            var failure: CRIError?
            var next = 0
            func start() {
                guard next < chain.count, failure == nil else { return }
                let index = next
                next += 1
                group.addTask { [self] in
                    do throws(CRIError) {
                        let layer = try await prepareLayer(index, of: draft, chain[index], progress, fetch)
                        return (index, .success(layer))
                    } catch {
                        return (index, .failure(error))
                    }
                }
            }
            for _ in 0..<Self.parallel { start() }
            while let (index, result) = await group.next() {
                switch result {
                case .success(let layer): found[index] = layer
                case .failure(let error):
                    if failure == nil { failure = error }
                    group.cancelAll()
                }
                start()
            }
            if let failure {
                await drop(found)
                return .failure(failure)
            }
            return .success(found.compactMap { $0 })
        }
        return try outcome.get()
    }

    private func prepareLayer(
        _ index: Int, of draft: ImageDraft, _ chain: Digest, _ progress: PullProgress,
        _ fetch: @escaping @Sendable (ImageDescriptor) async throws(CRIError) -> Void
    ) async throws(CRIError) -> Prepared {
        let digest = draft.file.layers[index]
        let blob = draft.blobs[index]
        return try await layerTurns.take(digest) { [self] () async throws(CRIError) in
            if let layer = state.withLock({ $0.layer(digest, chain: chain) }) {
                try await complete(blob, progress, fetch)
                return .present(layer)
            }
            let (directory, extracted) = try await fetchAndExtract(blob, expecting: digest, progress, fetch)
            let isDependent = !extracted.implied.isEmpty || !extracted.links.isEmpty
            if isDependent && index > 0 { return .staged(directory: directory, extracted) }
            let layer = try await publish(directory, key: digest, isDependent: isDependent)
            progress.tell(.done(blob))
            return .present(layer)
        }
    }

    /// A layer that is there may have come in another image, packed in another way: without its own file this one could be neither pushed nor healed.
    private func complete(
        _ blob: ImageDescriptor, _ progress: PullProgress,
        _ fetch: @Sendable (ImageDescriptor) async throws(CRIError) -> Void
    ) async throws(CRIError) {
        guard content.size(of: blob.digest) != blob.size else { return progress.tell(.present(blob)) }
        try await fetch(blob)
        progress.tell(.done(blob))
    }

    /// A packed layer that was here already may have been damaged since: it is then fetched once more.
    private func fetchAndExtract(
        _ blob: ImageDescriptor, expecting digest: Digest, _ progress: PullProgress,
        _ fetch: @escaping @Sendable (ImageDescriptor) async throws(CRIError) -> Void
    ) async throws(CRIError) -> (String, ExtractedLayer) {
        let wasHere = content.size(of: blob.digest) != nil
        try await fetch(blob)
        progress.tell(.unpacking(blob))
        do throws(CRIError) {
            return try await extract(blob.digest, expecting: digest)
        } catch {
            guard wasHere else { throw error }
            guard try await !keepsWhole(blob.digest) else { throw error }
            try await fetch(blob)
            return try await extract(blob.digest, expecting: digest)
        }
    }

    /// Whether a file of the content store is whole; one that is not goes. By turns with those who bring it: what goes is never what has just come.
    func keepsWhole(_ file: Digest) async throws(CRIError) -> Bool {
        try await inTurn(file, "check file") { [content] () throws(CRIError) in
            try attempt("image file \(file)") { () throws(KernelError) in try content.keepsWhole(file) }
        }
    }

    /// Puts a small file into the content store.
    func put(_ document: [UInt8], of object: String) async throws(CRIError) {
        try await inTurn(Digest(of: document), "write manifest") { [content] () throws(CRIError) in
            _ = try attempt(object) { () throws(KernelError) in try content.put(document) }
        }
    }

    /// Runs blocking work on one file of the content store, by turns with all others who do.
    func inTurn<Value: Sendable>(
        _ file: Digest, _ what: String, _ body: @escaping @Sendable () throws(CRIError) -> Value
    ) async throws(CRIError) -> Value {
        try await fileTurns.take(file) { [bulk] () async throws(CRIError) in try await bulk.perform(what, body) }
    }

    /// Unpacks a layer into a staged directory.
    func extract(_ blob: Digest, expecting digest: Digest) async throws(CRIError) -> (String, ExtractedLayer) {
        let staged = staging + "/" + (try Identifier.random())
        return try await bulk.perform("unpack layer") { [self] () throws(CRIError) in
            let object = "layer \(blob)"
            let trash = staged + ".replaced"
            do throws(CRIError) {
                let file = try attempt(object) { () throws(KernelError) in
                    try WholeFile.makeDirectories(staged, mode: 0o755)
                    try WholeFile.makeDirectories(trash, mode: 0o700)
                    return try content.open(blob)
                }
                let extracted = try LayerExtractor.extract(
                    file, object: object, into: staged, trash: trash, limits: limits)
                guard extracted.digest == digest else {
                    throw .invalid(
                        "\(object): unpacked it has digest \(extracted.digest), and the image says \(digest)")
                }
                try attempt(object) { () throws(KernelError) in try TreeRemoval.remove(trash) }
                return (staged, extracted)
            } catch {
                for path in [staged, trash] { try? TreeRemoval.remove(path) }
                throw error
            }
        }
    }

    /// Completes in their order the layers that need what lies beneath them.
    private func complete(_ prepared: [Prepared], of draft: ImageDraft) async throws(CRIError) -> [ImageLayer] {
        do throws(CRIError) {
            return try await completeInOrder(prepared, of: draft)
        } catch {
            await drop(prepared)
            throw error
        }
    }

    /// What a layer's members need of the layers beneath it.
    /// - Parameter lower: their trees, topmost first.
    func complete(
        _ directory: String, _ extracted: ExtractedLayer, above lower: [String], _ object: String
    ) async throws(CRIError) {
        try await bulk.perform("complete layer") { () throws(CRIError) in
            try attempt(object) { () throws(KernelError) in
                var completion = LayerCompletion(layer: directory, lower: lower)
                try completion.complete(extracted)
            }
        }
    }

    private func completeInOrder(_ prepared: [Prepared], of draft: ImageDraft) async throws(CRIError) -> [ImageLayer] {
        let chain = draft.file.chain
        var layers: [ImageLayer] = []
        for (index, layer) in prepared.enumerated() {
            switch layer {
            case .present(let layer): layers.append(layer)
            case .staged(let directory, let extracted):
                let lower = layers.reversed().map { tree($0.key) }
                try await complete(directory, extracted, above: lower, "layer \(draft.blobs[index].digest)")
                layers.append(try await publish(directory, key: chain[index], isDependent: true))
            }
        }
        return layers
    }

    /// Seals a staged tree and moves it to its place, unless a whole one is there. Durable on return; gone where it fails.
    func publish(_ directory: String, key: Digest, isDependent: Bool = false) async throws(CRIError) -> ImageLayer {
        let layer: ImageLayer
        do throws(CRIError) {
            layer = try await bulk.perform("publish layer") { [self] () throws(CRIError) in
                try attempt("layer \(key)") { () throws(KernelError) in
                    let seal = try TreeSeal.seal(directory)
                    try FileAttributes.syncFilesystem(
                        of: try Descriptor.open(directory, O_RDONLY | O_DIRECTORY), path: directory)
                    try settle(directory, at: key)
                    return ImageLayer(key: key, seal, isDependent: isDependent)
                }
            }
        } catch {
            await drop(directory)
            throw error
        }
        return state.withLock { state in
            state.damaged.remove(key)
            state.unverified.remove(key)
            state.loose[key] = layer
            return layer
        }
    }

    /// Renames a synced tree to its name. A damaged one gives way; containers that run on it keep it.
    func settle(_ directory: String, at key: Digest) throws(KernelError) {
        let target = tree(key)
        if access(target, F_OK) == 0 {
            guard state.withLock({ $0.damaged.contains(key) }) else { return try TreeRemoval.remove(directory) }
            let users = users(ofLayer: key)
            if users.isEmpty {
                guard rename(target, directory + ".damaged") == 0 else { throw KernelError("rename", target) }
            } else {
                try retire(target, of: users)
            }
        }
        guard rename(directory, target) == 0 else { throw KernelError("rename", target) }
        try WholeFile.syncDirectory(of: target)
        try TreeRemoval.remove(directory + ".damaged")
    }
}

extension ImageReference {
    /// The name with its tag alone.
    var withoutDigest: String { name + (tag.map { ":" + $0 } ?? "") }
}
