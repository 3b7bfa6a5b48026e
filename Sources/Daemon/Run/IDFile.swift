import Glibc
import Linux

/// Where `--cidfile` has the container's id.
package struct IDFile: Sendable {
    private let path: String

    /// Makes it, empty; an empty one is what a command has left that was killed.
    /// - Throws: also where there is one: it may be another container's.
    package init(_ path: String) throws(DaemonError) {
        let descriptor = open(path, O_CREAT | O_WRONLY | O_NONBLOCK | O_CLOEXEC, 0o644)
        var status = stat()
        guard descriptor >= 0, fstat(descriptor, &status) == 0 else {
            throw DaemonError("--cidfile \(path): \(KernelError.text(of: errno))")
        }
        close(descriptor)
        guard status.st_mode & S_IFMT == S_IFREG, status.st_size == 0 else {
            throw DaemonError("--cidfile \(path): it is there already")
        }
        self.path = path
    }

    package func write(_ id: String) throws(DaemonError) {
        do throws(KernelError) {
            try WholeFile.replace(path, with: Array(id.utf8), mode: 0o644, durable: false)
        } catch {
            throw DaemonError("--cidfile: \(error)")
        }
    }

    /// Takes it away where no container has come of it.
    package func removeEmpty() {
        var status = stat()
        if stat(path, &status) == 0, status.st_size == 0 { unlink(path) }
    }
}
