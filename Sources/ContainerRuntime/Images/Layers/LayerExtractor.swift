import CRI
import Glibc
import Linux
import OCI

/// What a layer may cost. Beyond any of these it is refused.
struct LayerLimits: Sendable, Hashable {
    /// Bytes of the unpacked archive, holes included.
    var bytes: UInt64 = 64 << 30
    var entries: UInt64 = 2_000_000
    /// Bytes that stay free on the filesystem.
    var reserve: UInt64 = 256 << 20
}

/// What came out of a layer's archive.
struct ExtractedLayer: Sendable, Hashable {
    /// Of the unpacked archive.
    var digest: Digest
    /// Directories that members lie in and that the archive does not hold itself, parents first: their owner and mode are those of the layers beneath.
    var implied: [FilePath] = []
    /// Hard links to files that only layers beneath have.
    var links: [Link] = []

    struct Link: Sendable, Hashable {
        var path: LayerPath
        var target: LayerPath
    }
}

/// Unpacks one layer's archive into a directory, in the form that overlayfs mounts. The archive is hostile: every name is resolved by the kernel inside the
/// directory (openat2, RESOLVE_IN_ROOT), nothing that exists is written through, and what it may cost is bounded. Blocks; leaves a part on failure.
final class LayerExtractor {
    let root: OpenDirectory
    /// Takes what later members replace, until the end.
    let trash: OpenDirectory
    let object: String
    let limits: LayerLimits
    private var entries: UInt64 = 0
    private var replaced = 0
    var written: UInt64 = 0
    /// Of all files so far, holes included.
    var size: UInt64 = 0
    private var parent: (path: FilePath, directory: SharedDirectory)?
    /// Made here, and still names of nothing.
    var whiteouts: Set<LayerPath> = []
    /// Set last: writing into a directory changes its times.
    private var directoryTimes: [FilePath: timespec] = [:]
    private var implied: [FilePath] = []
    var isExplicit: Set<FilePath> = ["."]
    /// Nil where a later member has replaced the link.
    var links: [ExtractedLayer.Link?] = []
    /// Where in `links` each path is.
    var waiting: [LayerPath: Int] = [:]

    /// An open directory that is kept while members of it follow one another.
    final class SharedDirectory {
        let value: OpenDirectory
        init(_ value: consuming OpenDirectory) { self.value = value }
    }

    /// - Parameters:
    ///   - blob: the archive, packed with gzip, zstd or not at all.
    ///   - object: names the layer in messages.
    ///   - directory: empty; `trash` another beside it.
    static func extract(
        _ blob: consuming Descriptor, object: String, into directory: String, trash: String, limits: LayerLimits
    ) throws(CRIError) -> ExtractedLayer {
        let extractor = try attempt(object) { () throws(KernelError) in
            LayerExtractor(
                root: try OpenDirectory(directory), trash: try OpenDirectory(trash), object: object, limits: limits)
        }
        let hasher = SharedHasher()
        do throws(ArchiveError) {
            let source = try Decompression(blob, object: object, limit: limits.bytes) { hasher.value.update($0) }
            let reader = try TarReader(source, object: object)
            while let entry = try reader.next() {
                if let failure = try extractor.takeChecked(entry, reader) { throw failure }
            }
            // What follows the archive's end counts for its digest.
            try source.drain()
        } catch {
            throw extractor.refusal ?? .invalid(error.description)
        }
        try extractor.finishTimes()
        return ExtractedLayer(
            digest: hasher.value.finish(), implied: extractor.implied.filter { !extractor.isExplicit.contains($0) },
            links: extractor.links.compactMap(\.self))
    }

    private final class SharedHasher {
        var value = DigestHasher()
    }

    private init(
        root: consuming OpenDirectory, trash: consuming OpenDirectory, object: String, limits: LayerLimits
    ) {
        self.root = root
        self.trash = trash
        self.object = object
        self.limits = limits
    }

    /// Why a member was refused, where that ended the work.
    private var refusal: CRIError?

    private func takeChecked(_ entry: TarEntry, _ reader: TarReader) throws(ArchiveError) -> ArchiveError? {
        do throws(CRIError) {
            return try take(entry, reader)
        } catch {
            refusal = error
            throw ArchiveError(object, "a member was refused")
        }
    }

    private func take(_ entry: TarEntry, _ reader: TarReader) throws(CRIError) -> ArchiveError? {
        entries += 1
        guard entries <= limits.entries else {
            throw .invalid("\(object): it holds more than \(limits.entries) files, which is the limit")
        }
        guard let meaning = LayerPath.read(entry.path) else {
            throw refused(entry, "its path leads out of the layer, is too deep or names nothing")
        }
        var failure: ArchiveError?
        do throws(KernelError) {
            switch meaning {
            case .nothing: break
            case .top: if entry.kind == .directory { try describe(root, entry, path: ".") }
            case .opaque(let parent):
                try FileAttributes.set(
                    try directory(parent).value.descriptor, OverlayMark.opaque, [UInt8(ascii: "y")], path: parent)
            case .whiteout(let path): try hide(path)
            case .member(let path): failure = try make(entry, at: path, reader)
            }
        } catch  where [ENOSPC, EDQUOT].contains(error.code) {
            throw .failed("\(object): \(error); make room, as with: swiftlet images prune")
        } catch {
            throw refused(entry, error.description)
        }
        return failure
    }

