import HTTP
import NIOCore
import Synchronization

/// Calls one gRPC server, all over one connection, which is opened when first needed and anew after it has broken.
package final class GRPCClient: Sendable {
    /// Bytes of a message that is taken: what kubelets grant.
    package static let messageLimit = 16 << 20
    /// Messages of a stream that wait for their reader; a stream with more ends with `resourceExhausted`.
    package static let streamBuffer = 1_024
    private static let connectLimit = Duration.seconds(10)

    private let endpoint: HTTPEndpoint
    private let agent: String
    private let threads: IOThreads
    private let opening = Mutex<Task<GRPCConnection, any Error>?>(nil)

    package init(_ endpoint: HTTPEndpoint, agent: String, threads: IOThreads) {
        self.endpoint = endpoint
        self.agent = agent
        self.threads = threads
    }

    deinit {
        close()
    }

    /// The connection ends, and what is under way with it.
    package func close() {
        let task = opening.withLock { opening in
            defer { opening = nil }
            return opening
        }
        if let task { Task { try? await task.value.close() } }
    }

    /// One question, one answer. Cancelling the task breaks the call off.
    /// - Throws: what the server says; `unavailable` where none answers, `deadlineExceeded` after `limit`.
    package func call(
        _ path: String, _ message: [UInt8], within limit: Duration
    ) async throws(GRPCStatus) -> [UInt8] {
        let connection = try await connection()
        let call = UnaryCall(on: connection.channel, limit: Self.messageLimit)
        let timer = connection.channel.eventLoop.scheduleTask(in: TimeAmount(limit)) {
            call.fail(.timedOut(after: limit))
        }
        defer { timer.cancel() }
        let answer: GRPCCall.Answer
        do {
            let stream = try await connection.start(path, message, timeout: limit, agent: agent, call.receiver)
            defer { stream.close(promise: nil) }
            answer = try await withTaskCancellationHandler {
                try await call.answer()
            } onCancel: {
                stream.close(promise: nil)
            }
        } catch {
            throw status(of: error, path)
        }
        guard answer.status == 0 else {
            throw GRPCStatus(GRPCStatus.Code(rawValue: answer.status) ?? .unknown, answer.message)
        }
        return answer.body
    }

    /// One question, any number of answers, each a chunk. The stream ends with an error where the server says so or goes away.
    package func stream(_ path: String, _ message: [UInt8]) async throws(GRPCStatus) -> ByteStream {
        let connection = try await connection()
        let (messages, continuation) = AsyncThrowingStream.makeStream(
            of: [UInt8].self, bufferingPolicy: .bufferingOldest(Self.streamBuffer))
        let receiver = GRPCReceiver(
            messageLimit: Self.messageLimit,
            message: { message in
                guard case .dropped = continuation.yield(message) else { return }
                continuation.finish(throwing: GRPCStatus(.resourceExhausted, "\(path): messages come faster than read"))
            },
            end: { result in
                switch result {
                case .success((0, _)): continuation.finish()
                case .success(let (code, message)):
                    continuation.finish(throwing: GRPCStatus(.init(rawValue: code) ?? .unknown, message))
                case .failure(let error): continuation.finish(throwing: GRPCStatus(.unavailable, "\(error)"))
                }
            })
        do {
            let stream = try await connection.start(path, message, timeout: nil, agent: agent, receiver)
            continuation.onTermination = { _ in stream.close(promise: nil) }
        } catch {
            throw status(of: error, path)
        }
        return ByteStream(messages, cancel: { continuation.finish() })
    }

    /// The kept connection where it is alive; all who come while it is opened wait for the same.
    private func connection() async throws(GRPCStatus) -> GRPCConnection {
        for _ in 0..<2 {
            let task = opening.withLock { opening in
                if let opening { return opening }
                let (endpoint, threads) = (endpoint, threads)
                let task = Task {
                    try await GRPCConnection.open(endpoint, within: Self.connectLimit, threads: threads)
                }
                opening = task
                return task
            }
            do {
                let connection = try await task.value
                if connection.channel.isActive { return connection }
                forget(task)
            } catch {
                forget(task)
                throw GRPCStatus(.unavailable, "cannot connect to \(endpoint): \(connectionReason(error))")
            }
        }
        throw GRPCStatus(.unavailable, "\(endpoint) closes every connection")
    }

    private func forget(_ task: Task<GRPCConnection, any Error>) {
        opening.withLock { if $0 == task { $0 = nil } }
    }

    private func status(of error: any Error, _ path: String) -> GRPCStatus {
        switch error as? HTTPError {
        case .timedOut(let limit, _)?: GRPCStatus(.deadlineExceeded, "\(path): no answer within \(limit)")
        case .bodyTooLarge(let limit)?: GRPCStatus(.resourceExhausted, "\(path): the answer is over \(limit) bytes")
        case let error?: GRPCStatus(.unavailable, "\(endpoint): \(error)")
        case nil: GRPCStatus(.unavailable, "\(endpoint): \(connectionReason(error))")
        }
    }
}
