import CFiles
import Glibc

/// What a directory tree takes up on its filesystem, as du(1) counts it: blocks, and a file with several names once. What is mounted in the tree
/// is left out; links are not followed.
package struct TreeUsage: Sendable, Hashable {
    package var bytes: UInt64 = 0
    package var inodes: UInt64 = 0
    /// False where something was left out: a part that could not be read, or what lies beyond the bounds of `measure`.
    package var isComplete = true

    package init() {}

    package init(bytes: UInt64, inodes: UInt64) {
        self.bytes = bytes
        self.inodes = inodes
    }

    /// Walks the tree. Nothing where `path` is not there. Safe in a tree that others change meanwhile: nothing outside of it is looked at.
    ///
    /// Bounds: a million entries, 100,000 directories that wait to be read, 4,000 bytes of a path beneath the top.
    package static func measure(_ path: String, entries limit: Int = 1_000_000) throws(KernelError) -> TreeUsage {
        do throws(KernelError) {
            var walk = try TreeWalk(OpenDirectory(path), limit: limit)
            return try walk.run()
        } catch  where error.code == ENOENT {
            return TreeUsage()
        }
    }

    package static func + (left: TreeUsage, right: TreeUsage) -> TreeUsage {
        var sum = TreeUsage(bytes: left.bytes &+ right.bytes, inodes: left.inodes &+ right.inodes)
        sum.isComplete = left.isComplete && right.isComplete
        return sum
    }
}

/// One walk through a tree. Paths are bytes: names need not be UTF-8.
private struct TreeWalk: ~Copyable {
    private static let waitingLimit = 100_000
    private static let pathLimit = 4_000

    private let top: OpenDirectory
    private let device: dev_t
    private var rest: Int
    /// Directories to be read, by their paths beneath the top.
    private var waiting: [FilePath] = ["."]
    /// Files with several names that have been counted.
    private var shared: Set<UInt64> = []
    private var usage = TreeUsage()

    init(_ top: consuming OpenDirectory, limit: Int) throws(KernelError) {
        let status = try top.status(of: ".")
        device = status.st_dev
        self.top = top
        rest = limit
        add(status)
    }

    mutating func run() throws(KernelError) -> TreeUsage {
        while let path = waiting.popLast(), rest > 0 { read(path) }
        if rest <= 0 { usage.isComplete = false }
        return usage
    }

    /// A directory that is gone by now counts for nothing.
    private mutating func read(_ path: FilePath) {
        let raw = cf_open_in_root(top.descriptor.raw, path.cString, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
        guard raw >= 0, let stream = fdopendir(raw) else {
            if raw >= 0 { close(raw) }
            if -raw != ENOENT, -raw != ENOTDIR, -raw != ELOOP { usage.isComplete = false }
            return
        }
        defer { closedir(stream) }
        while rest > 0, let entry = readdir(stream) {
            let name = FilePath(of: entry)
            if !name.isDots { visit(name, in: path, dirfd(stream)) }
        }
    }

    private mutating func visit(_ name: FilePath, in path: FilePath, _ directory: Int32) {
        rest -= 1
        var status = stat()
        guard fstatat(directory, name.cString, &status, AT_SYMLINK_NOFOLLOW) == 0, status.st_dev == device else {
            return
        }
        let isDirectory = status.st_mode & S_IFMT == S_IFDIR
        if !isDirectory, status.st_nlink > 1, !shared.insert(UInt64(status.st_ino)).inserted { return }
        add(status)
        guard isDirectory else { return }
        let child = path / name
        guard child.count <= Self.pathLimit, waiting.count < Self.waitingLimit else {
            usage.isComplete = false
            return
        }
        waiting.append(child)
    }

    private mutating func add(_ status: stat) {
        usage.bytes &+= UInt64(clamping: status.st_blocks) &* 512
        usage.inodes &+= 1
    }
}
