import Glibc
import Linux

/// Completes a layer by what lies beneath it: the owners and modes of directories that its archive does not hold itself, and the files that its hard
/// links name. A layer that needs this belongs to its stack alone. Blocks.
struct LayerCompletion {
    let layer: String
    /// The trees beneath, topmost first.
    let lower: [String]

    func complete(_ extracted: ExtractedLayer) throws(KernelError) {
        let root = try OpenDirectory(layer)
        for path in extracted.implied { try describe(path, in: root) }
        for link in extracted.links { try copy(link, into: root) }
    }

    /// The attributes that the directory has in the topmost layer that holds it; a directory that none has keeps its own.
    private func describe(_ path: String, in root: borrowing OpenDirectory) throws(KernelError) {
        guard let slash = LayerPath.target(path) else { return }
        // Replaced by a later member.
        guard let own = try? root.directoryInRoot(path) else { return }
        for tree in lower {
            let holder = try OpenDirectory(tree)
            guard let parent = try? holder.directoryInRoot(slash.parent),
                let status = try? parent.status(of: slash.name)
            else { continue }
            guard status.st_mode & S_IFMT == S_IFDIR else { return }
            return try take(status, of: try parent.directory(slash.name).descriptor, to: own.descriptor, path)
        }
    }

    private func take(
        _ status: stat, of source: borrowing Descriptor, to target: borrowing Descriptor, _ path: String
    ) throws(KernelError) {
        guard fchown(target.raw, status.st_uid, status.st_gid) == 0 else { throw KernelError("chown", path) }
        for (name, value) in try FileAttributes.all(source, path: path) where TreeAttributes.isKept(name) {
            try FileAttributes.set(target, name, value, path: path)
        }
        guard fchmod(target.raw, status.st_mode & 0o7777) == 0 else { throw KernelError("chmod", path) }
        let times = [status.st_atim, status.st_mtim]
        guard futimens(target.raw, times) == 0 else { throw KernelError("set times of", path) }
    }

    private func copy(_ link: ExtractedLayer.Link, into root: borrowing OpenDirectory) throws(KernelError) {
        let place = try root.directoryInRoot(link.path.parent)
        for tree in lower {
            let holder = try OpenDirectory(tree)
            guard let parent = try? holder.directoryInRoot(link.target.parent),
                let status = try? parent.status(of: link.target.name), !OverlayMark.isWhiteout(status)
            else { continue }
            guard status.st_mode & S_IFMT == S_IFREG else {
                throw KernelError("link to", link.target.description, EINVAL)
            }
            let source = try parent.open(link.target.name, O_RDONLY | O_NONBLOCK)
            let target = try place.open(link.path.name, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
            if !FileAttributes.shareBytes(of: source, with: target) {
                try WholeFile.copy(from: source, to: target, path: link.target.description)
            }
            return try take(status, of: source, to: target, link.path.description)
        }
        throw KernelError("link to", link.target.description, ENOENT)
    }
}
