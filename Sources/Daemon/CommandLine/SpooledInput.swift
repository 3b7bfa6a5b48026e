import Glibc
import Linux

/// All of standard input in a file without a name, which goes with the last holder.
package final class SpooledInput {
    private let file: Descriptor

    /// Where root's other processes open it while this is held.
    package var path: String { "/proc/\(getpid())/fd/\(file.raw)" }

    /// Blocks until the input ends. The file lies in `TMPDIR`, or in /var/tmp, which is no memory.
    /// - Throws: also where the input breaks off: what came before is not all.
    package init(_ input: Int32 = STDIN_FILENO) throws(DaemonError) {
        let directory = getenv("TMPDIR").map { String(cString: $0) } ?? "/var/tmp"
        let name = "\(directory)/swiftlet-input-\(UInt64.random(in: .min ... .max))"
        do throws(KernelError) {
            file = try Descriptor.open(name, O_RDWR | O_CREAT | O_EXCL, mode: 0o600)
            unlink(name)
            while true {
                let bytes = try StandardStreams.readInput(input)
                if bytes.isEmpty { return }
                try WholeFile.write(bytes, to: file, path: directory)
            }
        } catch {
            let isClosed = error.operation == "read" && error.code == EBADF
            throw DaemonError(isClosed ? "standard input is closed; redirect it from a tar file" : error.description)
        }
    }
}
