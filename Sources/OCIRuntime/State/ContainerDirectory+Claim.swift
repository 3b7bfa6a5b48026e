import CLaunch
import Glibc
import Launch

/// Whose an id is before there is a record: of the process that holds a lock on the copy of the configuration. The kernel lets go of it
/// whatever the process dies of, and a forked child does not have it.
extension ContainerDirectory {
    /// Claims the id and writes the configuration; what a killed call left under it is taken away first. The claim lasts as long as the
    /// descriptor.
    func claim(_ configuration: [UInt8]) throws(OCIRuntimeError) -> Descriptor {
        try ContainerDirectory.makeRoot(root)
        // More than once, because a `delete` may take the directory away in between.
        for _ in 0..<3 {
            guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw .kernel(KernelError("mkdir", path)) }
            guard let file = try lock() else { continue }
            guard access(path + "/state.json", F_OK) != 0 else { break }
            try clearMade()
            try kernel { () throws(KernelError) in
                guard ftruncate(file.raw, 0) == 0 else { throw KernelError("truncate", self.file) }
                try WholeFile.write(configuration, to: file, path: self.file)
            }
            return file
        }
        throw .state(container: id, cause: "the id is taken; `delete` frees it")
    }

    private var file: String { path + "/config.json" }

    /// The configuration's file, made where there is none, with a lock that nobody else has; nil where another process has it, or takes
    /// the directory away.
    func lock() throws(OCIRuntimeError) -> Descriptor? {
        let raw = open(file, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard raw >= 0 else {
            if errno == ENOENT { return nil }
            throw .kernel(KernelError("open", file))
        }
        let descriptor = Descriptor(owning: raw)
        var whole = ContainerDirectory.wholeFile
        guard fcntl(raw, F_SETLK, &whole) == 0 else {
            if errno == EAGAIN || errno == EACCES { return nil }
            throw .kernel(KernelError("lock", file))
        }
        // Between the two it may have been taken away, and another have come in its place.
        var (locked, there) = (stat(), stat())
        guard fstat(raw, &locked) == 0, lstat(file, &there) == 0, locked.st_ino == there.st_ino else { return nil }
        return descriptor
    }

    private static var wholeFile: flock {
        flock(l_type: Int16(F_WRLCK), l_whence: Int16(SEEK_SET), l_start: 0, l_len: 0, l_pid: 0)
    }

    /// Notes what is about to be made, so that it is found again without a record.
    func note(_ name: String, _ target: String) throws(OCIRuntimeError) {
        guard symlink(target, path + "/" + name) == 0 else {
            throw .kernel(KernelError("symlink", path + "/" + name))
        }
    }

    /// Takes away what a call that was killed left under the id. False where the container is there or is being made.
    func clearAbandoned() throws(OCIRuntimeError) -> Bool {
        guard let file = try lock() else { return access(path, F_OK) != 0 }
        guard access(path + "/state.json", F_OK) != 0 else { return false }
        try clearUnfinished()
        _ = consume file
        return true
    }

    /// With all that was made for a container without a record, whoever makes it.
    func clearUnfinished() throws(OCIRuntimeError) {
        try clearMade()
        try remove()
    }

    /// What was noted.
    private func clearMade() throws(OCIRuntimeError) {
        if let group = ContainerCgroup.noted(noted("cgroup"), unit: noted("unit")) {
            try group.end()
        } else if let unit = noted("unit") {
            try SystemdScope(unit: unit).stop()
        }
        if let rootfs = noted("rootfs") { cmnt_detach(rootfs) }
        for name in ["cgroup", "unit", "rootfs"] { unlink(path + "/" + name) }
    }

    private func noted(_ name: String) -> String? {
        var text = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink(path + "/" + name, &text, text.count)
        return count > 0 ? String(decoding: text[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self) : nil
    }
}
