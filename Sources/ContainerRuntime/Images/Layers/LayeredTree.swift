import Glibc
import Linux

/// Reads files of an image as its stacked layers show them, without mounting them. Symbolic links are followed within a layer, never out of it. Blocks.
struct LayeredTree {
    /// Topmost first.
    let layers: [String]

    /// A regular file's bytes; nil where there is none, or one over 1 MiB.
    func read(_ path: String) throws(KernelError) -> [UInt8]? {
        let path = FilePath(path)
        let components = path.components
        for layer in layers {
            let root = try OpenDirectory(layer)
            switch try find(components, in: root) {
            case .found:
                guard let file = try? root.fileInRoot(path) else { return nil }
                return try? WholeFile.read(file, path: path.description)
            case .hidden: return nil
            case .absent: continue
            }
        }
        return nil
    }

    private enum Finding {
        case found
        /// Not here, and what lower layers have does not show.
        case hidden
        case absent
    }

    private func find(_ components: [FilePath], in root: borrowing OpenDirectory) throws(KernelError) -> Finding {
        var isOpaque = false
        var path: FilePath = "."
        for (index, name) in components.enumerated() {
            let directory = try root.directoryInRoot(path)
            if index > 0, try OverlayMark.isOpaque(directory) { isOpaque = true }
            guard let status = try? directory.status(of: name) else { return isOpaque ? .hidden : .absent }
            if OverlayMark.isWhiteout(status) { return .hidden }
            switch status.st_mode & S_IFMT {
            case S_IFDIR: path = path / name
            case S_IFLNK: return .found
            default: return index == components.count - 1 ? .found : .hidden
            }
        }
        return .hidden
    }
}
