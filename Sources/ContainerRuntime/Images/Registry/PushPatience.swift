import APIMachinery
import CRI
import OCI

/// How often what a registry did not take is sent again: only where it may take it yet, and six times in a row without getting on.
struct PushPatience: Sendable {
    private static let tries = 6

    let time: any TimeSource
    let progress: PullProgress
    private var failures = 0

    init(time: any TimeSource, progress: PullProgress) {
        self.time = time
        self.progress = progress
    }

    /// Waits until the next try is due.
    /// - Parameter hasGotOn: whether the last try brought something across.
    /// - Throws: where there is none.
    mutating func wait(
        after failure: RegistryFailure, of blob: ImageDescriptor, hasGotOn: Bool = false
    ) async throws(CRIError) {
        failures = hasGotOn ? 0 : failures + 1
        guard !Task.isCancelled else { throw .failed("the push was cancelled") }
        guard failure.kind == .passing, failures < Self.tries else { throw .failed(failure.description) }
        progress.tell(.retrying(blob, cause: failure.description))
        do { try await time.sleep(for: .milliseconds(250 << failures)) } catch {
            throw .failed("the push was cancelled")
        }
    }
}
