import Glibc

/// Keeps a second daemon out of a data directory. The kernel lets go of the lock when the process dies.
struct DirectoryLock: ~Copyable {
    private let descriptor: Int32

    init(directory: String) throws(StoreError) {
        let path = directory + "/lock"
        let opened = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard opened >= 0 else {
            throw .io(operation: "open \(path)", message: Self.reason(errno))
        }
        guard flock(opened, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            let holder = Self.holder(opened)
            close(opened)
            guard code == EWOULDBLOCK else { throw .io(operation: "lock \(path)", message: Self.reason(code)) }
            throw .io(
                operation: "lock \(path)",
                message: "the data directory is in use by process \(holder); stop it, or start with another directory")
        }
        descriptor = opened
        Self.sign(opened)
    }

    deinit {
        close(descriptor)
    }

    /// The lock stands without it: the number only helps who is kept out.
    private static func sign(_ descriptor: Int32) {
        let text = Array("\(getpid())\n".utf8)
        if ftruncate(descriptor, 0) == 0 { _ = pwrite(descriptor, text, text.count, 0) }
    }

    private static func holder(_ descriptor: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: 16)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        let digits = bytes.prefix(max(0, count)).prefix { $0 >= 0x30 && $0 <= 0x39 }
        return digits.isEmpty ? "(unknown)" : String(decoding: digits, as: UTF8.self)
    }

    static func reason(_ code: Int32) -> String {
        String(cString: strerror(code))
    }
}
