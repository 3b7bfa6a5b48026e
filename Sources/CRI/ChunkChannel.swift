import Synchronization

/// Output on its way from several writers to one reader. Holds eight chunks; a writer waits while it is full.
package final class ChunkChannel: Sendable {
    private static let capacity = 8

    private struct State {
        var chunks: [StreamChunk] = []
        var writers: Int
        var isClosed = false
        var reader: CheckedContinuation<StreamChunk?, Never>?
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state: Mutex<State>

    /// - Parameter writers: how many times `finish` is called before the reader gets the end.
    package init(writers: Int) {
        state = Mutex(State(writers: writers))
    }

    /// False once the channel is closed: the writer ends.
    package func send(_ chunk: StreamChunk) async -> Bool {
        while true {
            enum Answer {
                case sent(CheckedContinuation<StreamChunk?, Never>?)
                case closed, full
            }
            let answer = state.withLock { state -> Answer in
                if state.isClosed { return .closed }
                if let reader = state.reader {
                    state.reader = nil
                    return .sent(reader)
                }
                guard state.chunks.count < Self.capacity else { return .full }
                state.chunks.append(chunk)
                return .sent(nil)
            }
            switch answer {
            case .sent(let reader):
                reader?.resume(returning: chunk)
                return true
            case .closed: return false
            case .full: await space()
            }
        }
    }

    private func space() async {
        await withCheckedContinuation { continuation in
            let goesOn = state.withLock { state in
                if state.isClosed || state.chunks.count < Self.capacity { return true }
                state.waiting.append(continuation)
                return false
            }
            if goesOn { continuation.resume() }
        }
    }

    /// One writer has come to its end.
    package func finish() {
        let reader = state.withLock { state -> CheckedContinuation<StreamChunk?, Never>? in
            state.writers -= 1
            guard state.writers <= 0 else { return nil }
            defer { state.reader = nil }
            return state.reader
        }
        reader?.resume(returning: nil)
    }

    /// The next chunk; nil at the end, after `close`, and where the task is cancelled, which closes the channel.
    package func receive() async -> StreamChunk? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in next(continuation) }
        } onCancel: {
            close()
        }
    }

    private func next(_ continuation: CheckedContinuation<StreamChunk?, Never>) {
        enum Answer {
            case chunk(StreamChunk, [CheckedContinuation<Void, Never>])
            case end, wait
        }
        let answer = state.withLock { state -> Answer in
            if state.isClosed { return .end }
            if !state.chunks.isEmpty {
                defer { state.waiting = [] }
                return .chunk(state.chunks.removeFirst(), state.waiting)
            }
            // A second reader at a time is not served.
            if state.writers <= 0 || state.reader != nil { return .end }
            state.reader = continuation
            return .wait
        }
        switch answer {
        case .chunk(let chunk, let writers):
            for writer in writers { writer.resume() }
            continuation.resume(returning: chunk)
        case .end: continuation.resume(returning: nil)
        case .wait: break
        }
    }

    /// Drops what was not read; writers end, and the reader too.
    package func close() {
        let (reader, writers) = state.withLock { state in
            state.isClosed = true
            state.chunks = []
            defer {
                state.reader = nil
                state.waiting = []
            }
            return (state.reader, state.waiting)
        }
        reader?.resume(returning: nil)
        for writer in writers { writer.resume() }
    }
}
