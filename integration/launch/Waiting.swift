import ContainerRuntime
import Glibc
import Synchronization

/// Waits for what must come, for half a minute.
func comes(_ what: String, _ hasCome: () throws -> Bool) async throws {
    for _ in 0..<3_000 where try !hasCome() { try await Task.sleep(for: .milliseconds(10)) }
    try expect(try hasCome(), "it does not come that \(what)")
}

extension PodMonitoring {
    func run(_ container: ContainerLaunch) async throws(PodMonitorError) -> LaunchReport {
        _ = try await create(container)
        return try await start(container.id)
    }
}

/// A launch that is not waited for.
final class Waiting: Sendable {
    private let outcome = Mutex<Result<Void, PodMonitorError>?>(nil)

    init(_ monitor: any PodMonitoring, _ container: ContainerLaunch) {
        begin { () async throws(PodMonitorError) in _ = try await monitor.run(container) }
    }

    init(_ monitor: any PodMonitoring, _ session: ExecLaunch) {
        begin { () async throws(PodMonitorError) in _ = try await monitor.exec(session) }
    }

    private func begin(_ launch: @escaping @Sendable () async throws(PodMonitorError) -> Void) {
        Task {
            var result = Result<Void, PodMonitorError>.success(())
            do throws(PodMonitorError) { try await launch() } catch { result = .failure(error) }
            outcome.withLock { [result] in $0 = result }
        }
    }

    var isAnswered: Bool { outcome.withLock { $0 != nil } }

    /// Once it is answered; nil where it went well.
    var failure: PodMonitorError? {
        get async throws {
            while true {
                if let outcome = outcome.withLock({ $0 }) {
                    if case .failure(let error) = outcome { return error }
                    return nil
                }
                try await Task.sleep(for: .milliseconds(10))
            }
        }
    }
}
