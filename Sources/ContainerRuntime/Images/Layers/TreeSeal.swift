import Glibc
import Linux
import OCI

/// The digest of what a directory tree holds: types, modes, owners, attributes, links and bytes, but no times. Equal trees have equal
/// digests wherever they lie. Sockets, and what is mounted into the tree, are left out. Blocks.
struct TreeSeal {
    /// Nested deeper than this a tree is refused, ELOOP.
    private static let depthLimit = 256
    /// More entries than this are refused, E2BIG.
    private static let entryLimit = 4_000_000

    /// What was found.
    struct Result: Sendable, Hashable {
        var digest: Digest
        /// Bytes of the files.
        var size: UInt64
        var entries: UInt64
    }

    /// In which order a directory's names are read.
    enum Order: Sendable {
        case bytes
        /// That of versions which took names for text: it differs where a name is not in Unicode's normal form.
        case text
    }

    private let order: Order
    private var size: UInt64 = 0
    private var entries: UInt64 = 0
    private var hasher = DigestHasher()
    private var firstNames: [FileIdentity: FilePath] = [:]
    private var buffer = [UInt8](repeating: 0, count: 256 << 10)
    private let device: dev_t

    static func seal(_ path: String, order: Order = .bytes) throws(KernelError) -> Result {
        let top = try OpenDirectory(path)
        let status = try top.status()
        var seal = TreeSeal(device: status.st_dev, order: order)
        try seal.directory(top, status, path: "", depth: 0)
        return Result(digest: seal.hasher.finish(), size: seal.size, entries: seal.entries)
    }

    private init(device: dev_t, order: Order) {
        self.device = device
        self.order = order
    }

    private mutating func directory(
        _ directory: borrowing OpenDirectory, _ status: stat, path: FilePath, depth: Int
    ) throws(KernelError) {
        guard depth <= Self.depthLimit else { throw KernelError("read", directory.path, ELOOP) }
        note("d", status, path, "")
        try attributes(of: directory.descriptor, path: directory.path)
        guard status.st_dev == device else { return }
        for child in try names(in: directory) {
            // The top is nameless: what it holds begins with a slash.
            let path = depth == 0 ? FilePath(bytes: [UInt8(ascii: "/")] + child.bytes) : path / child
            try entry(child, in: directory, path: path, depth: depth)
        }
    }

    private func names(in directory: borrowing OpenDirectory) throws(KernelError) -> [FilePath] {
        let names = try directory.fileNames()
        return switch order {
        case .bytes: names.sorted()
        case .text: names.map { ($0, $0.description) }.sorted { $0.1 < $1.1 }.map(\.0)
        }
    }

    private mutating func entry(
        _ name: FilePath, in directory: borrowing OpenDirectory, path: FilePath, depth: Int
    ) throws(KernelError) {
        entries += 1
        guard entries <= Self.entryLimit else { throw KernelError("read", directory.path, E2BIG) }
        let status = try directory.status(of: name)
        switch status.st_mode & S_IFMT {
        case S_IFDIR: try self.directory(try directory.directory(name), status, path: path, depth: depth + 1)
        case S_IFREG: try file(name, in: directory, status, path: path)
        case S_IFLNK: note("l", status, path, try directory.linkTarget(of: name))
        case S_IFCHR, S_IFBLK, S_IFIFO: note("n", status, path, FilePath(String(status.st_rdev)))
        default: break
        }
    }

    private mutating func file(
        _ name: FilePath, in directory: borrowing OpenDirectory, _ status: stat, path: FilePath
    ) throws(KernelError) {
        if status.st_nlink > 1 {
            let identity = FileIdentity(status)
            if let first = firstNames[identity] {
                note("h", status, path, first)
                return
            }
            firstNames[identity] = path
        }
        let file = try directory.open(name, O_RDONLY | O_NONBLOCK)
        note("f", status, path, FilePath(try content(of: file, path: path).hex))
        try attributes(of: file, path: path)
    }

    private mutating func content(of file: borrowing Descriptor, path: FilePath) throws(KernelError) -> Digest {
        var hash = DigestHasher()
        while true {
            let count = read(file.raw, &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw KernelError("read", path) }
            if count == 0 { return hash.finish() }
            size += UInt64(count)
            buffer.withUnsafeBytes { hash.update(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
        }
    }

    private mutating func attributes(of file: borrowing Descriptor, path: some CustomStringConvertible)
        throws(KernelError)
    {
        for (name, value) in try FileAttributes.all(file, path: path)
        where TreeAttributes.isKept(name) || name == OverlayMark.opaque {
            hash("x ")
            name.withBytes { hasher.update($0) }
            hash(" \(value.count)\n")
            hasher.update(value)
        }
    }

    private mutating func note(_ kind: String, _ status: stat, _ path: FilePath, _ content: FilePath) {
        let mode = String(status.st_mode, radix: 8)
        hash("\(kind) \(mode) \(status.st_uid) \(status.st_gid) \(path.count):")
        path.withBytes { hasher.update($0) }
        hash(" \(content.count):")
        content.withBytes { hasher.update($0) }
        hash("\n")
    }

    private mutating func hash(_ text: String) {
        hasher.update(Array(text.utf8))
    }
}

/// Which inode a name leads to.
struct FileIdentity: Hashable {
    var device: dev_t
    var node: ino_t

    init(_ status: stat) {
        device = status.st_dev
        node = status.st_ino
    }
}

/// What files have besides their bytes.
enum TreeAttributes {
    /// Whether an extended attribute is a tree's own content. Overlay's and the security modules' marks belong to the place where a tree lies.
    static func isKept(_ name: FilePath) -> Bool {
        if name.starts(with: "user.overlay.") { return false }
        return name == "security.capability" || name.starts(with: "user.") || name.starts(with: "system.posix_acl")
    }

    /// Gives a file or directory the owner, attributes, mode and times of another, whose `status` is known.
    static func copy(
        _ source: borrowing Descriptor, _ status: stat, to target: borrowing Descriptor,
        path: some CustomStringConvertible
    ) throws(KernelError) {
        // The owner first: changing it takes away setuid bits and file capabilities.
        guard fchown(target.raw, status.st_uid, status.st_gid) == 0 else { throw KernelError("chown", path) }
        for (name, value) in try FileAttributes.all(source, path: path) where isKept(name) {
            try FileAttributes.set(target, name, value, path: path)
        }
        guard fchmod(target.raw, status.st_mode & 0o7777) == 0 else { throw KernelError("chmod", path) }
        let times = [status.st_atim, status.st_mtim]
        guard futimens(target.raw, times) == 0 else { throw KernelError("set times of", path) }
    }
}

/// How overlayfs writes down that a layer takes something away.
enum OverlayMark {
    /// On a directory: what lower layers hold beneath it is hidden. Without root the kernel's form for user namespaces is used.
    static let opaque: FilePath = geteuid() == 0 ? "trusted.overlay.opaque" : "user.overlay.opaque"

    /// A name that lower layers may have and that is gone.
    static func isWhiteout(_ status: stat) -> Bool {
        status.st_mode & S_IFMT == S_IFCHR && status.st_rdev == 0
    }

    static func isOpaque(_ directory: borrowing OpenDirectory) throws(KernelError) -> Bool {
        try FileAttributes.all(directory.descriptor, path: directory.path).contains { $0.0 == opaque }
    }
}
