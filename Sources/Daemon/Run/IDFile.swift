import Glibc
import Linux

/// Where `--cidfile` has the container's id.
package struct IDFile: Sendable {
    private let path: String

    /// Makes it, empty.
    /// - Throws: also where it is there already: it may be another container's.
    package init(_ path: String) throws(DaemonError) {
        let descriptor = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            let cause = errno == EEXIST ? "it is there already" : KernelError.text(of: errno)
            throw DaemonError("--cidfile \(path): \(cause)")
        }
        close(descriptor)
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
