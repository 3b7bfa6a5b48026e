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
        // Once for what was left, once more for whoever else came upon it.
        for _ in 0..<3 {
            if mkdir(path, 0o700) == 0 { return try hold(configuration) }
            guard errno == EEXIST else { throw .kernel(KernelError("mkdir", path)) }
            guard try clearAbandoned() else { break }
        }
        throw .state(container: id, cause: "the id is taken; `delete` frees it")
    }

    private func hold(_ configuration: [UInt8]) throws(OCIRuntimeError) -> Descriptor {
        let file = path + "/config.json"
        return try kernel { () throws(KernelError) in
            let descriptor = try Descriptor.open(file, O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o600)
            var lock = ContainerDirectory.wholeFile
            guard fcntl(descriptor.raw, F_SETLK, &lock) == 0 else { throw KernelError("lock", file) }
            try WholeFile.write(configuration, to: descriptor, path: file)
            return descriptor
        }
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
        if rmdir(path) == 0 || errno == ENOENT { return true }
        guard access(path + "/state.json", F_OK) != 0, !isHeld else { return false }
        try clearUnfinished()
        return true
    }

    /// With all that was made for a container without a record, whoever makes it.
    func clearUnfinished() throws(OCIRuntimeError) {
        if let group = noted("cgroup").flatMap(ContainerCgroup.existing) { try group.end() }
        if let rootfs = noted("rootfs") { cmnt_detach(rootfs) }
        try remove()
    }

    private var isHeld: Bool {
        guard let descriptor = try? Descriptor.open(path + "/config.json", O_RDWR | O_NOFOLLOW) else { return false }
        var lock = ContainerDirectory.wholeFile
        return fcntl(descriptor.raw, F_GETLK, &lock) == 0 && lock.l_type != Int16(F_UNLCK)
    }

    private func noted(_ name: String) -> String? {
        var text = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink(path + "/" + name, &text, text.count)
        return count > 0 ? String(decoding: text[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self) : nil
    }
}
