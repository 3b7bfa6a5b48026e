import APIMachinery
import Synchronization

/// How many requests run at a time, reads and writes apart. One too many is refused at once with 429: nothing queues here.
final class InFlightLimit: Sendable {
    private struct State {
        var reads = 0
        var writes = 0
    }

    private let state = Mutex(State())
    private let maxReads: Int
    private let maxWrites: Int

    init(reads: Int, writes: Int) {
        maxReads = reads
        maxWrites = writes
    }

    func enter(isRead: Bool) throws(Status) {
        let isAdmitted = state.withLock { state in
            guard isRead ? state.reads < maxReads : state.writes < maxWrites else { return false }
            if isRead { state.reads += 1 } else { state.writes += 1 }
            return true
        }
        guard isAdmitted else {
            throw .tooManyRequests("too many requests at a time; try again in a second", retryAfterSeconds: 1)
        }
    }

    func leave(isRead: Bool) {
        state.withLock { state in
            if isRead { state.reads -= 1 } else { state.writes -= 1 }
        }
    }
}
