import Glibc
import Synchronization

/// A few threads for calls that block (spawning, mounting, fsync), so that they never occupy the cooperative pool.
///
/// At most `limit` calls wait; beyond that `run` throws EAGAIN at once. Threads live as long as the process.
package final class BlockingThreads: Sendable {
    private struct State {
        var jobs: [@Sendable () -> Void] = []
        var next = 0
    }

    private let state = Mutex(State())
    private let available: Semaphore
    private let limit: Int

    /// Starts `count` threads.
    package init(count: Int, limit: Int = 4096) {
        self.limit = limit
        available = Semaphore()
        for _ in 0..<max(1, count) {
            NativeThread.start { [self] in serve() }
        }
    }

    /// Runs `body` on one of the threads and returns what it gave. Not cancellable: a system call is not.
    package func run<Result: Sendable>(
        _ operation: String, _ body: @escaping @Sendable () throws(KernelError) -> Result
    ) async throws(KernelError) -> Result {
        let outcome: Swift.Result<Result, KernelError> = await withCheckedContinuation { continuation in
            let accepted = enqueue {
                do throws(KernelError) {
                    continuation.resume(returning: .success(try body()))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
            if !accepted { continuation.resume(returning: .failure(KernelError(operation, "queue", EAGAIN))) }
        }
        return try outcome.get()
    }

    /// Runs `body` on a thread of its own, which ends with it: for what may take long. EAGAIN where there can be none.
    package static func alone<Result: Sendable>(
        _ operation: String, _ body: @escaping @Sendable () throws(KernelError) -> Result
    ) async throws(KernelError) -> Result {
        let outcome: Swift.Result<Result, KernelError> = await withCheckedContinuation { continuation in
            let code = NativeThread.begin {
                do throws(KernelError) {
                    continuation.resume(returning: .success(try body()))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
            if code != 0 { continuation.resume(returning: .failure(KernelError(operation, "thread", code))) }
        }
        return try outcome.get()
    }

    private func enqueue(_ job: @escaping @Sendable () -> Void) -> Bool {
        let accepted = state.withLock { state in
            guard state.jobs.count - state.next < limit else { return false }
            state.jobs.append(job)
            return true
        }
        if accepted { available.signal() }
        return accepted
    }

    private func serve() {
        while true {
            available.wait()
            take()?()
        }
    }

    private func take() -> (@Sendable () -> Void)? {
        state.withLock { state in
            guard state.next < state.jobs.count else { return nil }
            let job = state.jobs[state.next]
            state.next += 1
            if state.next == state.jobs.count {
                state.jobs.removeAll(keepingCapacity: true)
                state.next = 0
            }
            return job
        }
    }
}

/// A POSIX semaphore of this process.
final class Semaphore: Sendable {
    // SAFETY: sem_t is made for use from several threads; the pointer never changes and is freed only in deinit.
    nonisolated(unsafe) private let handle: UnsafeMutablePointer<sem_t>

    init() {
        handle = .allocate(capacity: 1)
        sem_init(handle, 0, 0)
    }

    deinit {
        sem_destroy(handle)
        handle.deallocate()
    }

    func signal() { sem_post(handle) }

    func wait() {
        while sem_wait(handle) != 0 && errno == EINTR {}
    }
}

/// A detached thread with all signals blocked.
enum NativeThread {
    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    static func start(_ run: @escaping @Sendable () -> Void) {
        let code = begin(run)
        // SAFETY: what waits for the thread would wait for ever.
        guard code == 0 else { fatalError("start a thread: \(KernelError.text(of: code))") }
    }

    /// 0, or an errno: then it never runs.
    static func begin(_ run: @escaping @Sendable () -> Void) -> Int32 {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        pthread_attr_setstacksize(&attributes, 512 << 10)
        var everything = sigset_t()
        var previous = sigset_t()
        sigfillset(&everything)
        pthread_sigmask(SIG_BLOCK, &everything, &previous)
        let body = Unmanaged.passRetained(Body(run))
        var thread = pthread_t()
        let code = pthread_create(
            &thread, &attributes,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, body.toOpaque())
        if code != 0 { body.release() }
        pthread_sigmask(SIG_SETMASK, &previous, nil)
        pthread_attr_destroy(&attributes)
        return code
    }
}
