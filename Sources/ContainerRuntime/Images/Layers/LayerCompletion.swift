import Glibc
import Linux

/// Completes a layer by what lies beneath it: the owners and modes of directories that its archive does not hold itself, the files that its hard links
/// name, and the places of members whose directory is a link down there. A layer that needs this belongs to its stack alone. Blocks.
struct LayerCompletion {
    private let layer: String
    private let lower: LayerStack
    /// What was moved from where to where, in this order.
    private var moves: [(from: [FilePath], to: [FilePath])] = []
    /// The first link to each file, which the others are linked to.
    private var copies: [LayerPath: [FilePath]] = [:]

    /// - Parameter lower: the trees beneath, topmost first.
    init(layer: String, lower: [String]) {
        self.layer = layer
        self.lower = LayerStack(layers: lower)
    }

    mutating func complete(_ extracted: ExtractedLayer) throws(KernelError) {
        let root = try OpenDirectory(layer)
        for path in extracted.implied { try place(moved(path.namedComponents), in: root) }
        for link in extracted.links { try copy(link, into: root) }
    }

    /// Where a path of the archive lies by now.
    private func moved(_ path: [FilePath]) -> [FilePath] {
        moves.reduce(path) { path, move in
            path.starts(with: move.from) ? move.to + path.dropFirst(move.from.count) : path
        }
    }

    /// A directory that members lie in and the archive does not hold: as it is beneath, or where the link leads that is there.
    private mutating func place(_ path: [FilePath], in root: borrowing OpenDirectory) throws(KernelError) {
        // Replaced by a later member.
        guard let own = try? root.directoryInRoot(FilePath(path)), try !isHidden(path, in: root) else { return }
        guard let found = try lower.look(path) else { return }
        if found.type == S_IFDIR { return try describe(own.descriptor, as: found, path) }
        guard found.type == S_IFLNK, let target = try lower.resolve(FilePath(path)),
            target.isEmpty || !target.starts(with: path), try lower.look(target)?.type == S_IFDIR
        else { return }
        guard try open(target, in: root) else { return }
        try merge(path, into: target, in: root)
        moves.append((path, target))
    }

    /// Whether a directory above hides what is beneath.
    private func isHidden(_ path: [FilePath], in root: borrowing OpenDirectory) throws(KernelError) -> Bool {
        for count in path.indices.dropFirst() {
            if try OverlayMark.isOpaque(try root.directoryInRoot(FilePath(path[..<count]))) { return true }
        }
        return false
    }

    /// Makes a directory and those above it in the layer, as they are beneath.
    /// - Returns: false where the layer has something else there.
    private func open(_ path: [FilePath], in root: borrowing OpenDirectory) throws(KernelError) -> Bool {
        for count in path.indices.map({ $0 + 1 }) {
            let holder = try root.directoryInRoot(FilePath(path[..<(count - 1)]))
            let name = path[count - 1]
            if mkdirat(holder.descriptor.raw, name.cString, 0o755) == 0 {
                guard let found = try lower.look(Array(path[..<count])), found.type == S_IFDIR else { continue }
                try describe(try holder.directory(name).descriptor, as: found, Array(path[..<count]))
            } else {
                guard errno == EEXIST else { throw holder.failure("mkdir", name) }
                guard try holder.status(of: name).st_mode & S_IFMT == S_IFDIR else { return false }
            }
        }
        return true
    }

    /// Moves all that a directory holds into another. Of two members for one place, that under its real name stays.
    private func merge(_ from: [FilePath], into to: [FilePath], in root: borrowing OpenDirectory) throws(KernelError) {
        let source = try root.directoryInRoot(FilePath(from))
        let target = try root.directoryInRoot(FilePath(to))
        // By a link of the layer's own they may be one and the same.
        guard try !Self.areSame(source, target) else { return }
        if try OverlayMark.isOpaque(source) {
            try FileAttributes.set(target.descriptor, OverlayMark.opaque, [UInt8(ascii: "y")], path: target.path)
        }
        for name in try source.fileNames().sorted() {
            guard let there = try? target.status(of: name) else {
                guard renameat(source.descriptor.raw, name.cString, target.descriptor.raw, name.cString) == 0 else {
                    throw source.failure("move", name)
                }
                continue
            }
            let here = try source.status(of: name)
            if here.st_mode & S_IFMT == S_IFDIR, there.st_mode & S_IFMT == S_IFDIR {
                try merge(from + [name], into: to + [name], in: root)
            }
        }
        // Found in the layer: on the way there may be a link by now, which by its name would lead out of it.
        let holder = try root.directoryInRoot(FilePath(from.dropLast()))
        if let name = from.last { try TreeRemoval.remove(name, in: holder) }
    }

    private static func areSame(
        _ one: borrowing OpenDirectory, _ other: borrowing OpenDirectory
    ) throws(KernelError) -> Bool {
        let (one, other) = (try one.status(of: "."), try other.status(of: "."))
        return (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)
    }

    /// Gives a directory the attributes that it has beneath.
    private func describe(
        _ own: borrowing Descriptor, as found: LayerStack.Found, _ path: [FilePath]
    ) throws(KernelError) {
        let source = try lower.holder(path, in: found.layer)
        try TreeAttributes.copy(source.descriptor, found.status, to: own, path: FilePath(path))
    }

    /// A hard link to a file of a layer beneath: across layers it is a copy, which all links of the layer to that file share.
    private mutating func copy(_ link: ExtractedLayer.Link, into root: borrowing OpenDirectory) throws(KernelError) {
        let text = link.target.whole
        let parent = moved(link.path.parent.namedComponents)
        if let copy = copies[link.target] {
            let holder = try root.directoryInRoot(FilePath(copy.dropLast()))
            let place = try root.directoryInRoot(FilePath(parent))
            guard let name = copy.last,
                linkat(holder.descriptor.raw, name.cString, place.descriptor.raw, link.path.name.cString, 0) == 0
            else { throw place.failure("link \(text) to", link.path.name) }
            return
        }
        copies[link.target] = parent + [link.path.name]
        guard let directory = try lower.resolve(link.target.parent),
            let found = try lower.look(directory + [link.target.name])
        else { throw KernelError("link to", text, ENOENT) }
        let place = try root.directoryInRoot(FilePath(parent))
        let source = try lower.holder(directory, in: found.layer)
        if found.type == S_IFLNK {
            let target = try source.linkTarget(of: link.target.name)
            guard symlinkat(target.cString, place.descriptor.raw, link.path.name.cString) == 0,
                fchownat(
                    place.descriptor.raw, link.path.name.cString, found.status.st_uid, found.status.st_gid,
                    AT_SYMLINK_NOFOLLOW) == 0
            else { throw place.failure("make link", link.path.name) }
            return
        }
        guard found.type == S_IFREG else { throw KernelError("link to", text, EINVAL) }
        let file = try source.open(link.target.name, O_RDONLY | O_NONBLOCK)
        let target = try place.open(link.path.name, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
        if !FileAttributes.shareBytes(of: file, with: target) {
            try WholeFile.copy(from: file, to: target, path: text.description)
        }
        try TreeAttributes.copy(file, found.status, to: target, path: link.path.whole)
    }
}
