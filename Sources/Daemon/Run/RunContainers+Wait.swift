import CRI
import Synchronization

extension RunContainers {
    /// Returns its exit code when it has ended, also where it is then taken away at once.
    func end(of run: Run) async throws(CRIError) -> Int32 {
        guard let id = run.container?.id else {
            throw .invalid("container \(run.name) is being \(run.hasEnded ? "removed" : "made")")
        }
        while !Task.isCancelled {
            // Before the look, so that its end does not fall between the two.
            let events = runtime.containerEvents()
            guard let status = try? await runtime.containerStatus(id) else { break }
            if status.state == .exited { return status.exitCode }
            for await event in events where event.container == id && event.kind != .started { break }
        }
        if let code = ends.exitCode(of: id) { return code }
        throw .failed("container \(run.name) is gone, and its exit code with it")
    }
}

/// The exit codes of containers that were taken away, for those who wait for them. The last 256 are kept.
final class RunEnds: Sendable {
    private static let limit = 256
    private let codes = Mutex<[(id: String, code: Int32)]>([])

    func note(_ container: ContainerStatus) {
        guard container.state == .exited else { return }
        codes.withLock { codes in
            codes.append((container.id, container.exitCode))
            if codes.count > Self.limit { codes.removeFirst() }
        }
    }

    func exitCode(of container: String) -> Int32? {
        codes.withLock { $0.last { $0.id == container }?.code }
    }
}
