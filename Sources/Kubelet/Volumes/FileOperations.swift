import Glibc
import Linux

/// The kubelet's work on its own files. Every call may block: run it on `BlockingThreads`.
enum FileOperations {
    static func makeDirectories(_ path: String, mode: mode_t = 0o755) throws(KernelError) {
        if mkdir(path, mode) == 0 || errno == EEXIST { return }
        guard errno == ENOENT, let parent = path.parentPath, !parent.isEmpty else { throw KernelError("mkdir", path) }
        try makeDirectories(parent)
        guard mkdir(path, mode) == 0 || errno == EEXIST else { throw KernelError("mkdir", path) }
    }

    /// Writes a new file; one that is there is replaced in one step. Several containers of a pod may write the same.
    static func write(_ bytes: [UInt8], to path: String, mode: mode_t) throws(KernelError) {
        try WholeFile.replace(path, with: bytes, mode: mode, durable: false)
    }

    /// Gives back what a file has beyond so many bytes.
    static func cut(_ path: String, to limit: Int) {
        var status = stat()
        if lstat(path, &status) == 0, status.st_size > limit { truncate(path, limit) }
    }

    static func read(_ path: String, limit: Int) -> [UInt8]? {
        guard let file = try? Descriptor.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK) else { return nil }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while bytes.count < limit {
            let count = Glibc.read(file.raw, &buffer, min(buffer.count, limit - bytes.count))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            bytes += buffer[..<count]
        }
        return bytes
    }

    /// The last bytes of a file, at most `limit`; empty where it cannot be read.
    static func end(of path: String, limit: Int) -> [UInt8] {
        var status = stat()
        guard let file = try? WholeFile.open(path), fstat(file.raw, &status) == 0 else { return [] }
        var bytes = [UInt8](repeating: 0, count: min(limit, max(0, status.st_size)))
        let count = pread(file.raw, &bytes, bytes.count, status.st_size - bytes.count)
        return Array(bytes.prefix(max(0, count)))
    }

    /// A file of the kernel's, at most 256 KiB; empty where it is not there.
    static func text(_ path: String) -> String {
        String(decoding: read(path, limit: 256 << 10) ?? [], as: UTF8.self)
    }

    static func names(in path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }
}
