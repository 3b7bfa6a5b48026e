import APIMachinery
import Synchronization

/// What a simulated cluster is made of besides its parts: executor, clock, chance, and the record of what happened.
///
/// Everything runs on the thread that calls `run`; time goes on only when nothing can run at its present moment.
final class World: Sendable {
    let executor = SeededExecutor()
    let time = VirtualTime()
    private let chance: Mutex<Chance>
    private let order: Mutex<Chance>
    private let record = Mutex(Record())

    private struct Record {
        var trace: [String] = []
        var faults: [String] = []
        var hits: [String: Int] = [:]
    }

    init(seed: UInt64) {
        chance = Mutex(Chance(seed))
        order = Mutex(Chance(seed ^ 0xA5A5_5A5A_0F0F_F0F0))
    }

    func draw<Value: Sendable>(_ body: (inout Chance) -> Value) -> Value { chance.withLock { body(&$0) } }

    /// For a part that draws for itself.
    func randomSource() -> RandomSource { RandomSource(seed: draw { $0.next() }) }

    @discardableResult
    func spawn(_ body: @escaping @Sendable () async -> Void) -> Task<Void, Never> {
        Task(executorPreference: executor, operation: body)
    }

    func pause(_ duration: Duration) async {
        guard duration > .zero else { return }
        try? await time.sleep(for: duration)
    }

    /// Runs for so long, or until `isOver` says so. Returns whether it did.
    @discardableResult
    func run(for duration: Duration, until isOver: () -> Bool = { false }) -> Bool {
        let end = time.uptime() + duration
        while true {
            var random = order.withLock { $0 }
            while executor.runOne(&random) {}
            order.withLock { [random] in $0 = random }
            if isOver() { return true }
            if !time.advance(upTo: end) { return false }
        }
    }

    // MARK: - The record

    var trace: [String] { record.withLock { $0.trace } }
    var faults: [String] { record.withLock { $0.faults } }
    /// How often each kind of event came about.
    var hits: [String: Int] { record.withLock { $0.hits } }

    /// `kind` is counted.
    func note(_ kind: String, _ details: String = "") {
        let line = "\(stamp) \(kind) \(details)"
        record.withLock {
            $0.trace.append(line)
            $0.hits[kind, default: 0] += 1
        }
    }

    /// Something that must never be.
    func fault(_ text: String) {
        let line = "\(stamp) FAULT \(text)"
        record.withLock {
            $0.trace.append(line)
            $0.faults.append(text)
        }
    }

    func forgetTrace() { record.withLock { $0.trace = [] } }

    private var stamp: String {
        let parts = (time.uptime() - .seconds(1_000)).components
        let millis = String(parts.attoseconds / 1_000_000_000_000_000)
        return "\(parts.seconds).\(String(repeating: "0", count: 3 - millis.count))\(millis)"
    }
}
