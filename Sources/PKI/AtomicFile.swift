import Glibc

/// The text of a file of less than 64 KiB, nil where there is none.
package func readFile(_ path: String) throws(PKIError) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
        if errno == ENOENT { return nil }
        throw .file(operation: "open", path: path, errno: errno)
    }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 65_536)
    var filled = 0
    while filled < bytes.count {
        let count = bytes.withUnsafeMutableBytes { buffer in
            read(descriptor, buffer.baseAddress.map { $0 + filled }, buffer.count - filled)
        }
        if count < 0 {
            if errno == EINTR { continue }
            throw .file(operation: "read", path: path, errno: errno)
        }
        if count == 0 { return String(decoding: bytes[..<filled], as: UTF8.self) }
        filled += count
    }
    throw .malformed(object: path, cause: "it is 64 KiB or larger")
}

/// Puts `text` at `path` with `mode`, whole or not at all, durable when this returns: a new file beside it, fsync, rename, fsync of the directory.
package func replaceFile(_ path: String, with text: String, mode: mode_t) throws(PKIError) {
    let temporary = path + ".new"
    unlink(temporary)
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { throw .file(operation: "create", path: temporary, errno: errno) }
    do throws(PKIError) {
        defer { close(descriptor) }
        try writeAll(descriptor, Array(text.utf8), path: temporary)
        guard fchmod(descriptor, mode) == 0 else { throw .file(operation: "chmod", path: temporary, errno: errno) }
        guard fsync(descriptor) == 0 else { throw .file(operation: "fsync", path: temporary, errno: errno) }
        guard rename(temporary, path) == 0 else { throw .file(operation: "rename", path: path, errno: errno) }
    } catch {
        unlink(temporary)
        throw error
    }
    try syncDirectory(of: path)
}

private func writeAll(_ descriptor: Int32, _ bytes: [UInt8], path: String) throws(PKIError) {
    var written = 0
    while written < bytes.count {
        let count = bytes.withUnsafeBytes { buffer in
            write(descriptor, buffer.baseAddress.map { $0 + written }, buffer.count - written)
        }
        if count < 0 {
            if errno == EINTR { continue }
            throw .file(operation: "write", path: path, errno: errno)
        }
        written += count
    }
}

private func syncDirectory(of path: String) throws(PKIError) {
    let directory = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    let name = directory.isEmpty ? "/" : directory
    let descriptor = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .file(operation: "open", path: name, errno: errno) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw .file(operation: "fsync", path: name, errno: errno) }
}
