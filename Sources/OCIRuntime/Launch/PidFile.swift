import Glibc
import Launch

/// A file with a process's number, whole or not at all. It gets its name last, so that a call that is killed leaves nothing beside it, where the
/// directory is the engine's and nobody would look for it.
enum PidFile {
    /// O_TMPFILE (open(2)), which is not imported.
    private static let unnamed: Int32 = 0o20_000_000 | O_DIRECTORY

    static func write(_ processID: Int32, to path: String) throws(OCIRuntimeError) {
        let bytes = Array(String(processID).utf8)
        try kernel { () throws(KernelError) in
            if try nameLast(bytes, path) { return }
            try WholeFile.replace(path, with: bytes, mode: 0o644, durable: false)
        }
    }

    /// False where the file system has no files without a name, or the name is taken.
    private static func nameLast(_ bytes: [UInt8], _ path: String) throws(KernelError) -> Bool {
        let folder = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        guard let file = try? Descriptor.open(folder, O_WRONLY | unnamed, mode: 0o644) else { return false }
        try WholeFile.write(bytes, to: file, path: path)
        guard fchmod(file.raw, 0o644) == 0 else { throw KernelError("chmod", path) }
        return linkat(AT_FDCWD, "/proc/self/fd/\(file.raw)", AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0
    }
}
