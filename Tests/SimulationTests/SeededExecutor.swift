import Client
import Glibc
import Synchronization
import Testing

/// Runs every job of a simulated cluster on the thread of its driver, one after the other, in an order that the seed gives.
///
/// Bounded by the tasks of the cluster: a task has at most one job here.
final class SeededExecutor: TaskExecutor {
    private struct State {
        var jobs: [UnownedJob] = []
        var run = 0
    }

    private let state = Mutex(State())
    private let thread = pthread_self()

    /// How many jobs have run.
    var count: Int { state.withLock { $0.run } }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if pthread_equal(thread, pthread_self()) == 0 {
            Issue.record("a job came from another thread: the history cannot be replayed")
        }
        state.withLock { $0.jobs.append(job) }
    }

    /// Runs one of the jobs that can run. False where there is none.
    func runOne(_ random: inout Chance) -> Bool {
        let job: UnownedJob? = state.withLock { state in
            guard !state.jobs.isEmpty else { return nil }
            let last = state.jobs.count - 1
            if last > 0 { state.jobs.swapAt(random.number(0...last), last) }
            state.run += 1
            return state.jobs.removeLast()
        }
        job?.runSynchronously(on: asUnownedTaskExecutor())
        return job != nil
    }
}

/// Random numbers that a seed replays (SplitMix64).
struct Chance {
    private var state: UInt64

    init(_ seed: UInt64) {
        state = seed &* 0x9E37_79B9_7F4A_7C15 ^ 0x5851_F42D_4C95_7F2D
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func number(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + Int(next() % UInt64(range.upperBound - range.lowerBound + 1))
    }

    /// True `share` times in a hundred.
    mutating func percent(_ share: Int) -> Bool { number(0...99) < share }

    mutating func pick<Element>(_ elements: [Element]) -> Element? {
        elements.isEmpty ? nil : elements[number(0...(elements.count - 1))]
    }

    mutating func duration(_ range: ClosedRange<Int>) -> Duration { .milliseconds(number(range)) }
}
