import CFiles
import Glibc

/// Gives whole directory trees an SELinux label, without following links or leaving the tree. Blocks.
package enum TreeLabel {
    /// Nested deeper than this a tree is refused, ELOOP.
    private static let depthLimit = 256

    /// Directories of the host that are in use by others than a container: whoever labels them anew takes them from the host.
    private static let kept: Set<String> = [
        "/", "/bin", "/boot", "/dev", "/etc", "/etc/passwd", "/etc/pki", "/etc/shadow", "/home", "/lib", "/lib64",
        "/media", "/opt", "/proc", "/root", "/run", "/sbin", "/srv", "/sys", "/system", "/tmp", "/usr", "/var",
        "/var/lib", "/var/log",
    ]

    /// All at and beneath `path`, a directory or anything else, whose links are followed. Nothing where it is not there, or on a file system that has no
    /// labels; EPERM for a directory that the host itself lives in.
    package static func set(_ label: String, at path: String) throws(KernelError) {
        guard let real = realpath(path, nil) else {
            if errno == ENOENT { return }
            throw KernelError("find", path)
        }
        defer { free(real) }
        guard !kept.contains(String(cString: real)) else { throw KernelError("label anew", path, EPERM) }
        let place = try self.place(cf_open_place(-1, real), path)
        try set(label, on: place, path: path, depth: 0)
    }

    private static func place(_ code: Int32, _ path: String) throws(KernelError) -> Descriptor {
        guard code >= 0 else { throw KernelError("open", path, -code) }
        return Descriptor(owning: code)
    }

    /// The same of a file that is open, be it as a place alone.
    package static func set(_ label: String, on file: borrowing Descriptor, path: String) throws(KernelError) {
        try set(label, on: file, path: path, depth: 0)
    }

    private static func set(
        _ label: String, on file: borrowing Descriptor, path: String, depth: Int
    ) throws(KernelError) {
        guard depth <= depthLimit else { throw KernelError("label", path, ELOOP) }
        var status = stat()
        guard fstat(file.raw, &status) == 0 else { throw KernelError("stat", path) }
        let code = cf_label(file.raw, label)
        if code == -ENOTSUP { return }
        guard code == 0 else { throw KernelError("label \(label) on", path, -code) }
        guard status.st_mode & S_IFMT == S_IFDIR else { return }
        let directory = try OpenDirectory("/proc/self/fd/\(file.raw)")
        for child in try directory.fileNames() {
            let path = "\(path)/\(child)"
            do throws(KernelError) {
                let place = try self.place(cf_open_place(directory.descriptor.raw, child.cString), path)
                try set(label, on: place, path: path, depth: depth + 1)
            } catch  where error.code == ENOENT {
                // Its owner has taken it away meanwhile.
            }
        }
    }
}
