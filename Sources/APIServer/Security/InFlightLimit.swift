import APIMachinery
import Synchronization

/// How many requests run at a time: reads and writes apart, and the cluster's own components apart from its users, so that neither keeps the other out. One
/// too many is refused at once with 429: nothing queues here.
final class InFlightLimit: Sendable {
    /// Which of the limits a request falls under.
    struct Class: Hashable {
        var isRead: Bool
        var isComponent: Bool
    }

    private let running = Mutex<[Class: Int]>([:])
    private let maxReads: Int
    private let maxWrites: Int

    init(reads: Int, writes: Int) {
        maxReads = reads
        maxWrites = writes
    }

    func enter(_ request: Class) throws(Status) {
        let limit = request.isRead ? maxReads : maxWrites
        let isAdmitted = running.withLock { running in
            guard running[request, default: 0] < limit else { return false }
            running[request, default: 0] += 1
            return true
        }
        guard isAdmitted else {
            throw .tooManyRequests("too many requests at a time; try again in a second", retryAfterSeconds: 1)
        }
    }

    func leave(_ request: Class) {
        running.withLock { $0[request, default: 0] -= 1 }
    }
}
