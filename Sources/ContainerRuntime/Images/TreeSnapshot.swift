import Glibc
import Linux
import OCI

/// Copies a directory tree and computes the digest of what it holds: types, modes, owners, attributes, links and bytes, but no times. Equal
/// trees have equal digests wherever they lie. Sockets, and what is mounted into the tree, are left out. Blocks; leaves a part on failure.
struct TreeSnapshot {
    /// Nested deeper than this a tree is refused, ELOOP.
    private static let depthLimit = 256
    /// More entries than this are refused, E2BIG.
    private static let entryLimit = 4_000_000

    private(set) var size: UInt64 = 0
    private(set) var entries: UInt64 = 0
    private var hasher = DigestHasher()
    private var firstNames: [FileIdentity: String] = [:]
    private var buffer = [UInt8](repeating: 0, count: 256 << 10)
    private let device: dev_t

    private struct FileIdentity: Hashable {
        var device: dev_t
        var node: ino_t
    }

    /// Copies all of `source` into the existing, empty directory `target`.
    static func copy(
        _ source: String, to target: String
    ) throws(KernelError) -> (digest: Digest, size: UInt64, entries: UInt64) {
        let from = try OpenDirectory(source)
        let to = try OpenDirectory(target)
        var status = stat()
        guard fstat(from.descriptor.raw, &status) == 0 else { throw KernelError("stat", source) }
        var snapshot = TreeSnapshot(device: status.st_dev)
        try snapshot.copyDirectory(from, to, status, name: "", depth: 0)
        return (snapshot.hasher.finish(), snapshot.size, snapshot.entries)
    }

    private init(device: dev_t) {
        self.device = device
    }

    private mutating func copyDirectory(
        _ from: borrowing OpenDirectory, _ to: borrowing OpenDirectory, _ status: stat, name: String, depth: Int
    ) throws(KernelError) {
        guard depth <= Self.depthLimit else { throw KernelError("copy", from.path, ELOOP) }
        note("d", status, name, "")
        try copyAttributes(from.descriptor, to.descriptor, path: from.path)
        if status.st_dev == device {
            for child in try from.names() {
                let path = name + "/" + child
                try copyEntry(child, from, to, path: path, depth: depth)
            }
        }
        // Last: writing into it has changed its times, and its mode may forbid writing.
        try finish(to.descriptor, status, path: to.path)
    }

    private mutating func copyEntry(
        _ name: String, _ from: borrowing OpenDirectory, _ to: borrowing OpenDirectory, path: String, depth: Int
    ) throws(KernelError) {
        entries += 1
        guard entries <= Self.entryLimit else { throw KernelError("copy", from.path, E2BIG) }
        let status = try from.status(of: name)
        switch status.st_mode & S_IFMT {
        case S_IFDIR:
            try to.makeDirectory(name, mode: 0o700)
            try copyDirectory(try from.directory(name), try to.directory(name), status, name: path, depth: depth + 1)
        case S_IFREG: try copyFile(name, from, to, status, path: path)
        case S_IFLNK: try copyLink(name, from, to, status, path: path)
        case S_IFCHR, S_IFBLK, S_IFIFO: try copyNode(name, to, status, path: path)
        default: break
        }
    }

    private mutating func copyFile(
        _ name: String, _ from: borrowing OpenDirectory, _ to: borrowing OpenDirectory, _ status: stat, path: String
    ) throws(KernelError) {
        let identity = FileIdentity(device: status.st_dev, node: status.st_ino)
        if status.st_nlink > 1, let first = firstNames[identity] {
            note("h", status, path, first)
            try link(first, to: path, in: to, name)
            return
        }
        if status.st_nlink > 1 { firstNames[identity] = path }
        let source = try from.open(name, O_RDONLY | O_NONBLOCK)
        let target = try to.open(name, O_RDWR | O_CREAT | O_EXCL, mode: 0o600)
        let isShared = FileAttributes.shareBytes(of: source, with: target)
        // What was shared is what counts, should the source change meanwhile.
        let digest =
            isShared
            ? try pass(target, path: path) { _ in }
            : try pass(source, path: path) { bytes throws(KernelError) in
                try WholeFile.write(bytes, to: target, path: path)
            }
        note("f", status, path, digest.hex)
        try copyAttributes(source, target, path: path)
        try finish(target, status, path: path)
    }

