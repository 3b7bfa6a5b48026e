import Synchronization

/// A watch: first the history that it missed, read a page at a time, then what its inbox receives.
final class BufferedWatch: StoreWatch {
    /// How many events an inbox holds before the watch ends with `.overrun`.
    static let limit = 16_384
    private static let replayPage = 512

    /// Where the store puts a watcher's events.
    final class Inbox: Sendable {
        private struct State {
            var buffer: WatchBuffer
            var waiter: CheckedContinuation<WatchBuffer.Taken, Never>?
        }

        let prefix: String
        private let state: Mutex<State>

        init(prefix: String, limit: Int) {
            self.prefix = prefix
            state = Mutex(State(buffer: WatchBuffer(limit: limit)))
        }

        /// False once the watch has ended.
        func offer(_ events: [StoreEvent]) -> Bool {
            change { $0.offer(events) }
            return state.withLock { !$0.buffer.hasEnded }
        }

        func finish() {
            change { $0.finish() }
        }

        func fail(_ error: StoreError) {
            change { $0.fail(error) }
        }

        /// The error the watch ended with, if it has.
        func failure() -> StoreError? {
            state.withLock { state in
                guard state.buffer.hasEnded, case .failed(let error) = state.buffer.take() else { return nil }
                return error
            }
        }

        func next() async -> WatchBuffer.Taken {
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    state.withLock { state in
                        let taken = state.buffer.take()
                        if case .nothing = taken {
                            state.waiter = continuation
                        } else {
                            continuation.resume(returning: taken)
                        }
                    }
                }
            } onCancel: {
                fail(.cancelled)
            }
        }

        private func change(_ body: (inout WatchBuffer) -> Void) {
            state.withLock { state in
                body(&state.buffer)
                guard let waiter = state.waiter else { return }
                let taken = state.buffer.take()
                if case .nothing = taken { return }
                state.waiter = nil
                waiter.resume(returning: taken)
            }
        }
    }

    private struct Replay {
        var after: Revision
        let upTo: Revision
    }

    private let live: LiveState
    private let history: any History
    private let inbox: Inbox
    private let id: Int
    private let replay: Mutex<Replay?>

    init(prefix: String, after: Revision, live: LiveState, history: any History, limit: Int) throws(StoreError) {
        let inbox = Inbox(prefix: prefix, limit: limit)
        let registered = try live.register(inbox, after: after)
        self.live = live
        self.history = history
        self.inbox = inbox
        id = registered.id
        replay = Mutex(after < registered.from ? Replay(after: after, upTo: registered.from) : nil)
    }

    deinit {
        live.unregister(id)
    }

    package func next() async throws(StoreError) -> [StoreEvent]? {
        while let missed = replay.withLock({ $0 }) {
            if let failure = inbox.failure() { throw failure }
            guard !Task.isCancelled else { throw end(.cancelled) }
            let events = try await page(missed)
            if !events.isEmpty { return events }
        }
        switch await inbox.next() {
        case .events(let events): return events
        case .failed(let error): throw end(error)
        case .finished, .nothing: return nil
        }
    }

    package func cancel() {
        _ = end(.cancelled)
    }

    private func page(_ missed: Replay) async throws(StoreError) -> [StoreEvent] {
        do throws(StoreError) {
            let page = try await history.events(
                prefix: inbox.prefix, after: missed.after, upTo: missed.upTo, limit: Self.replayPage)
            _ = try live.latest().readable(missed.after)
            replay.withLock {
                $0 = page.through < missed.upTo ? Replay(after: page.through, upTo: missed.upTo) : nil
            }
            return page.events
        } catch {
            throw end(error)
        }
    }

    private func end(_ error: StoreError) -> StoreError {
        inbox.fail(error)
        live.unregister(id)
        return error
    }
}
