import CKernel
import Glibc
import Synchronization

/// An open file descriptor with one owner: closed when the value goes away.
package struct Descriptor: ~Copyable, Sendable {
    /// The number, for system calls made while this value lives. Never keep it longer.
    package private(set) var raw: Int32

    /// Takes over `raw`, which must be open and owned by nobody else.
    package init(owning raw: Int32) { self.raw = raw }

    deinit { if raw >= 0 { close(raw) } }

    /// Opens `path` with O_CLOEXEC added.
    package static func open(_ path: String, _ flags: Int32, mode: mode_t = 0) throws(KernelError) -> Descriptor {
        try open(FilePath(path), flags, mode: mode)
    }

    package static func open(_ path: FilePath, _ flags: Int32, mode: mode_t = 0) throws(KernelError) -> Descriptor {
        let raw = Glibc.open(path.cString, flags | O_CLOEXEC, mode)
        guard raw >= 0 else { throw KernelError("open", path) }
        return Descriptor(owning: raw)
    }

    /// Reads a record for each SIGTERM and SIGINT, which the caller has blocked (signalfd(2)).
    package static func terminationSignals() throws(KernelError) -> Descriptor {
        let raw = ck_termination_signals()
        guard raw >= 0 else { throw KernelError("signalfd", "SIGTERM, SIGINT", -raw) }
        return Descriptor(owning: raw)
    }

    /// The size of one such record.
    package static var signalRecordBytes: Int { Int(CK_SIGNAL_BYTES) }

    /// A second descriptor of the same open file, close-on-exec.
    package borrowing func duplicate() throws(KernelError) -> Descriptor {
        let copy = fcntl(raw, F_DUPFD_CLOEXEC, 3)
        guard copy >= 0 else { throw KernelError("dup", "\(raw)") }
        return Descriptor(owning: copy)
    }

    /// Gives up ownership: the caller must close the number.
    package consuming func release() -> Int32 {
        let number = raw
        raw = -1
        return number
    }
}

/// A descriptor with several holders: closed when the last one lets go, or early by `close`.
///
/// After `close` the number is gone for all holders; `withRaw` then reports EBADF.
package final class SharedDescriptor: Sendable {
    private let state: Mutex<Int32>

    package init(_ descriptor: consuming Descriptor) { state = Mutex(descriptor.release()) }

    deinit { close() }

    /// Runs `body` with the number; it cannot be closed meanwhile, so `body` must not block.
    package func withRaw<Result>(_ body: (Int32) throws(KernelError) -> Result) throws(KernelError) -> Result {
        let outcome = state.withLock { raw -> Swift.Result<Result, KernelError> in
            guard raw >= 0 else { return .failure(KernelError("use", "closed descriptor", EBADF)) }
            do throws(KernelError) { return .success(try body(raw)) } catch { return .failure(error) }
        }
        return try outcome.get()
    }

    /// A descriptor of its own for the caller.
    package func duplicate() throws(KernelError) -> Descriptor {
        Descriptor(
            owning: try withRaw { raw throws(KernelError) in
                let copy = fcntl(raw, F_DUPFD_CLOEXEC, 3)
                guard copy >= 0 else { throw KernelError("dup", "\(raw)") }
                return copy
            })
    }

    /// Closes now. Later calls do nothing.
    package func close() {
        state.withLock { raw in
            if raw >= 0 { Glibc.close(raw) }
            raw = -1
        }
    }
}
