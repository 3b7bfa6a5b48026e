import Glibc
import Linux

/// Layers as they show when they are stacked, without mounting them: what is hidden is hidden, and links lead through the whole stack and never out of it. Blocks.
struct LayerStack {
    private static let linkLimit = 40

    /// Topmost first.
    let layers: [String]

    /// One name of the stack, in the layer that it shows from.
    struct Found {
        var layer: String
        var status: stat

        var type: mode_t { status.st_mode & S_IFMT }
    }

    /// What shows at a path on which no directory is a link; nil where nothing does.
    func look(_ components: [FilePath]) throws(KernelError) -> Found? {
        for layer in layers {
            switch try look(components[...], in: try OpenDirectory(layer), isOpaque: false) {
            case .found(let status): return Found(layer: layer, status: status)
            case .hidden: return nil
            case .absent: continue
            }
        }
        return nil
    }

    private enum Finding {
        case found(stat)
        /// Not here, and what lower layers have does not show.
        case hidden
        case absent
    }

    private func look(
        _ components: ArraySlice<FilePath>, in directory: borrowing OpenDirectory, isOpaque: Bool
    ) throws(KernelError) -> Finding {
        guard let name = components.first else { return .found(try directory.status()) }
        guard let status = try? directory.status(of: name) else { return isOpaque ? .hidden : .absent }
        if OverlayMark.isWhiteout(status) { return .hidden }
        if components.count == 1 { return .found(status) }
        guard status.st_mode & S_IFMT == S_IFDIR else { return .hidden }
        let next = try directory.directory(name)
        let isHiding = try OverlayMark.isOpaque(next)
        return try look(components.dropFirst(), in: next, isOpaque: isOpaque || isHiding)
    }

    /// The path with every link on it followed; names that are not there stay as they are. Nil where links lead to each other without an
    /// end, or deeper than a layer may be.
    func resolve(_ path: FilePath) throws(KernelError) -> [FilePath]? {
        var pending = Array(path.namedComponents.reversed())
        var resolved: [FilePath] = []
        var links = 0
        while let name = pending.popLast() {
            if name == ".." {
                _ = resolved.popLast()
                continue
            }
            guard let found = try look(resolved + [name]), found.type == S_IFLNK else {
                resolved.append(name)
                continue
            }
            links += 1
            guard links <= Self.linkLimit else { return nil }
            let target = try holder(resolved, in: found.layer).linkTarget(of: name)
            if target.isAbsolute { resolved = [] }
            pending += target.namedComponents.reversed()
            guard resolved.count + pending.count <= LayerPath.depthLimit else { return nil }
        }
        return resolved
    }

    /// A regular file's bytes, whatever links lead to it; nil where there is none, or one over 1 MiB.
    func read(_ path: FilePath) throws(KernelError) -> [UInt8]? {
        guard let place = try resolve(path), let name = place.last, let found = try look(place), found.type == S_IFREG
        else { return nil }
        let file = try holder(Array(place.dropLast()), in: found.layer).fileInRoot(name)
        do throws(KernelError) {
            return try WholeFile.read(file, path: "\(found.layer)/\(FilePath(place))")
        } catch {
            guard error.code == EFBIG else { throw error }
            return nil
        }
    }

    /// The directory that a name was found in.
    func holder(_ components: [FilePath], in layer: String) throws(KernelError) -> OpenDirectory {
        try OpenDirectory(layer).directoryInRoot(FilePath(components))
    }
}
