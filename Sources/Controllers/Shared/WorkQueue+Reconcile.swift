import APIMachinery
import Client
import Logging

extension WorkQueue where Key: CustomStringConvertible {
    /// Works on keys as `process` does, and logs what goes wrong. Where only the view lagged behind it is no fault, and
    /// the key comes back.
    func reconcile(
        workers: Int, _ controller: String, log: Logger, _ work: @escaping @Sendable (Key) async throws -> Duration?
    ) async {
        await process(workers: workers) { key in
            do {
                return try await work(key)
            } catch {
                let status = error as? Status
                let expected: [Status.Reason] = [.conflict, .alreadyExists, .notFound]
                let isExpected = status.map { status in expected.contains { status.isReason($0) } } ?? false
                log.log(
                    level: isExpected ? .debug : .warning, "a reconciliation failed and is tried again",
                    metadata: ["controller": "\(controller)", "object": "\(key)", "error": "\(error)"])
                throw error
            }
        }
    }
}
