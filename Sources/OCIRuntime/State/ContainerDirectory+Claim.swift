import CLaunch
import Glibc
import Launch

/// The right to change what lies under an id: of the process that holds a lock on the copy of the configuration. Who makes a container holds it
/// until there is a record, who takes one away to the end. The kernel lets go of it whatever the process dies of, and a forked child does not
/// have it.
extension ContainerDirectory {
    /// Claims the id and writes the configuration; what a killed call left under it is taken away first.
    func claim(_ configuration: [UInt8]) throws(OCIRuntimeError) -> Claim {
        try ContainerDirectory.makeRoot(root)
        // More than once, because a `delete` may take the directory away in between.
        for _ in 0..<3 {
            guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw .kernel(KernelError("mkdir", path)) }
            guard let lock = try lockOrNothing() else { continue }
            guard !isRecorded else { break }
            // Nothing is made under an id before there is a configuration.
            if try size(of: lock) > 0 { try clearMade() }
            do throws(OCIRuntimeError) { try write(configuration, lock) } catch {
                try? remove()
                throw error
            }
            return Claim(lock)
        }
        throw .state(container: id, cause: "the id is taken; `delete` frees it")
    }

    /// The lock, for who has just made the directory perhaps: that is taken away where there is no making the file.
    private func lockOrNothing() throws(OCIRuntimeError) -> Descriptor? {
        do throws(OCIRuntimeError) { return try lock(makesFile: true) } catch {
            rmdir(path)
            throw error
        }
    }

    private func write(_ configuration: [UInt8], _ lock: borrowing Descriptor) throws(OCIRuntimeError) {
        do throws(KernelError) {
            guard ftruncate(lock.raw, 0) == 0 else { throw KernelError("truncate", file) }
            try WholeFile.write(configuration, to: lock, path: file)
        } catch { throw .kernel(error) }
    }

    private func size(of lock: borrowing Descriptor) throws(OCIRuntimeError) -> Int {
        var status = stat()
        guard fstat(lock.raw, &status) == 0 else { throw .kernel(KernelError("look at", file)) }
        return Int(status.st_size)
    }

    private var file: String { path + "/config.json" }
    private var isRecorded: Bool { access(path + "/" + CRT_RECORD, F_OK) == 0 }

    /// The configuration's file with a lock that nobody else has; nil where another process has it, or the file is not there or is taken away
    /// meanwhile. While it is held the file must not be opened once more: to close it would let go of the lock.
    private func lock(makesFile: Bool = false) throws(OCIRuntimeError) -> Descriptor? {
        let raw = open(file, O_RDWR | O_NOFOLLOW | O_CLOEXEC | (makesFile ? O_CREAT : 0), 0o600)
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

    /// The lock, waited for up to ten seconds; nil where the file is not there. `endsHolder`: who has it for longer than a second is killed,
    /// and what it was at is taken up from there.
    func waitForLock(endsHolder: Bool = false) throws(OCIRuntimeError) -> Descriptor? {
        let begin = milliseconds()
        var waited: Int64?
        while (waited ?? 0) < 10_000 {
            // Somebody may have taken the file away, and the record be there all the same.
            if let lock = try lock(makesFile: waited != nil && isRecorded) { return lock }
            guard access(file, F_OK) == 0 || isRecorded else { return nil }
            if endsHolder && (waited ?? 0) > 1000 { endHolder() }
            usleep(2000)
            waited = milliseconds() - begin
        }
        let process = holder.map(String.init) ?? "of another pid namespace"
        throw .state(container: id, cause: "process \(process) is still at work on it")
    }

    /// Since some moment, whatever is done to the clock.
    private func milliseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    /// The process that has the lock; nil where nobody has, or one of another pid namespace.
    private var holder: Int32? {
        guard let file = try? Descriptor.open(file, O_RDONLY | O_NOFOLLOW) else { return nil }
        var lock = ContainerDirectory.wholeFile
        guard fcntl(file.raw, F_GETLK, &lock) == 0, lock.l_type != F_UNLCK, lock.l_pid > 0 else { return nil }
        return lock.l_pid
    }

    private func endHolder() {
        guard let number = holder, case let raw = cs_pidfd_open(number), raw >= 0 else { return }
        let handle = Descriptor(owning: raw)
        // Nobody else got its number meanwhile.
        if holder == number { cs_pidfd_signal(handle.raw, SIGKILL) }
    }

    /// Notes what is about to be made, so that it is found again without a record.
    func note(_ name: String, _ target: String) throws(OCIRuntimeError) {
        guard symlink(target, path + "/" + name) == 0 else {
            throw .kernel(KernelError("symlink", path + "/" + name))
        }
    }

    /// Takes away what a call that was killed left under the id, with `force` also what one is at. False where there is a record, or a call is
    /// at it and may go on.
    func clearUnfinished(force: Bool) throws(OCIRuntimeError) -> Bool {
        guard let lock = force ? try waitForLock(endsHolder: true) : try lock() else {
            // A call may have been killed before it made the file, or after it took that away.
            if rmdir(path) == 0 || errno == ENOENT { return true }
            // What else lies there is told to whoever wants it gone by force.
            if force, let lock = try lock(makesFile: true) {
                if !isRecorded { try clear() }
                _ = consume lock
            }
            return false
        }
        guard !isRecorded || force && (try? load()) == nil else { return false }
        try clear()
        _ = consume lock
        return true
    }

    /// Takes away the container that has this record, and no other that has come in its place.
    func clear(_ state: ContainerState) throws(OCIRuntimeError) {
        guard let lock = try waitForLock(of: state) else { return }
        try clear()
        _ = consume lock
    }

    /// The lock on the container that has this record; nil where it is gone. Who waited for it may have made the locked file anew, in the moment
    /// in which the directory was about to go: then it goes now.
    func waitForLock(of state: ContainerState) throws(OCIRuntimeError) -> Descriptor? {
        guard let lock = try waitForLock() else { return nil }
        if (try? load()) == state { return lock }
        if !isRecorded { try clear() }
        return nil
    }

    /// With all that was noted. The caller holds the lock.
    func clear() throws(OCIRuntimeError) {
        try clearMade()
        try remove()
    }

    /// What was noted, and what was kept of another configuration.
    private func clearMade() throws(OCIRuntimeError) {
        if let group = try ContainerCgroup.noted(noted("cgroup"), unit: noted("unit")) {
            try group.end()
        } else if let unit = noted("unit") {
            try SystemdScope(unit: unit).stop()
        }
        if let rootfs = noted("rootfs") { cmnt_detach(rootfs) }
        for name in ["cgroup", "unit", "rootfs", ContainerDirectory.filter, CRT_UNPUBLISHED] {
            unlink(path + "/" + name)
        }
    }

    private func noted(_ name: String) -> String? {
        var text = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink(path + "/" + name, &text, text.count)
        return count > 0 ? String(decoding: text[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self) : nil
    }
}

/// What `claim` gives: the id is this process's until there is a record, which then speaks for itself.
final class Claim {
    private var lock: Descriptor?

    init(_ lock: consuming Descriptor) { self.lock = consume lock }

    var isHeld: Bool { lock != nil }

    func letGo() { lock = nil }
}
