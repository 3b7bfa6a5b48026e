import CRI
import HTTP
import JSONTree
import Synchronization

/// Lines of progress on their way to one reader. A line that was not read yet gives way to the next of the same key, so a slow reader holds nothing up and
/// costs no memory. A reader that goes away ends the work.
final class ProgressFeed: Sendable {
    private struct State {
        var pending: [(key: String, value: JSONValue)] = []
        var isDone = false
        var reader: CheckedContinuation<Void, Never>?
        var task: Task<Void, Never>?
    }

    private let state = Mutex(State())

    func tell(_ key: String, _ value: JSONValue) {
        let reader = state.withLock { state in
            if let index = state.pending.firstIndex(where: { $0.key == key }) {
                state.pending[index].value = value
            } else {
                state.pending.append((key, value))
            }
            defer { state.reader = nil }
            return state.reader
        }
        reader?.resume()
    }

    /// Starts the work. Its last line is what `body` gives, or its failure.
    func run(_ body: @escaping @Sendable () async throws(CRIError) -> JSONValue) {
        let task = Task { [self] in
            do throws(CRIError) {
                tell("end", try await body())
            } catch {
                tell("end", ["event": "failed", "message": .string(error.description)])
            }
            finish()
        }
        state.withLock { $0.task = task }
    }

    private func finish() {
        let reader = state.withLock { state in
            state.isDone = true
            defer { state.reader = nil }
            return state.reader
        }
        reader?.resume()
    }

    var stream: ByteStream {
        ByteStream(next: { [self] in await next() }, cancel: { [self] in state.withLock { $0.task }?.cancel() })
    }

    private func next() async -> [UInt8]? {
        while true {
            let (lines, isDone) = state.withLock { state in
                defer { state.pending = [] }
                return (state.pending, state.isDone)
            }
            if !lines.isEmpty { return lines.flatMap { $0.value.encoded() + [UInt8(ascii: "\n")] } }
            if isDone { return nil }
            await wait()
        }
    }

    private func wait() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let goesOn = state.withLock { state in
                    if !state.pending.isEmpty || state.isDone || Task.isCancelled { return true }
                    state.reader = continuation
                    return false
                }
                if goesOn { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.task }?.cancel()
            finish()
        }
    }
}
