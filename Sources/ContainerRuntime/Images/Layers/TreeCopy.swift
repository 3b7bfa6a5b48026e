import Glibc
import Linux

/// Copies a directory tree, but for sockets and for what is mounted into it. Blocks; leaves a part on failure.
struct TreeCopy {
    /// Nested deeper than this a tree is refused, ELOOP.
    private static let depthLimit = 256
    /// More entries than this are refused, E2BIG.
    private static let entryLimit = 4_000_000

    private var entries: UInt64 = 0
    private var firstNames: [FileIdentity: FilePath] = [:]
    private let device: dev_t

    /// Copies all of `source` into the existing, empty directory `target`.
    static func copy(_ source: String, to target: String) throws(KernelError) {
        let from = try OpenDirectory(source)
        let to = try OpenDirectory(target)
        let status = try from.status()
        var copy = TreeCopy(device: status.st_dev)
        try copy.copyDirectory(from, to, status, path: ".", depth: 0)
    }

    private init(device: dev_t) {
        self.device = device
    }

    private mutating func copyDirectory(
        _ from: borrowing OpenDirectory, _ to: borrowing OpenDirectory, _ status: stat, path: FilePath, depth: Int
    ) throws(KernelError) {
        guard depth <= Self.depthLimit else { throw KernelError("copy", from.path, ELOOP) }
        if status.st_dev == device {
            for child in try from.fileNames().sorted() {
                try copyEntry(child, from, to, path: path / child, depth: depth)
            }
        }
        // Last: writing into it has changed its times, and its mode may forbid writing.
        try TreeAttributes.copy(from.descriptor, status, to: to.descriptor, path: to.path)
    }

    private mutating func copyEntry(
        _ name: FilePath, _ from: borrowing OpenDirectory, _ to: borrowing OpenDirectory, path: FilePath, depth: Int
    ) throws(KernelError) {
        entries += 1
        guard entries <= Self.entryLimit else { throw KernelError("copy", from.path, E2BIG) }
        let status = try from.status(of: name)
        switch status.st_mode & S_IFMT {
        case S_IFDIR:
            try to.makeDirectory(name, mode: 0o700)
            try copyDirectory(try from.directory(name), try to.directory(name), status, path: path, depth: depth + 1)
        case S_IFREG: try copyFile(name, from, to, status, path: path)
        case S_IFLNK: try copyLink(name, from, to, status)
        case S_IFCHR, S_IFBLK, S_IFIFO: try copyNode(name, to, status)
        default: break
        }
    }

    private mutating func copyFile(
        _ name: FilePath, _ from: borrowing OpenDirectory, _ to: borrowing OpenDirectory, _ status: stat, path: FilePath
    ) throws(KernelError) {
        let identity = FileIdentity(status)
        if status.st_nlink > 1, let first = firstNames[identity] { return try link(first, to: path, in: to, name) }
        if status.st_nlink > 1 { firstNames[identity] = path }
        let source = try from.open(name, O_RDONLY | O_NONBLOCK)
        let target = try to.open(name, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
        if !FileAttributes.shareBytes(of: source, with: target) {
            try WholeFile.copy(from: source, to: target, path: path.description)
        }
        try TreeAttributes.copy(source, status, to: target, path: path)
    }

    /// A second name of a file in the copy. `first` is its path from the top of the tree.
    private func link(
        _ first: FilePath, to path: FilePath, in directory: borrowing OpenDirectory, _ name: FilePath
    ) throws(KernelError) {
        let up = [FilePath](repeating: "..", count: path.namedComponents.count - 1)
        let source = FilePath(up + first.namedComponents)
        let raw = directory.descriptor.raw
        guard linkat(raw, source.cString, raw, name.cString, 0) == 0 else {
            throw directory.failure("link", name)
        }
    }

    private func copyLink(
        _ name: FilePath, _ from: borrowing OpenDirectory, _ to: borrowing OpenDirectory, _ status: stat
    ) throws(KernelError) {
        let target = try from.linkTarget(of: name)
        guard symlinkat(target.cString, to.descriptor.raw, name.cString) == 0 else {
            throw to.failure("make link", name)
        }
        guard fchownat(to.descriptor.raw, name.cString, status.st_uid, status.st_gid, AT_SYMLINK_NOFOLLOW) == 0 else {
            throw to.failure("chown", name)
        }
        try setTimes(name, to, status)
    }

    private func copyNode(
        _ name: FilePath, _ to: borrowing OpenDirectory, _ status: stat
    ) throws(KernelError) {
        guard mknodat(to.descriptor.raw, name.cString, status.st_mode, status.st_rdev) == 0 else {
            throw to.failure("make node", name)
        }
        guard fchownat(to.descriptor.raw, name.cString, status.st_uid, status.st_gid, AT_SYMLINK_NOFOLLOW) == 0,
            fchmodat(to.descriptor.raw, name.cString, status.st_mode & 0o7777, 0) == 0
        else { throw to.failure("chown", name) }
        try setTimes(name, to, status)
    }

    /// Of what cannot be opened.
    private func setTimes(
        _ name: FilePath, _ to: borrowing OpenDirectory, _ status: stat
    ) throws(KernelError) {
        let times = [status.st_atim, status.st_mtim]
        guard utimensat(to.descriptor.raw, name.cString, times, AT_SYMLINK_NOFOLLOW) == 0 else {
            throw to.failure("set times of", name)
        }
    }
}
