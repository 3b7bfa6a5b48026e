import HTTP
import NIOCore
import Synchronization

/// One unary gRPC call on a connection of its own, in the clear (HTTP/2 with prior knowledge): what a probe needs.
package enum GRPCCall {
    package struct Answer: Sendable, Hashable {
        /// 0 is success (grpc status codes).
        package var status: Int
        package var message: String
        /// The one message of the answer, empty where there is none.
        package var body: [UInt8]

        package init(status: Int, message: String, body: [UInt8]) {
            self.status = status
            self.message = message
            self.body = body
        }
    }

    /// Bytes of an answer; `bodyTooLarge` beyond.
    static let answerLimit = 64 << 10

    /// - Throws: `timedOut`, `connectFailed`, `connectionLost`, and `malformed` where the answer is no gRPC.
    package static func send(
        _ path: String, _ message: [UInt8], host: String, port: Int, within limit: Duration, threads: IOThreads
    ) async throws(HTTPError) -> Answer {
        let deadline = NIODeadline.now() + TimeAmount(limit)
        do {
            let connection = try await GRPCConnection.open(
                .http(host: host, port: port), within: limit, threads: threads)
            defer { connection.close() }
            let call = UnaryCall(on: connection.channel, limit: answerLimit)
            let timer = connection.channel.eventLoop.scheduleTask(deadline: deadline) {
                call.fail(.timedOut(after: limit))
            }
            defer { timer.cancel() }
            return try await withTaskCancellationHandler {
                _ = try await connection.start(
                    path, message, timeout: nil, agent: "kube-probe/1.36", call.receiver)
                return try await call.answer()
            } onCancel: {
                connection.close()
            }
        } catch let error as HTTPError {
            throw error
        } catch {
            if NIODeadline.now() >= deadline { throw .timedOut(after: limit) }
            throw .connectFailed(endpoint: hostPort(host, port), reason: connectionReason(error))
        }
    }
}

/// The answer to a call that has one message at most.
final class UnaryCall: Sendable {
    private let promise: EventLoopPromise<GRPCCall.Answer>
    private let body = Mutex<[UInt8]>([])
    private let limit: Int

    /// Fails also where the connection ends before the answer.
    init(on channel: any Channel, limit: Int) {
        promise = channel.eventLoop.makePromise(of: GRPCCall.Answer.self)
        self.limit = limit
        // Whichever comes first decides.
        let promise = promise
        channel.closeFuture.whenComplete { _ in
            promise.fail(HTTPError.connectionLost(reason: "the server has closed the connection"))
        }
    }

    var receiver: GRPCReceiver {
        GRPCReceiver(
            messageLimit: limit, message: { message in self.body.withLock { $0 = message } },
            end: { result in
                switch result {
                case .failure(let error): self.promise.fail(error)
                case .success(let (status, message)):
                    let body = self.body.withLock { $0 }
                    self.promise.succeed(GRPCCall.Answer(status: status, message: message, body: body))
                }
            })
    }

    func fail(_ error: HTTPError) {
        promise.fail(error)
    }

    func answer() async throws -> GRPCCall.Answer {
        try await promise.futureResult.get()
    }
}