    /// Reads a file to its end, hashing it and handing on its bytes.
    private mutating func pass(
        _ source: borrowing Descriptor, path: String, _ consume: ([UInt8]) throws(KernelError) -> Void
    ) throws(KernelError) -> Digest {
        var hash = DigestHasher()
        while true {
            let count = read(source.raw, &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw KernelError("read", path) }
            if count == 0 { return hash.finish() }
            size += UInt64(count)
            let bytes = count == buffer.count ? buffer : Array(buffer[..<count])
            hash.update(bytes)
            try consume(bytes)
        }
    }

    /// A second name of a file in the copy. `first` is its path from the top of the tree.
    private func link(
        _ first: String, to path: String, in directory: borrowing OpenDirectory, _ name: String
    ) throws(KernelError) {
        let depth = path.split(separator: "/").count - 1
        let up = String(repeating: "../", count: depth)
        guard linkat(directory.descriptor.raw, up + first.dropFirst(), directory.descriptor.raw, name, 0) == 0 else {
            throw directory.failure("link", name)
        }
    }

    private mutating func copyLink(
        _ name: String, _ from: borrowing OpenDirectory, _ to: borrowing OpenDirectory, _ status: stat, path: String
    ) throws(KernelError) {
        var text = [CChar](repeating: 0, count: Int(PATH_MAX))
        let length = readlinkat(from.descriptor.raw, name, &text, text.count)
        guard length >= 0 else { throw from.failure("read link", name) }
        let target = String(decoding: text.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        note("l", status, path, target)
        guard symlinkat(target, to.descriptor.raw, name) == 0 else { throw to.failure("make link", name) }
        guard fchownat(to.descriptor.raw, name, status.st_uid, status.st_gid, AT_SYMLINK_NOFOLLOW) == 0 else {
            throw to.failure("chown", name)
        }
    }

    private mutating func copyNode(
        _ name: String, _ to: borrowing OpenDirectory, _ status: stat, path: String
    ) throws(KernelError) {
        note("n", status, path, String(status.st_rdev))
        guard mknodat(to.descriptor.raw, name, status.st_mode, status.st_rdev) == 0 else {
            throw to.failure("make node", name)
        }
        guard fchownat(to.descriptor.raw, name, status.st_uid, status.st_gid, AT_SYMLINK_NOFOLLOW) == 0,
            fchmodat(to.descriptor.raw, name, status.st_mode & 0o7777, 0) == 0
        else { throw to.failure("chown", name) }
    }

    private mutating func copyAttributes(
        _ from: borrowing Descriptor, _ to: borrowing Descriptor, path: String
    ) throws(KernelError) {
        for (name, value) in try FileAttributes.all(from, path: path) where Self.isKept(name) {
            hash("x \(name) \(value.count)\n")
            hasher.update(value)
            try FileAttributes.set(to, name, value, path: path)
        }
    }

    /// Overlay's and the security modules' own marks belong to the source's place, not to its content.
    private static func isKept(_ name: String) -> Bool {
        name == "security.capability" || name.hasPrefix("user.") || name.hasPrefix("system.posix_acl")
    }

    private func finish(_ target: borrowing Descriptor, _ status: stat, path: String) throws(KernelError) {
        // The owner first: changing it takes away setuid bits.
        guard fchown(target.raw, status.st_uid, status.st_gid) == 0 else { throw KernelError("chown", path) }
        guard fchmod(target.raw, status.st_mode & 0o7777) == 0 else { throw KernelError("chmod", path) }
        let times = [status.st_atim, status.st_mtim]
        guard futimens(target.raw, times) == 0 else { throw KernelError("set times of", path) }
    }

    private mutating func note(_ kind: String, _ status: stat, _ path: String, _ content: String) {
        let mode = String(status.st_mode, radix: 8)
        hash(
            "\(kind) \(mode) \(status.st_uid) \(status.st_gid) \(path.utf8.count):\(path) \(content.utf8.count):\(content)\n"
        )
    }

    private mutating func hash(_ text: String) {
        hasher.update(Array(text.utf8))
    }
}
