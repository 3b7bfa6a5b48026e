import CFiles
import Glibc

/// An open directory. Names are single components that are never followed where they are links.
package struct OpenDirectory: ~Copyable, Sendable {
    package let descriptor: Descriptor
    /// For messages only.
    package let path: String

    package init(_ path: String) throws(KernelError) { try self.init(FilePath(path)) }

    package init(_ path: FilePath) throws(KernelError) {
        descriptor = try Descriptor.open(path, O_RDONLY | O_DIRECTORY)
        self.path = path.description
    }

    init(_ descriptor: consuming Descriptor, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    package borrowing func directory(_ name: FilePath) throws(KernelError) -> OpenDirectory {
        OpenDirectory(try open(name, O_RDONLY | O_DIRECTORY), path: "\(path)/\(name)")
    }

    /// A directory in this one that nothing is mounted on; EBUSY where something is.
    package borrowing func unmountedDirectory(_ name: FilePath) throws(KernelError) -> OpenDirectory {
        let raw = cf_open_on_same_mount(descriptor.raw, name.cString)
        guard raw >= 0 else {
            throw KernelError("open", "\(path)/\(name)", -raw == EXDEV ? EBUSY : -raw)
        }
        return OpenDirectory(Descriptor(owning: raw), path: "\(path)/\(name)")
    }

    package borrowing func open(_ name: FilePath, _ flags: Int32, mode: mode_t = 0) throws(KernelError) -> Descriptor {
        let raw = openat(descriptor.raw, name.cString, flags | O_NOFOLLOW | O_CLOEXEC, mode)
        guard raw >= 0 else { throw failure("open", name) }
        return Descriptor(owning: raw)
    }

    /// A directory found as `openInRoot` finds it.
    package borrowing func directoryInRoot(_ path: FilePath) throws(KernelError) -> OpenDirectory {
        OpenDirectory(try openInRoot(path, O_RDONLY | O_DIRECTORY), path: "\(self.path)/\(path)")
    }

    /// Opens a path whose links and dots are resolved as if this directory were the root; nothing outside can be reached.
    package borrowing func openInRoot(_ path: FilePath, _ flags: Int32) throws(KernelError) -> Descriptor {
        let raw = cf_open_in_root(descriptor.raw, path.cString, flags)
        guard raw >= 0 else { throw KernelError("open", "\(self.path)/\(path)", -raw) }
        return Descriptor(owning: raw)
    }

    /// A regular file found as `openInRoot` finds it, for reading; EINVAL for anything else, which is not even opened: a device acts on it already.
    package borrowing func fileInRoot(_ path: FilePath) throws(KernelError) -> Descriptor {
        let raw = cf_open_file(descriptor.raw, path.cString, O_RDONLY)
        guard raw >= 0 else { throw KernelError("read", "\(self.path)/\(path)", -raw) }
        return Descriptor(owning: raw)
    }

    package borrowing func status(of name: FilePath) throws(KernelError) -> stat {
        var status = stat()
        guard fstatat(descriptor.raw, name.cString, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
            throw failure("stat", name)
        }
        return status
    }

    /// Its own.
    package borrowing func status() throws(KernelError) -> stat {
        var status = stat()
        guard fstat(descriptor.raw, &status) == 0 else { throw failure("stat", "") }
        return status
    }

    /// Where a symbolic link leads.
    package borrowing func linkTarget(of name: FilePath) throws(KernelError) -> FilePath {
        var text = [CChar](repeating: 0, count: Int(PATH_MAX))
        let length = readlinkat(descriptor.raw, name.cString, &text, text.count - 1)
        guard length >= 0 else { throw failure("read link", name) }
        return FilePath(cString: text)
    }

    /// Up to `limit` names, sorted; `.` and `..` left out. Reads from the start each time. A name that is no UTF-8 comes out mended, and is then
    /// found by nobody: where others make the names, take `fileNames`.
    package borrowing func names(limit: Int = .max) throws(KernelError) -> [String] {
        try fileNames(limit: limit).map(\.description).sorted()
    }

    /// Up to `limit` names as the kernel has them, in its order; `.` and `..` left out. Reads from the start each time.
    package borrowing func fileNames(limit: Int = .max) throws(KernelError) -> [FilePath] {
        var names: [FilePath] = []
        if limit <= 0 { return names }
        try eachName { name throws(KernelError) in
            names.append(name)
            return names.count < limit
        }
        return names
    }

    /// The same one by one, until `body` says false.
    package borrowing func eachName(_ body: (FilePath) throws(KernelError) -> Bool) throws(KernelError) {
        let copy = openat(descriptor.raw, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard copy >= 0, let stream = fdopendir(copy) else { throw failure("list", "") }
        defer { closedir(stream) }
        while true {
            errno = 0
            guard let entry = readdir(stream) else { break }
            let name = FilePath(of: entry)
            if !name.isDots, try !body(name) { return }
        }
        guard errno == 0 else { throw failure("list", "") }
    }

    package borrowing func makeDirectory(_ name: FilePath, mode: mode_t) throws(KernelError) {
        guard mkdirat(descriptor.raw, name.cString, mode) == 0 else { throw failure("mkdir", name) }
    }

    /// Makes a relative path of directories beneath this one, links and dots resolved as in `openInRoot`. New ones have this one's mode, whatever the
    /// umask; where that has the set-group-ID bit, the kernel gives them its group.
    package borrowing func makeDirectoriesInRoot(_ path: FilePath) throws(KernelError) {
        let mode = try status().st_mode & 0o2777
        var made: FilePath = "."
        for component in path.components where component != "." {
            let parent = try directoryInRoot(made)
            if mkdirat(parent.descriptor.raw, component.cString, mode & 0o777) == 0 {
                let new = try parent.directory(component)
                guard fchmod(new.descriptor.raw, mode) == 0 else { throw failure("chmod", path) }
            } else if errno != EEXIST {
                throw failure("mkdir", path)
            }
            made = made / component
        }
    }

    package borrowing func failure(_ operation: String, _ name: FilePath) -> KernelError {
        let code = errno
        return KernelError(operation, name.count == 0 ? path : "\(path)/\(name)", code)
    }
}
