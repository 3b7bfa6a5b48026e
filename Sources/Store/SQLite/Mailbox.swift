import Glibc

/// What tasks hand to a thread that blocks: a queue with a bound on items and on their cost.
///
/// At the limit `put` refuses; the caller tells its own caller to come back later.
// SAFETY: every stored property is read and written with `mutex` held only; both pthread objects live at a fixed
// address from init to deinit.
final class Mailbox<Item: Sendable>: @unchecked Sendable {
    enum Receipt: Sendable {
        case accepted
        case full(waiting: Int)
        case closed
    }

    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let arrival: UnsafeMutablePointer<pthread_cond_t>
    private let itemLimit: Int
    private let costLimit: Int
    private var items: [(item: Item, cost: Int)] = []
    private var cost = 0
    private var closed = false

    init(itemLimit: Int, costLimit: Int) {
        self.itemLimit = itemLimit
        self.costLimit = costLimit
        mutex = .allocate(capacity: 1)
        arrival = .allocate(capacity: 1)
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(arrival, nil)
    }

    deinit {
        pthread_cond_destroy(arrival)
        pthread_mutex_destroy(mutex)
        arrival.deallocate()
        mutex.deallocate()
    }

    /// Never blocks. An item dearer than the whole limit is taken when nothing else waits.
    func put(_ item: Item, cost: Int) -> Receipt {
        locked {
            guard !closed else { return .closed }
            guard items.count < itemLimit, items.isEmpty || self.cost + cost <= costLimit else {
                return .full(waiting: items.count)
            }
            items.append((item, cost))
            self.cost += cost
            pthread_cond_signal(arrival)
            return .accepted
        }
    }

    /// Takes the oldest items, at most `limit`, after waiting for one if asked to. Nil once closed and drained.
    func take(limit: Int, waiting: Bool) -> [Item]? {
        locked {
            while waiting, items.isEmpty, !closed { pthread_cond_wait(arrival, mutex) }
            guard !items.isEmpty else { return closed ? nil : [] }
            let taken = items.prefix(limit)
            items.removeFirst(taken.count)
            cost -= taken.reduce(0) { $0 + $1.cost }
            return taken.map(\.item)
        }
    }

    /// Refuses further items; those that wait are still handed out.
    func close() {
        locked {
            closed = true
            pthread_cond_broadcast(arrival)
        }
    }

    private func locked<Answer>(_ body: () -> Answer) -> Answer {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body()
    }
}