    private func refused(_ entry: TarEntry, _ cause: String) -> CRIError {
        .invalid("\(object): member \"\(entry.path.description.prefix(200))\": \(cause)")
    }

    // MARK: - Directories

    /// The directory that members lie in, made where the archive has not.
    func directory(_ path: FilePath) throws(KernelError) -> SharedDirectory {
        if let parent, parent.path == path { return parent.directory }
        let found = SharedDirectory(try openOrMake(path))
        parent = (path, found)
        return found
    }

    private func openOrMake(_ path: FilePath) throws(KernelError) -> OpenDirectory {
        do throws(KernelError) {
            return try root.directoryInRoot(path)
        } catch  where [ENOENT, ENOTDIR].contains(error.code) {
            // A whiteout on the way gives place to a directory.
            return try make(path, links: 0)
        }
    }

    /// Makes what is missing of a path. A link of this layer may lead to a directory that only layers beneath have.
    private func make(_ path: FilePath, links: Int) throws(KernelError) -> OpenDirectory {
        guard links <= 40 else { throw KernelError("open", path, ELOOP) }
        var made: FilePath = "."
        for component in path.components {
            let place = LayerPath(parent: made, name: component)
            made = place.whole
            if (try? root.directoryInRoot(made)) != nil { continue }
            let holder = try root.directoryInRoot(place.parent)
            if let target = try? holder.linkTarget(of: component) {
                guard let beneath = LayerPath.join(target, to: place.parent) else {
                    throw KernelError("open", made, EINVAL)
                }
                _ = try make(beneath, links: links + 1)
            } else {
                try makeImplied(place, in: holder)
            }
        }
        return try root.directoryInRoot(path)
    }

    private func makeImplied(_ place: LayerPath, in holder: borrowing OpenDirectory) throws(KernelError) {
        if whiteouts.contains(place) { try clear(place, in: holder) }
        if mkdirat(holder.descriptor.raw, place.name.cString, 0o755) == 0 {
            if whiteouts.remove(place) != nil { try separate(place, in: holder) }
            dropLink(place)
            implied.append(place.whole)
        } else if errno != EEXIST {
            throw holder.failure("mkdir", place.name)
        }
    }

    /// What the layer hides beneath a directory of its own is not what this one is completed by.
    private func separate(_ path: LayerPath, in holder: borrowing OpenDirectory) throws(KernelError) {
        try markOpaque(path.name, in: holder)
        isExplicit.insert(path.whole)
    }

    func markOpaque(_ name: FilePath, in holder: borrowing OpenDirectory) throws(KernelError) {
        try FileAttributes.set(
            try holder.open(name, O_RDONLY | O_DIRECTORY), OverlayMark.opaque, [UInt8(ascii: "y")], path: name)
    }

    /// A name that the layers beneath may have and that shall be gone.
    private func hide(_ path: LayerPath) throws(KernelError) {
        // A link that waits for a file beneath is the layer's own member.
        if waiting[path] != nil { return }
        let holder = try directory(path.parent)
        if mknodat(holder.value.descriptor.raw, path.name.cString, S_IFCHR, 0) == 0 {
            whiteouts.insert(path)
            return
        }
        guard errno == EEXIST else { throw holder.value.failure("make whiteout", path.name) }
        // The layer's own member stays; of a directory only what lies beneath it in lower layers goes.
        let status = try holder.value.status(of: path.name)
        if status.st_mode & S_IFMT == S_IFDIR { try separate(path, in: holder.value) }
    }

    /// Takes away what has a member's name: it is moved aside, because it may be a whole tree.
    func clear(_ path: LayerPath, in holder: borrowing OpenDirectory) throws(KernelError) {
        if unlinkat(holder.descriptor.raw, path.name.cString, 0) == 0 || errno == ENOENT { return }
        guard errno == EISDIR || errno == EPERM else { throw holder.failure("replace", path.name) }
        replaced += 1
        guard renameat(holder.descriptor.raw, path.name.cString, trash.descriptor.raw, String(replaced)) == 0 else {
            throw holder.failure("replace", path.name)
        }
        parent = nil
    }

    /// A directory's owner, attributes and mode now, its times at the end.
    func describe(_ directory: borrowing OpenDirectory, _ entry: TarEntry, path: FilePath) throws(KernelError) {
        try entry.describe(directory.descriptor, path: path)
        directoryTimes[path] = entry.modified
    }

    private func finishTimes() throws(CRIError) {
        try attempt(object) { () throws(KernelError) in
            for (path, time) in directoryTimes {
                // Replaced meanwhile: gone, or a link.
                guard let directory = try? root.directoryInRoot(path) else { continue }
                let times = [time, time]
                guard futimens(directory.descriptor.raw, times) == 0 else {
                    throw directory.failure("set times of", "")
                }
            }
        }
    }
}
