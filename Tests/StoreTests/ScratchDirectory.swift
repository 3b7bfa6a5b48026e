import Glibc
import TestSupport

/// A directory of the test's own, removed with its files when the last reference goes.
final class ScratchDirectory: Sendable {
    let path: String

    init() throws {
        var template = Array("\(temporaryDirectory)/swiftlet-store-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw ScratchError(operation: "mkdtemp", code: errno) }
        path = template.withUnsafeBufferPointer { String(decoding: $0.dropLast().map(UInt8.init), as: UTF8.self) }
    }

    deinit {
        for name in (try? Self.names(path)) ?? [] { unlink(path + "/" + name) }
        rmdir(path)
    }

    static func names(_ path: String) throws -> [String] {
        guard let directory = opendir(path) else { throw ScratchError(operation: "opendir", code: errno) }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    /// Every file's bytes, as they are at this moment.
    static func contents(_ path: String) throws -> [String: [UInt8]] {
        var files: [String: [UInt8]] = [:]
        for name in try names(path) { files[name] = try read(path + "/" + name) }
        return files
    }

    func fill(_ files: [String: [UInt8]]) throws {
        for (name, bytes) in files { try Self.write(bytes, to: path + "/" + name) }
    }

    static func read(_ path: String) throws -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw ScratchError(operation: "open", code: errno) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            guard count >= 0 else { throw ScratchError(operation: "read", code: errno) }
            if count == 0 { return bytes }
            bytes.append(contentsOf: chunk[..<count])
        }
    }

    static func write(_ bytes: [UInt8], to path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw ScratchError(operation: "open", code: errno) }
        defer { close(descriptor) }
        var done = 0
        while done < bytes.count {
            let count = bytes[done...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { throw ScratchError(operation: "write", code: errno) }
            done += count
        }
    }
}

struct ScratchError: Error {
    var operation: String
    var code: Int32
}
