import APIMachinery
import Synchronization

/// The changes of an informer for one reader, in order. Ends when the reading task is cancelled, or by `cancel`.
///
/// A reader that is slow gets the newest state of each object, not every state in between, and holds no one back.
package final class InformerSubscription<Object: APIObject>: AsyncSequence, Sendable {
    package typealias Element = InformerEvent<Object>
    package typealias Failure = Never

    private struct State {
        var queue = ChangeQueue<Object>()
        var waiter: CheckedContinuation<InformerEvent<Object>?, Never>?
        var ended = false
    }

    private let state = Mutex(State())

    package func next() async -> InformerEvent<Object>? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                state.withLock { state in
                    if state.ended {
                        continuation.resume(returning: nil)
                    } else if let event = state.queue.next() {
                        continuation.resume(returning: event)
                    } else {
                        state.waiter = continuation
                    }
                }
            }
        } onCancel: {
            cancel()
        }
    }

    package func cancel() {
        state.withLock { state in
            state.ended = true
            state.queue = ChangeQueue()
            state.waiter?.resume(returning: nil)
            state.waiter = nil
        }
    }

    package func makeAsyncIterator() -> Iterator {
        Iterator(subscription: self)
    }

    package struct Iterator: AsyncIteratorProtocol {
        let subscription: InformerSubscription<Object>

        package mutating func next() async -> InformerEvent<Object>? {
            await subscription.next()
        }
    }

    var hasEnded: Bool { state.withLock { $0.ended } }

    func change(_ body: (inout ChangeQueue<Object>) -> Void) {
        state.withLock { state in
            guard !state.ended else { return }
            body(&state.queue)
            guard let waiter = state.waiter, let event = state.queue.next() else { return }
            state.waiter = nil
            waiter.resume(returning: event)
        }
    }
}
