import APIMachinery
import Client
import Logging
import Synchronization

extension WorkQueue where Key: CustomStringConvertible {
    /// Works on keys as `process` does, and logs what goes wrong: once in a minute for each kind of failure, since thousands of objects may fail alike.
    /// Where only the view lagged behind it is no fault, and the key comes back.
    func reconcile(
        workers: Int, _ controller: String, log: Logger, _ work: @escaping @Sendable (Key) async throws -> Duration?
    ) async {
        let failures = SharedFailures()
        let time = time
        await process(workers: workers) { key in
            do {
                return try await work(key)
            } catch {
                let status = error as? Status
                let expected: [Status.Reason] = [.conflict, .alreadyExists, .notFound]
                let isExpected = status.map { status in expected.contains { status.isReason($0) } } ?? false
                let kind = status?.reason ?? String(describing: type(of: error))
                let count = isExpected ? nil : failures.log.withLock { $0.note(kind, at: time.uptime()) }
                log.log(
                    level: count == nil ? .debug : .warning, "a reconciliation failed and is tried again",
                    metadata: [
                        "controller": "\(controller)", "object": "\(key)", "error": "\(error)",
                        "failures": "\(count ?? 1)",
                    ])
                throw error
            }
        }
    }
}

private final class SharedFailures: Sendable {
    let log = Mutex(FailureLog())
}
