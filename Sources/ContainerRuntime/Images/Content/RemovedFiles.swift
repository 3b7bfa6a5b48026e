import Glibc
import Linux

/// What was removed from the image store: out of its place by a rename, taken apart afterwards, so that a large tree holds up nobody. What cannot be taken apart
/// stays, and is tried again each time. All calls block.
struct RemovedFiles: Sendable {
    let directory: String

    /// Takes a file or a tree out of its place, whole. Nothing where it is not there.
    func take(_ path: String) throws(KernelError) {
        guard let name = try? Identifier.random() else { throw KernelError("getrandom", path, EIO) }
        try WholeFile.makeDirectories(directory, mode: 0o700)
        guard rename(path, directory + "/" + name) == 0 || errno == ENOENT else { throw KernelError("rename", path) }
    }

    /// Takes all apart that it can.
    /// - Throws: the first that cannot be.
    func clear() throws(KernelError) {
        guard access(directory, F_OK) == 0 else { return }
        try OpenDirectory(directory).names().forEachGoingOn { name throws(KernelError) in
            try TreeRemoval.remove(directory + "/" + name)
        }
    }
}

extension Sequence {
    /// One that fails keeps none of the others.
    /// - Throws: the first failure, in the end.
    func forEachGoingOn(_ body: (Element) throws(KernelError) -> Void) throws(KernelError) {
        var failure: KernelError?
        for element in self {
            do throws(KernelError) { try body(element) } catch { failure = failure ?? error }
        }
        if let failure { throw failure }
    }
}
