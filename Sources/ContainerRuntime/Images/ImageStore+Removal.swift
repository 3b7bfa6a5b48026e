import CRI
import Linux
import OCI

extension ImageStore {
    package func removeImage(_ image: String) async throws(CRIError) {
        try await removeImage(image, isForced: false)
    }

    /// Takes a name away, and the image with its last name; an id takes the image away whole. Nothing where it is not there.
    /// - Parameter isForced: Also where containers use it, which keep running and cannot be started again, and where it is pinned.
    package func removeImage(_ image: String, isForced: Bool) async throws(CRIError) {
        try await changes.take { [self] () async throws(CRIError) in
            try await threads.perform("remove image") { [self] () throws(CRIError) in
                try remove(image, isForced: isForced)
            }
        }
        // It is gone whatever becomes of its files.
        await clearRemovedOrSay()
    }

    private func remove(_ image: String, isForced: Bool) throws(CRIError) {
        var index = state.withLock { $0.index }
        guard let record = index.find(image) else { return }
        if let reference = try? ImageReference(image), record.names.count + record.repositories.count > 1,
            record.names.contains(reference.description) || record.repositories.contains(reference.name)
        {
            index.removeName(reference)
            return try write(index)
        }
        guard !record.isPinned || isForced else {
            throw .invalid("image \(image) is pinned; unpin it first (swiftlet images unpin \(image)), or give --force")
        }
        let inUse = state.withLock { state in
            let inUse = state.users[record.id]?.count ?? 0
            if inUse == 0 || isForced { state.leaving.insert(record.id) }
            return inUse
        }
        guard inUse == 0 || isForced else {
            throw .invalid(
                "image \(image) is used by \(inUse) container\(inUse == 1 ? "" : "s"); remove them first, or give --force"
            )
        }
        try erase([record], from: &index)
    }

    /// Removes images that are leaving, with all that only they have. The changes' turn is held.
    private func erase(_ records: [ImageRecord], from index: inout ImageIndex) throws(CRIError) {
        defer { state.withLock { $0.leaving.subtract(records.map(\.id)) } }
        for record in records { index.remove(record.id) }
        // The index first: after a crash in between, trees and files are known to be nobody's.
        try write(index)
        let held = state.withLock { state in
            for record in records {
                for layer in record.layers {
                    if state.users[record.id] != nil { state.mounted[layer.key, default: []].insert(record.id) }
                    if !index.uses(tree: layer.key) { state.loose[layer.key] = layer }
                }
            }
            return state.held
        }
        let trees = Set(records.flatMap(\.layers).map(\.key)).filter { !index.uses(tree: $0) && held[$0] == nil }
        let files = Set(records.flatMap(\.files)).subtracting(index.files).filter { held[$0] == nil }
        try attempt("image store") { () throws(KernelError) in
            try dropRetired()
            try drop(trees)
            try files.forEachGoingOn { file throws(KernelError) in
                try content.removed.take(content.path(of: file))
            }
        }
    }

    /// Takes trees that no image has out of their place. One that stays there is still known to be nobody's.
    private func drop(_ trees: some Sequence<Digest>) throws(KernelError) {
        try trees.forEachGoingOn { key throws(KernelError) in
            try retire(tree(key), of: users(ofLayer: key))
            state.withLock { state in
                state.loose[key] = nil
                state.mounted[key] = nil
                state.unverified.remove(key)
                state.damaged.remove(key)
            }
        }
    }

    /// Removes the images that nothing uses and that are not pinned, those without a name alone unless `all`, and what was left of broken downloads.
    /// - Returns: what was removed, and the bytes that the filesystem got back: none where what was removed could not be taken apart.
    package func prune(all: Bool) async throws(CRIError) -> (images: [String], bytes: UInt64) {
        let before = try await imageFilesystem().usedBytes
        let removed = try await changes.take { [self] () async throws(CRIError) in
            try await threads.perform("prune images") { [self] () throws(CRIError) in
                var (index, victims) = state.withLock { state in
                    let victims = state.index.records.filter { record in
                        state.users[record.id] == nil && !record.isPinned
                            && (all || record.names.isEmpty && record.repositories.isEmpty)
                    }
                    state.leaving.formUnion(victims.map(\.id))
                    return (state.index, victims)
                }
                try erase(victims, from: &index)
                try dropLeftovers()
                return victims.map { $0.names.first ?? $0.id.description }
            }
        }
        guard await clearRemovedOrSay() else { return (removed, 0) }
        let after = try await imageFilesystem().usedBytes
        return (removed, before > after ? before - after : 0)
    }

    /// Removes the trees and files that no image has and none under way needs.
    package func removeLeftovers() async throws(CRIError) {
        try await changes.take { [self] () async throws(CRIError) in
            try await threads.perform("remove what pulls have left") { [self] () throws(CRIError) in
                try dropLeftovers()
            }
        }
        try await clearRemoved()
    }

    /// Takes apart what was removed, beside all else: no turn but its own is held, and no thread that others wait for.
    func clearRemoved() async throws(CRIError) {
        try await clearing.take { [removed = content.removed] () async throws(CRIError) in
            do throws(KernelError) {
                try await BlockingThreads.alone("remove images") { () throws(KernelError) in try removed.clear() }
            } catch {
                throw .failed("image store: \(error)")
            }
        }
    }

    /// Says why it could not, where it could not: it is tried again with the next removal.
    @discardableResult
    func clearRemovedOrSay() async -> Bool {
        do throws(CRIError) {
            try await clearRemoved()
            return true
        } catch {
            logger.warning("removed images still take room", metadata: ["cause": "\(error)"])
            return false
        }
    }

    private func dropLeftovers() throws(CRIError) {
        let (left, files, held) = state.withLock { state in
            let left = state.loose.keys.filter { state.held[$0] == nil && !state.index.uses(tree: $0) }
            return (left, state.index.files, state.held)
        }
        try attempt("image store") { () throws(KernelError) in
            try drop(left)
            try content.sweep(before: .max) { files.contains($0) || held[$0] != nil }
        }
    }

    /// Gives an image one more name.
    package func tag(_ image: String, as name: String) async throws(CRIError) {
        let reference = try Self.reference(name)
        guard reference.digest == nil else {
            throw .invalid("\(name): a tag is given, and a digest follows from the content")
        }
        try await change { (index: inout ImageIndex) throws(CRIError) in
            guard var record = index.find(image) else { throw Self.missing(image) }
            record.names = Set(record.names + [reference.description]).sorted()
            _ = index.add(record)
        }
    }

    /// Keeps an image from being collected, or lets it go again.
    package func pin(_ image: String, _ isPinned: Bool) async throws(CRIError) {
        try await change { (index: inout ImageIndex) throws(CRIError) in
            guard let record = index.find(image) else { throw Self.missing(image) }
            index.change(record.id) { $0.isPinned = isPinned }
        }
    }

    static func missing(_ image: String) -> CRIError {
        .imageNotFound(
            "image \(image) is not on this node; get it with: swiftlet pull \(image), "
                + "or from files with: swiftlet images add \(image) PATH")
    }
}
