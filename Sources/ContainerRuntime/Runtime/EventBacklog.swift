import Synchronization

/// The events of a source that its one reader has not read yet. Of more than `bound` the oldest go, and the reader is told that some are missing.
package final class EventBacklog<Event: Sendable>: Sendable {
    package struct Batch: Sendable {
        /// Before these, others were left out.
        package var isGap = false
        package var events: [Event] = []
    }

    private struct State {
        var batch = Batch()
        var hasEnded = false
    }

    private let bound: Int
    private let state = Mutex(State())
    private let wakes: AsyncStream<Void>
    private let waker: AsyncStream<Void>.Continuation

    /// - Parameters:
    ///   - events: those that wait from the start.
    ///   - isGap: whether others before them are missing.
    package init(_ events: [Event] = [], isGap: Bool = false, bound: Int = 1_024) {
        self.bound = bound
        (wakes, waker) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        state.withLock { $0.batch = Batch(isGap: isGap, events: events) }
        wake()
    }

    package func put(_ event: Event) {
        state.withLock { state in
            guard !state.hasEnded else { return }
            state.batch.events.append(event)
            if state.batch.events.count > bound {
                state.batch.events.removeFirst()
                state.batch.isGap = true
            }
        }
        wake()
    }

    /// Lets the reader have what there is, also where that is nothing.
    package func wake() { waker.yield() }

    /// All that waits, once something does or `wake` is called. Nil at the end and when its task is cancelled, which ends it.
    package func next() async -> Batch? {
        for await _ in wakes {
            let batch = state.withLock { state in
                defer { state.batch = Batch() }
                return state.hasEnded ? nil : state.batch
            }
            if let batch { return batch }
        }
        end()
        return nil
    }

    package func end() {
        state.withLock { $0 = State(hasEnded: true) }
        waker.finish()
    }
}

/// The readers of a source, as long as they are there.
package struct EventReaders<Event: Sendable>: Sendable {
    private struct Reader: Sendable {
        weak var backlog: EventBacklog<Event>?
    }

    private var readers: [Reader] = []

    package init() {}

    package mutating func add(_ backlog: EventBacklog<Event>) {
        readers.removeAll { $0.backlog == nil }
        readers.append(Reader(backlog: backlog))
    }

    package func put(_ event: Event) {
        for reader in readers { reader.backlog?.put(event) }
    }

    package func wake() {
        for reader in readers { reader.backlog?.wake() }
    }
}
