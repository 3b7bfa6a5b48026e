import Glibc
import Linux
import OCI

/// Writes a directory tree as a layer's archive: what a plain root directory that became an image is pushed and exported as. Blocks.
struct TreeArchive {
    private static let depthLimit = 256

    private let output: Int32
    private let object: String
    private var hasher = DigestHasher()
    private var size: UInt64 = 0
    private var firstNames: [FileIdentity: FilePath] = [:]
    private var buffer = [UInt8](repeating: 0, count: 256 << 10)

    /// - Returns: digest and size of the archive, which is written to `output` from its beginning.
    static func make(
        _ tree: String, into output: borrowing Descriptor, object: String
    ) throws(KernelError) -> (digest: Digest, size: UInt64) {
        var archive = TreeArchive(output: output.raw, object: object)
        let top = try OpenDirectory(tree)
        try archive.directory(top, try top.status(), path: ".", depth: 0)
        try archive.put(TarEntry.end)
        return (archive.hasher.finish(), archive.size)
    }

    private init(output: Int32, object: String) {
        self.output = output
        self.object = object
    }

    private mutating func directory(
        _ directory: borrowing OpenDirectory, _ status: stat, path: FilePath, depth: Int
    ) throws(KernelError) {
        guard depth <= Self.depthLimit else { throw KernelError("read", directory.path, ELOOP) }
        var entry = TarEntry(path / "", .directory, status)
        entry.attributes = try Self.attributes(directory.descriptor, path)
        try put(entry.header)
        for name in try directory.fileNames().sorted() {
            let status = try directory.status(of: name)
            let path = path == "." ? name : path / name
            if status.st_mode & S_IFMT == S_IFDIR {
                try self.directory(try directory.directory(name), status, path: path, depth: depth + 1)
            } else {
                try member(name, in: directory, status, path: path)
            }
        }
    }

    private mutating func member(
        _ name: FilePath, in directory: borrowing OpenDirectory, _ status: stat, path: FilePath
    ) throws(KernelError) {
        switch status.st_mode & S_IFMT {
        case S_IFREG: try file(name, in: directory, status, path: path)
        case S_IFLNK: try put(TarEntry(path, .symbolicLink(try directory.linkTarget(of: name)), status).header)
        case S_IFCHR: try put(TarEntry(path, .characterDevice, status).header)
        case S_IFBLK: try put(TarEntry(path, .blockDevice, status).header)
        case S_IFIFO: try put(TarEntry(path, .pipe, status).header)
        default: break
        }
    }

    private mutating func file(
        _ name: FilePath, in directory: borrowing OpenDirectory, _ status: stat, path: FilePath
    ) throws(KernelError) {
        if status.st_nlink > 1 {
            let first = firstNames[FileIdentity(status)]
            if let first { return try put(TarEntry(path, .hardLink(first), status).header) }
            firstNames[FileIdentity(status)] = path
        }
        let file = try directory.open(name, O_RDONLY | O_NONBLOCK)
        var entry = TarEntry(path, .file, status)
        entry.size = UInt64(clamping: status.st_size)
        entry.attributes = try Self.attributes(file, path)
        try put(entry.header)
        var left = Int(clamping: entry.size)
        while left > 0 {
            let count = read(file.raw, &buffer, min(left, buffer.count))
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw KernelError("read", path, count < 0 ? errno : EIO) }
            try put(Array(buffer[..<count]))
            left -= count
        }
        try put(entry.padding)
    }

    private static func attributes(
        _ file: borrowing Descriptor, _ path: FilePath
    ) throws(KernelError) -> [TarEntry.Attribute] {
        try FileAttributes.all(file, path: path).filter { TreeAttributes.isKept($0.0) }
            .map { TarEntry.Attribute($0.0, $0.1) }.sorted { $0.name < $1.name }
    }

    private mutating func put(_ bytes: [UInt8]) throws(KernelError) {
        hasher.update(bytes)
        size += UInt64(bytes.count)
        var done = 0
        while done < bytes.count {
            let count = bytes[done...].withUnsafeBytes { Glibc.write(output, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw KernelError("write", object) }
            done += count
        }
    }
}

extension TarEntry {
    fileprivate init(_ path: FilePath, _ kind: Kind, _ status: stat) {
        self.init(
            path, kind, mode: status.st_mode & 0o7777, owner: status.st_uid, group: status.st_gid,
            modified: status.st_mtim, device: status.st_rdev)
    }
}
