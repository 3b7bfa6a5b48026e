import CRI
import Linux
import OCI

extension ImageStore.State {
    /// The layers to look at, the lowest first: others may be completed by them.
    fileprivate var uncertain: [Digest] {
        let places = index.records.flatMap { $0.layers.enumerated().map { ($0.element.key, $0.offset) } }
        let depths = Dictionary(places, uniquingKeysWith: min)
        return unverified.union(damaged).sorted { (depths[$0] ?? 0, $0.hex) < (depths[$1] ?? 0, $1.hex) }
    }
}

extension ImageStore {
    private var verifiedFile: String { paths.images + "/verified" }

    private static var boot: [UInt8] { (try? WholeFile.readPseudo("/proc/sys/kernel/random/boot_id")) ?? [] }

    /// Whether everything was checked since the machine started: only a power cut or a crash of the kernel loses what was synced wrongly. Blocks.
    var isVerifiedSinceBoot: Bool {
        let boot = Self.boot
        return !boot.isEmpty && (try? WholeFile.read(verifiedFile)) == boot
    }

    /// Checks the layers that were not since the machine started, and heals those that it can. To be run beside everything else; `ready` does not wait for it.
    package func verify() async throws(CRIError) {
        try await bulk.perform("retire layers") { [self] () throws(CRIError) in
            try attempt("image store") { () throws(KernelError) in try dropRetired() }
        }
        await clearRemovedOrSay()
        for key in state.withLock({ $0.uncertain }) { try await check(key) }
        // What is damaged has to be found by the next daemon too.
        if state.withLock({ $0.damaged.isEmpty }) { try await note(Self.boot) }
    }

    /// - Parameter boot: in which all layers were found whole; empty: in none.
    private func note(_ boot: [UInt8]) async throws(CRIError) {
        try await threads.perform("note verification") { [self] () throws(CRIError) in
            try attempt("image store") { () throws(KernelError) in
                try WholeFile.replace(verifiedFile, with: boot, durable: false)
            }
        }
    }

    /// Checks every layer now.
    /// - Returns: the images that have a layer which cannot be healed from what is on this disk.
    package func verifyAll() async throws(CRIError) -> [String] {
        try await note([])
        state.withLock { $0.unverified = Set($0.index.layers.keys) }
        try await verify()
        return damaged
    }

    /// The images that have a damaged layer.
    package var damaged: [String] {
        state.withLock { state in
            state.index.records.filter { state.isDamaged($0) }.map { $0.names.first ?? $0.id.description }
        }
    }

    /// Checks the layers of one image that were not since the machine started. A container waits for this, once in the life of a machine's boot.
    func ready(_ image: String) async throws(CRIError) {
        let keys = state.withLock { state -> [Digest] in
            guard !state.unverified.isEmpty || !state.damaged.isEmpty else { return [] }
            let layers = state.index.find(image)?.layers.map(\.key) ?? []
            return layers.filter { state.unverified.contains($0) || state.damaged.contains($0) }
        }
        for key in keys { try await check(key) }
    }

    /// Compares a layer with its seal; one that differs is unpacked again from the file that it came as, where that is whole.
    private func check(_ key: Digest) async throws(CRIError) {
        try await layerTurns.take(key) { [self] () async throws(CRIError) in
            let (layer, isDamaged) = state.withLock { state in
                let isKnown = state.unverified.contains(key) || state.damaged.contains(key)
                return (isKnown ? state.index.layers[key] : nil, state.damaged.contains(key))
            }
            guard let layer else { return }
            let directory = tree(key)
            let found = try await bulk.perform("check layer") { () throws(CRIError) in
                isDamaged ? nil : Self.reading(of: directory, sealed: layer.seal)
            }
            state.withLock { state in
                state.unverified.remove(key)
                if found == nil { state.damaged.insert(key) }
            }
            guard let found else {
                try? await heal(key)
                return
            }
            guard found.digest != layer.seal else { return }
            let sealed = ImageLayer(key: key, found, isDependent: layer.isDependent)
            // A disk that takes nothing leaves the old seal, by which the next look finds it whole again.
            try? await change { (index: inout ImageIndex) throws(CRIError) in index.replace(sealed) }
        }
    }

    /// What a tree holds, where its seal says the same: as seals are made now, or as earlier versions made them. Nil where it does not.
    private static func reading(of directory: String, sealed seal: Digest) -> TreeSeal.Result? {
        guard let found = try? TreeSeal.seal(directory) else { return nil }
        if found.digest == seal { return found }
        return (try? TreeSeal.seal(directory, order: .text))?.digest == seal ? found : nil
    }

    /// Makes a damaged layer anew from the packed file that an image of this node has of it; where it is not whole either, the file goes and a pull fetches it again.
    private func heal(_ key: Digest) async throws(CRIError) {
        let places = state.withLock { state in
            state.index.records.flatMap { record in
                zip(record.layers, record.blobs).enumerated().filter { $0.element.0.key == key }
                    .map { (record, $0.offset, $0.element.1.digest) }
            }
        }
        guard let (record, index, blob) = places.first else { return }
        try await hold([key, blob])
        defer { letGo([key, blob]) }
        guard try await keepsWhole(blob) else { return }
        let file = try await bulk.perform("read configuration") { [self] () throws(CRIError) in
            try ImageArchive.read(
                try content.read(record.id, limit: ImageArchive.fileLimit), "image \(record.id)"
            ) { (value, file) throws(OCIError) in try ImageFile(value, file: file) }
        }
        guard index < file.layers.count else { return }
        let (directory, extracted) = try await extract(blob, expecting: file.layers[index])
        let layer = record.layers[index]
        if layer.isDependent && index > 0 {
            let lower = record.layers[..<index].reversed().map { tree($0.key) }
            try await complete(directory, extracted, above: lower, "layer \(key)")
        }
        let healed = try await publish(directory, key: key, isDependent: layer.isDependent)
        let isWhole = state.withLock { state in
            if state.index.uses(tree: key) { state.loose[key] = nil }
            let lower = layer.isDependent ? record.layers[..<index].map(\.key) : []
            let isWhole = healed.seal == layer.seal || state.damaged.union(state.unverified).isDisjoint(with: lower)
            if !isWhole { state.damaged.insert(key) }
            return isWhole
        }
        guard isWhole, healed.seal != layer.seal else { return }
        // The archive is the one that the image names, and what lies beneath is whole: an earlier version made the seal in another way.
        try await change { (index: inout ImageIndex) throws(CRIError) in index.replace(healed) }
    }
}
