import Client
import Synchronization
import TestSupport
import Testing

/// Counts from several tasks.
final class Counter: Sendable {
    private let count = Mutex(0)

    var value: Int { count.withLock { $0 } }

    func increment() -> Int {
        count.withLock { count in
            count += 1
            return count
        }
    }
}

/// Who works on what, as several workers report it.
final class Ledger: Sendable {
    private let state = Mutex((active: Set<Int>(), done: Set<Int>()))

    var done: Set<Int> { state.withLock { $0.done } }

    /// False where another worker has the key.
    func begin(_ key: Int) -> Bool {
        state.withLock { $0.active.insert(key).inserted }
    }

    func end(_ key: Int) {
        state.withLock { state in
            state.active.remove(key)
            state.done.insert(key)
        }
    }
}

@Suite struct WorkQueueTests {
    @Test func aKeyWaitsOnce() async {
        let queue = WorkQueue<String>(time: ManualTime())
        for key in ["a", "b", "a", "a"] { queue.add(key) }
        #expect(queue.count == 2)
        #expect(await queue.next() == "a")
        #expect(await queue.next() == "b")
    }

    @Test func aKeyAddedDuringItsWorkComesBackAfterIt() async {
        let queue = WorkQueue<String>(time: ManualTime())
        queue.add("a")
        #expect(await queue.next() == "a")
        queue.add("a")
        queue.add("b")
        #expect(await queue.next() == "b")
        #expect(queue.count == 0)
        queue.done("a")
        #expect(await queue.next() == "a")
        queue.done("a")
        queue.close()
        #expect(await queue.next() == nil)
    }

    @Test func aDelayedKeyComesWhenItIsDue() async {
        let time = ManualTime()
        let queue = WorkQueue<String>(time: time)
        queue.add("late", after: .seconds(60))
        queue.add("soon", after: .seconds(5))
        queue.add("late", after: .seconds(90))
        async let first = queue.next()
        await time.waitForSleepers()
        #expect(time.untilNext == .seconds(5))
        time.advance(by: .seconds(5))
        #expect(await first == "soon")
        async let second = queue.next()
        await time.waitForSleepers()
        #expect(time.untilNext == .seconds(55))
        time.advance(by: .seconds(55))
        #expect(await second == "late")
    }

    @Test func anEarlierKeyWakesAWaitingWorker() async {
        let time = ManualTime()
        let queue = WorkQueue<String>(time: time)
        queue.add("late", after: .seconds(60))
        async let first = queue.next()
        await time.waitForSleepers()
        queue.add("now")
        #expect(await first == "now")
    }

    @Test func failuresDelayMoreAndMoreUntilForgotten() async {
        let time = ManualTime()
        let queue = WorkQueue<String>(time: time, base: .milliseconds(10), limit: .milliseconds(60))
        var delays: [Duration?] = []
        for _ in 0..<5 {
            queue.addRateLimited("a")
            async let key = queue.next()
            await time.waitForSleepers()
            delays.append(time.untilNext)
            time.advance(by: time.untilNext ?? .zero)
            #expect(await key == "a")
            queue.done("a")
        }
        #expect(delays == [10, 20, 40, 60, 60].map { .milliseconds($0) })
        #expect(queue.failures("a") == 5)
        queue.forget("a")
        #expect(queue.failures("a") == 0)
    }

    @Test func cancellationEndsAWaitingWorker() async {
        let queue = WorkQueue<String>(time: ManualTime())
        let worker = Task { await queue.next() }
        worker.cancel()
        #expect(await worker.value == nil)
    }

    @Test func manyWorkersDoEachKeyAloneAndLoseNone() async {
        let queue = WorkQueue<Int>(time: ManualTime())
        let ledger = Ledger()
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await queue.process(workers: 4) { key in
                    #expect(ledger.begin(key))
                    await Task.yield()
                    ledger.end(key)
                    return nil
                }
            }
            for round in 0..<200 {
                queue.add(round % 20)
                if round % 7 == 0 { await Task.yield() }
            }
            queue.close()
        }
        #expect(ledger.done.count == 20)
        #expect(queue.count == 0)
    }

    @Test func failedWorkComesBackAndGoodWorkWhenItSays() async {
        struct Failure: Error {}
        let time = ManualTime()
        let queue = WorkQueue<String>(time: time, base: .seconds(1))
        let runs = Counter()
        queue.add("a")
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await queue.process { _ in
                    if runs.increment() == 1 { throw Failure() }
                    return .seconds(30)
                }
            }
            await time.waitForSleepers()
            #expect(time.untilNext == .seconds(1))
            time.advance(by: .seconds(1))
            await time.waitForSleepers()
            #expect(time.untilNext == .seconds(30))
            #expect(runs.value == 2)
            group.cancelAll()
        }
    }

    @Test func aKeyThatFailedIsHeldThoughItIsAdded() async {
        let time = ManualTime()
        let queue = WorkQueue<String>(time: time, base: .seconds(10))
        queue.addRateLimited("a")
        queue.add("a")
        async let key = queue.next()
        await time.waitForSleepers()
        #expect(time.untilNext == .seconds(1))
        time.advance(by: .seconds(1))
        #expect(await key == "a")
    }

    /// Its failures are what adds it.
    @Test func aFailingKeyIsNotHastenedByWhatItsFailuresCause() async {
        struct Failure: Error {}
        let time = ManualTime()
        let queue = WorkQueue<String>(time: time)
        let runs = Counter()
        queue.add("a")
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await queue.process { key in
                    _ = runs.increment()
                    queue.add(key)
                    throw Failure()
                }
            }
            while time.uptime() < .seconds(60) {
                await time.waitForSleepers()
                time.advance(by: time.untilNext ?? .zero)
            }
            group.cancelAll()
        }
        // Eight within the first 1.3 s, then one a second.
        #expect((60...70).contains(runs.value), "\(runs.value)")
    }
}
