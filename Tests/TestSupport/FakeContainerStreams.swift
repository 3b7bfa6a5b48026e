import CRI
import Synchronization

/// A session whose output is known from the start and that records what is written to it.
package final class FakeContainerStreams: ContainerStreams {
    private struct State {
        var pending: [StreamChunk]
        var input: [UInt8] = []
        var isInputClosed = false
        var sizes: [TerminalSize] = []
        var isClosed = false
    }

    private let state: Mutex<State>
    private let code: Int32

    package init(result: ExecResult) {
        var pending: [StreamChunk] = []
        if !result.standardOutput.isEmpty { pending.append(.standardOutput(result.standardOutput)) }
        if !result.standardError.isEmpty { pending.append(.standardError(result.standardError)) }
        state = Mutex(State(pending: pending))
        code = result.exitCode
    }

    package var input: [UInt8] { state.withLock { $0.input } }
    package var isInputClosed: Bool { state.withLock { $0.isInputClosed } }
    package var sizes: [TerminalSize] { state.withLock { $0.sizes } }
    package var isClosed: Bool { state.withLock { $0.isClosed } }

    package func receive() async throws(CRIError) -> StreamChunk? {
        state.withLock { $0.pending.isEmpty ? nil : $0.pending.removeFirst() }
    }

    package func writeStandardInput(_ bytes: [UInt8]) async throws(CRIError) {
        state.withLock { state in
            if !state.isInputClosed { state.input += bytes }
        }
    }

    package func closeStandardInput() async {
        state.withLock { $0.isInputClosed = true }
    }

    package func resize(_ size: TerminalSize) async {
        state.withLock { $0.sizes.append(size) }
    }

    package func exitCode() async throws(CRIError) -> Int32 {
        code
    }

    package func close() async {
        state.withLock { $0.isClosed = true }
    }
}
