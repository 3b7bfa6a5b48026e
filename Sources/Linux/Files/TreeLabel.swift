import CFiles
import Glibc

/// Gives whole directory trees an SELinux label, without following links or leaving the tree. What is mounted in the tree is left as it is. Blocks.
///
/// Bounds, each an error: ten million entries and 64 MiB of paths that wait to be read (E2BIG), 4,000 bytes of a path beneath the top (ENAMETOOLONG).
package enum TreeLabel {
    /// Places of the host that are in use by others than a container: whoever labels them anew takes them from the host.
    private static let kept = [
        "/", "/bin", "/boot", "/dev", "/etc", "/etc/passwd", "/etc/pki", "/etc/shadow", "/home", "/lib", "/lib64",
        "/media", "/opt", "/proc", "/root", "/run", "/sbin", "/srv", "/sys", "/system", "/tmp", "/usr", "/var",
        "/var/lib", "/var/log",
    ]

    /// All at and beneath `path`, a directory or anything else, whose links are followed. Nothing where it is not there, or on a file system that has no
    /// labels; EPERM for a place that the host itself lives in, by whatever name.
    package static func set(
        _ label: String, at path: String, entries limit: Int = 10_000_000,
        isGivenUp: @escaping () -> Bool = { false }
    ) throws(KernelError) {
        guard let real = realpath(path, nil) else {
            if errno == ENOENT { return }
            throw KernelError("find", path)
        }
        defer { free(real) }
        let raw = cf_open_place(-1, real)
        guard raw >= 0 else { throw KernelError("open", path, -raw) }
        try set(label, on: Descriptor(owning: raw), path: path, entries: limit, isGivenUp: isGivenUp)
    }

    /// The same of a file that is open, be it as a place alone. ECANCELED once `isGivenUp`, which is asked at every file: those before it stay labelled.
    package static func set(
        _ label: String, on file: borrowing Descriptor, path: String, entries limit: Int = 10_000_000,
        isGivenUp: @escaping () -> Bool = { false }
    ) throws(KernelError) {
        var walk = LabelWalk(
            label, path: path, kept: Set(kept.compactMap { FileIdentity($0) }), limit: limit, isGivenUp: isGivenUp)
        try walk.run(file)
    }
}

/// What a file is, whatever it is called.
private struct FileIdentity: Hashable {
    var device: dev_t
    var number: ino_t

    init(_ status: stat) { (device, number) = (status.st_dev, status.st_ino) }

    /// Nil for what is not there.
    init?(_ path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        self.init(status)
    }
}

/// One walk through a tree. A directory is labelled when it is read.
private struct LabelWalk: ~Copyable {
    private static let pathLimit = 4_000
    /// Of the paths that wait, with what each takes beside its bytes: a container makes the tree as it likes.
    private static let waitingLimit = 64 << 20
    private static let pathCost = 64

    private let label: String
    /// Of the top, for messages.
    private let path: String
    private let kept: Set<FileIdentity>
    private let isGivenUp: () -> Bool
    private var rest: Int
    /// Directories to be read, by their paths beneath the top.
    private var waiting: [FilePath] = ["."]
    private var waitingBytes = 1 + pathCost

    init(_ label: String, path: String, kept: Set<FileIdentity>, limit: Int, isGivenUp: @escaping () -> Bool) {
        (self.label, self.path, self.kept, rest, self.isGivenUp) = (label, path, kept, limit, isGivenUp)
    }

    mutating func run(_ top: borrowing Descriptor) throws(KernelError) {
        guard try status(top, ".").st_mode & S_IFMT == S_IFDIR else {
            _ = try set(top, ".")
            return
        }
        while let next = waiting.popLast() {
            waitingBytes -= next.count + Self.pathCost
            let raw = cf_open_on_same_mount(top.raw, next.cString)
            // Its owner has taken it away meanwhile, or put something else there.
            if [-ENOENT, -ENOTDIR, -ELOOP, -EXDEV].contains(raw) { continue }
            guard raw >= 0 else { throw failure("open", next, -raw) }
            try read(OpenDirectory(Descriptor(owning: raw), path: "\(path)/\(next)"), next)
        }
    }

    private mutating func read(_ directory: borrowing OpenDirectory, _ path: FilePath) throws(KernelError) {
        guard try set(directory.descriptor, path) else { return }
        try directory.eachName { name throws(KernelError) in
            try visit(path / name, cf_open_place(directory.descriptor.raw, name.cString))
            return true
        }
    }

    private mutating func visit(_ path: FilePath, _ raw: Int32) throws(KernelError) {
        if raw == -ENOENT || raw == -EXDEV { return }
        guard raw >= 0 else { throw failure("open", path, -raw) }
        let file = Descriptor(owning: raw)
        rest -= 1
        guard rest >= 0 else { throw failure("label more files than up to", path, E2BIG) }
        guard try status(file, path).st_mode & S_IFMT == S_IFDIR else {
            _ = try set(file, path)
            return
        }
        guard path.count <= Self.pathLimit else { throw failure("label", path, ENAMETOOLONG) }
        waitingBytes += path.count + Self.pathCost
        guard waitingBytes <= Self.waitingLimit else { throw failure("label more directories than up to", path, E2BIG) }
        waiting.append(path)
    }

    /// - Returns: false where the file system has no labels.
    private func set(_ file: borrowing Descriptor, _ path: FilePath) throws(KernelError) -> Bool {
        guard !isGivenUp() else { throw failure("label", path, ECANCELED) }
        guard !kept.contains(FileIdentity(try status(file, path))) else { throw failure("label anew", path, EPERM) }
        let code = cf_label(file.raw, label)
        guard code == 0 || code == -ENOTSUP else { throw failure("label \(label) on", path, -code) }
        return code == 0
    }

    private func status(_ file: borrowing Descriptor, _ path: FilePath) throws(KernelError) -> stat {
        var status = stat()
        guard fstat(file.raw, &status) == 0 else { throw failure("stat", path, errno) }
        return status
    }

    private func failure(_ operation: String, _ path: FilePath, _ code: Int32) -> KernelError {
        KernelError(operation, path == "." ? self.path : "\(self.path)/\(path)", code)
    }
}
