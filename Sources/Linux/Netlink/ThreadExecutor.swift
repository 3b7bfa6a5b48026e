import CNetlink
import Glibc
import Synchronization

/// One thread of its own for an actor whose calls block (netlink under the kernel's locks, namespace changes), so that
/// they never hold the cooperative pool.
///
/// An actor names it as its `unownedExecutor` and must keep it alive. The queue holds the actor's pending jobs: its bound
/// is the number of tasks that call the actor. The thread ends when the executor is released.
package final class ThreadExecutor: SerialExecutor {
    private let state = JobQueue()

    /// - Parameter name: shown by `ps -L`, at most 15 bytes.
    package init(name: String) {
        let start = Unmanaged.passRetained(ThreadStart(name: name, queue: state))
        var thread = pthread_t()
        let code = pthread_create(&thread, nil, runThread, start.toOpaque())
        precondition(code == 0, "no thread for \(name): \(String(cString: strerror(code)))")
        pthread_detach(thread)
    }

    deinit {
        state.stop()
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        state.append(.init(job: UnownedJob(job), executor: asUnownedSerialExecutor()))
    }

    package func asUnownedSerialExecutor() -> UnownedSerialExecutor {
        UnownedSerialExecutor(ordinary: self)
    }
}

private final class ThreadStart {
    let name: String
    let queue: JobQueue

    init(name: String, queue: JobQueue) {
        self.name = name
        self.queue = queue
    }
}

private func runThread(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    let start = Unmanaged<ThreadStart>.fromOpaque(argument).takeRetainedValue()
    cnetlink_name_thread(start.name)
    while let entry = start.queue.next() {
        entry.job.runSynchronously(on: entry.executor)
    }
    return nil
}

/// The jobs that wait for the thread. The semaphore counts them, plus one for the order to stop.
private final class JobQueue: Sendable {
    struct Entry {
        let job: UnownedJob
        let executor: UnownedSerialExecutor
    }

    private let entries = Mutex<(waiting: [Entry], taken: Int)>(([], 0))
    private let available = Semaphore()

    func append(_ entry: Entry) {
        entries.withLock { $0.waiting.append(entry) }
        available.signal()
    }

    func stop() {
        available.signal()
    }

    /// Blocks until there is a job; nil once stopped and empty.
    func next() -> Entry? {
        available.wait()
        return entries.withLock { entries in
            guard entries.taken < entries.waiting.count else { return nil }
            let entry = entries.waiting[entries.taken]
            entries.taken += 1
            if entries.taken == entries.waiting.count {
                entries.waiting.removeAll(keepingCapacity: true)
                entries.taken = 0
            }
            return entry
        }
    }
}
