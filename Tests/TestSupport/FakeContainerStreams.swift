import CRI
import Synchronization

/// A session whose output is known from the start; what is written to it goes nowhere.
package final class FakeContainerStreams: ContainerStreams {
    private let pending: Mutex<[StreamChunk]>
    private let code: Int32

    package init(result: ExecResult) {
        var pending: [StreamChunk] = []
        if !result.standardOutput.isEmpty { pending.append(.standardOutput(result.standardOutput)) }
        if !result.standardError.isEmpty { pending.append(.standardError(result.standardError)) }
        self.pending = Mutex(pending)
        code = result.exitCode
    }

    package func receive() async throws(CRIError) -> StreamChunk? {
        pending.withLock { $0.isEmpty ? nil : $0.removeFirst() }
    }

    package func writeStandardInput(_ bytes: [UInt8]) async throws(CRIError) {}

    package func closeStandardInput() async {}

    package func resize(_ size: TerminalSize) async {}

    package func exitCode() async throws(CRIError) -> Int32 {
        code
    }

    package func close() async {}
}
