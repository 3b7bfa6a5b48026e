import CFiles
import Glibc
import Synchronization

/// Small files read and replaced as a whole.
package enum WholeFile {
    /// The bytes of a regular file of at most `limit` bytes; EFBIG where it is larger, EISDIR for a directory, EINVAL for what else is no regular file.
    package static func read(_ path: String, limit: Int = 1 << 20) throws(KernelError) -> [UInt8] {
        try read(try Descriptor.open(path, O_RDONLY | O_NONBLOCK), path: path, limit: limit)
    }

    /// Opens the regular file at `path`, where others may have laid something else: that is not even opened, since a device acts on it already.
    /// EINVAL for it, ELOOP for a link.
    package static func open(_ path: String, _ flags: Int32 = O_RDONLY) throws(KernelError) -> Descriptor {
        let raw = cf_open_file(-1, path, flags)
        guard raw >= 0 else { throw KernelError(raw == -EINVAL ? "open, since it is no file," : "open", path, -raw) }
        return Descriptor(owning: raw)
    }

    package static func read(
        _ descriptor: borrowing Descriptor, path: String, limit: Int = 1 << 20
    ) throws(KernelError) -> [UInt8] {
        var status = stat()
        guard fstat(descriptor.raw, &status) == 0 else { throw KernelError("stat", path) }
        switch status.st_mode & S_IFMT {
        case S_IFREG: break
        case S_IFDIR: throw KernelError("read", path, EISDIR)
        default: throw KernelError("read, since it is no file,", path, EINVAL)
        }
        let expected = max(4 << 10, min(Int(status.st_size), limit) + 1)
        guard let bytes = contents(descriptor, limit: limit, expecting: expected) else {
            throw KernelError("read", path)
        }
        return bytes
    }

    /// The bytes of a kernel file (/proc, /sys), whose size is not known beforehand.
    package static func readPseudo(_ path: String, limit: Int = 1 << 20) throws(KernelError) -> [UInt8] {
        try readPseudo(try Descriptor.open(path, O_RDONLY), path: path, limit: limit)
    }

    package static func readPseudo(_ path: FilePath, limit: Int = 1 << 20) throws(KernelError) -> [UInt8] {
        guard let bytes = contents(try Descriptor.open(path, O_RDONLY), limit: limit) else {
            throw KernelError("read", path)
        }
        return bytes
    }

    package static func readPseudo(
        _ descriptor: borrowing Descriptor, path: String, limit: Int = 1 << 20
    ) throws(KernelError) -> [UInt8] {
        guard let bytes = contents(descriptor, limit: limit) else { throw KernelError("read", path) }
        return bytes
    }

    /// Up to the end; nil with errno, which is EFBIG for more than `limit`. What fits into the first piece, as most does, is neither
    /// copied nor overwritten.
    private static func contents(
        _ descriptor: borrowing Descriptor, limit: Int, expecting first: Int = 4 << 10
    ) -> [UInt8]? {
        let raw = descriptor.raw
        var bytes: [UInt8] = []
        var size = first
        while true {
            var count = 0
            let chunk = [UInt8](unsafeUninitializedCapacity: size) { buffer, filled in
                repeat {
                    count = Glibc.read(raw, buffer.baseAddress! + filled, buffer.count - filled)
                    filled += max(count, 0)
                } while filled < buffer.count && (count > 0 || count < 0 && errno == EINTR)
            }
            if count < 0 { return nil }
            guard bytes.count + chunk.count <= limit else {
                errno = EFBIG
                return nil
            }
            if bytes.isEmpty { bytes = chunk } else { bytes += chunk }
            if count == 0 { return bytes }
            size = 64 << 10
        }
    }

    /// Puts `bytes` at `path`, whole or not at all: a new file beside it, then rename. Of several writers the last to finish wins. Durable on
    /// return where `durable` is set, which costs two fsyncs. A writer that dies leaves its new file: `removeAbandoned`.
    package static func replace(
        _ path: String, with bytes: [UInt8], mode: mode_t = 0o600, durable: Bool
    ) throws(KernelError) {
        let number = replacements.add(1, ordering: .relaxed).newValue
        let temporary = "\(path).new-\(getpid())-\(number)"
        // Of a process that had the same number before.
        unlink(temporary)
        let descriptor: Descriptor
        do throws(KernelError) {
            descriptor = try Descriptor.open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
        } catch { throw KernelError("create", path, error.code) }
        do throws(KernelError) {
            try write(bytes, to: descriptor, path: temporary)
            guard fchmod(descriptor.raw, mode) == 0 else { throw KernelError("chmod", temporary) }
            if durable { try sync(descriptor, path: temporary) }
            guard rename(temporary, path) == 0 else { throw KernelError("rename", path) }
        } catch {
            unlink(temporary)
            throw error
        }
        if durable { try syncDirectory(of: path) }
    }

    private static let replacements = Atomic<UInt64>(0)

    /// Takes space for a megabyte in `directory`, writes a little of it durably, and gives it back.
    package static func tryDurableWrite(in directory: String) throws(KernelError) {
        let path = directory + "/.trial"
        let descriptor = try Descriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode: 0o600)
        defer { unlink(path) }
        let code = posix_fallocate(descriptor.raw, 0, 1 << 20)
        guard code == 0 else { throw KernelError("fallocate", path, code) }
        try write(Array("trial\n".utf8), to: descriptor, path: path)
        try sync(descriptor, path: path)
    }

    package static func write(
        _ bytes: [UInt8], to descriptor: borrowing Descriptor, path: String
    ) throws(KernelError) {
        var offset = 0
        while offset < bytes.count {
            let start = offset
            let raw = descriptor.raw
            let count = bytes.withUnsafeBytes { buffer in
                let rest = UnsafeRawBufferPointer(rebasing: buffer[start...])
                return Glibc.write(raw, rest.baseAddress, rest.count)
            }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw KernelError("write", path) }
            offset += count
        }
    }

    /// Makes the names in the directory that holds `path` durable.
    package static func syncDirectory(of path: String) throws(KernelError) {
        let parent = path.parentPath ?? "."
        let name = parent.isEmpty ? "/" : parent
        try sync(try Descriptor.open(name, O_RDONLY | O_DIRECTORY), path: name)
    }

    private static func sync(_ descriptor: borrowing Descriptor, path: String) throws(KernelError) {
        guard fsync(descriptor.raw) == 0 else { throw KernelError("fsync", path) }
    }

    /// Creates a directory with all that lead to it. Nothing where it is there.
    package static func makeDirectories(_ path: String, mode: mode_t = 0o755) throws(KernelError) {
        if mkdir(path, mode) == 0 || errno == EEXIST { return }
        guard errno == ENOENT else { throw KernelError("mkdir", path) }
        var partial = ""
        for component in path.pathComponents {
            partial += "/" + component
            guard mkdir(partial, mode) == 0 || errno == EEXIST else { throw KernelError("mkdir", partial) }
        }
    }
}
