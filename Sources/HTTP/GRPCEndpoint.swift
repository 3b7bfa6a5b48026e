import Synchronization

/// Serves a `GRPCHandler` over HTTP/2 (PROTOCOL-HTTP2 of gRPC): an HTTP handler like any other, whose answers end with trailers.
package struct GRPCEndpoint: HTTPHandler {
    private let handler: any GRPCHandler
    private let sleep: @Sendable (Duration) async throws -> Void

    /// - Parameter sleep: the clock by which deadlines of callers run out.
    package init(_ handler: any GRPCHandler, sleep: @escaping @Sendable (Duration) async throws -> Void) {
        self.handler = handler
        self.sleep = sleep
    }

    package func handle(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
        guard request.method == .post else { return HTTPResponse(405) }
        guard request.headers["content-type"]?.hasPrefix("application/grpc") == true else { return HTTPResponse(415) }
        do throws(GRPCStatus) {
            switch try await answer(request) {
            case .message(let message): return Self.response(.parts([GRPCFrame.framed(message)]))
            case .stream(let stream): return Self.response(stream)
            }
        } catch {
            return Self.response(.parts([]), error)
        }
    }

    private func answer(_ request: HTTPRequest) async throws(GRPCStatus) -> GRPCReply {
        guard let message = GRPCFrame.message(in: request.body), !request.body.isEmpty,
            request.body.count == message.count + GRPCFrame.headBytes
        else {
            throw GRPCStatus(.unimplemented, "a call needs one message that is not compressed")
        }
        guard let timeout = request.headers["grpc-timeout"] else {
            return try await handler.call(request.path, message)
        }
        guard let limit = GRPCTimeout.duration(timeout) else {
            throw GRPCStatus(.invalidArgument, "grpc-timeout \"\(timeout)\" is none")
        }
        return try await answer(request.path, message, within: limit)
    }

    /// The work is cancelled at the deadline, and waited for: a caller that has given up must not come again while the first try is still at work.
    private func answer(
        _ path: String, _ message: [UInt8], within limit: Duration
    ) async throws(GRPCStatus) -> GRPCReply {
        let (handler, sleep) = (handler, sleep)
        let outcome = await withTaskGroup(of: Result<GRPCReply, GRPCStatus>?.self) { group in
            group.addTask {
                do throws(GRPCStatus) { return .success(try await handler.call(path, message)) } catch {
                    return .failure(error)
                }
            }
            group.addTask {
                try? await sleep(limit)
                return nil
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
        guard let outcome else { throw GRPCStatus(.deadlineExceeded, "\(path) has not ended within \(limit)") }
        return try outcome.get()
    }

    /// What a server says of a call that it refuses before the handler sees it. A caller of gRPC reads no HTTP status.
    package static func refusal(_ status: Int, _ text: String) -> HTTPResponse {
        let code: GRPCStatus.Code =
            switch status {
            case 413: .resourceExhausted
            case 408: .deadlineExceeded
            case 503: .unavailable
            default: .internal
            }
        return response(.parts([]), GRPCStatus(code, text))
    }

    private static func response(_ body: HTTPResponse.Body, _ status: GRPCStatus? = nil) -> HTTPResponse {
        var response = HTTPResponse(200, headers: ["content-type": "application/grpc"], body: body)
        response.trailers = { trailers(status) }
        return response
    }

    /// The status is known when the stream has ended.
    private static func response(_ stream: ByteStream) -> HTTPResponse {
        let kept = Kept()
        let framed = ByteStream(
            next: {
                do {
                    return try await stream.next().map(GRPCFrame.framed)
                } catch {
                    kept.set(error as? GRPCStatus ?? GRPCStatus(.unavailable, "\(error)"))
                    return nil
                }
            }, cancel: { stream.cancel() })
        let body = HTTPResponse.Body.stream(stream.isEndless ? framed.endless : framed)
        var response = HTTPResponse(200, headers: ["content-type": "application/grpc"], body: body)
        response.trailers = { trailers(kept.status) }
        return response
    }

    private static func trailers(_ status: GRPCStatus?) -> HTTPHeaders {
        var fields: HTTPHeaders = ["grpc-status": "\((status?.code ?? .ok).rawValue)"]
        if let status { fields["grpc-message"] = GRPCText.encoded(status.message) }
        return fields
    }
}

/// How a stream has ended; nil: well, or not yet.
private final class Kept: Sendable {
    private let value = Mutex<GRPCStatus?>(nil)

    var status: GRPCStatus? { value.withLock { $0 } }

    func set(_ status: GRPCStatus) {
        value.withLock { $0 = status }
    }
}
