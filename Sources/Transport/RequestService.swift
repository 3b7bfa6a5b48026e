import HTTP
import Logging
import NIOHTTP1
import Synchronization

/// What all connections of a server share: the handler, the limits, the bytes held for request bodies and the tasks that answer.
final class RequestService: Sendable {
    let handler: any HTTPHandler
    let limits: ServerLimits
    let logger: Logger
    /// What a client is told, in its own form, that is refused before the handler sees its request: the status and why.
    let refusal: @Sendable (Int, String) -> HTTPResponse
    private let bufferedBodyBytes = Atomic<Int>(0)
    private let running = Mutex(Running())

    fileprivate struct Running {
        var count = 0
        var waiters: [CheckedContinuation<Void, Never>] = []
        /// What sends the bodies that have no end of their own.
        var endless: [UInt64: Task<Void, Never>] = [:]
        var lastEndless: UInt64 = 0
        var endsEndless = false
    }

    init(
        handler: any HTTPHandler, limits: ServerLimits, logger: Logger,
        refusal: @escaping @Sendable (Int, String) -> HTTPResponse
    ) {
        self.handler = handler
        self.limits = limits
        self.logger = logger
        self.refusal = refusal
    }

    /// Takes `count` bytes from the budget for request bodies; false where it is used up.
    func reserve(_ count: Int) -> Bool {
        let after = bufferedBodyBytes.add(count, ordering: .relaxed).newValue
        if after <= limits.bufferedBodyBytes { return true }
        bufferedBodyBytes.subtract(count, ordering: .relaxed)
        return false
    }

    func release(_ count: Int) {
        if count > 0 { bufferedBodyBytes.subtract(count, ordering: .relaxed) }
    }

    /// Starts the task that answers a request.
    func start(_ request: HTTPRequest, on exchange: Exchange) -> Task<Void, Never> {
        running.withLock { $0.count += 1 }
        return Task {
            await serve(request, on: exchange)
            let waiters = running.withLock { running -> [CheckedContinuation<Void, Never>] in
                running.count -= 1
                return running.count == 0 ? running.takeWaiters() : []
            }
            for waiter in waiters { waiter.resume() }
        }
    }

    /// Returns when no request is being answered, or at `giveUp`.
    func idle() async {
        await withCheckedContinuation { continuation in
            let now = running.withLock { running in
                if running.count > 0 { running.waiters.append(continuation) }
                return running.count == 0
            }
            if now { continuation.resume() }
        }
    }

    func giveUp() {
        for waiter in running.withLock({ $0.takeWaiters() }) { waiter.resume() }
    }

    /// Answers one request. Runs in a task of its own, which is cancelled when the client goes away.
    private func serve(_ request: HTTPRequest, on exchange: Exchange) async {
        let response: HTTPResponse
        do throws(HTTPError) {
            response = try await handler.handle(request)
        } catch {
            logger.debug("handler failed", metadata: ["path": "\(request.path)", "error": "\(error)"])
            response = Self.failure(error)
        }
        switch response.body {
        case .parts(let parts): exchange.respond(response, parts: parts)
        case .stream(let stream) where stream.isEndless:
            await untilStop { await self.send(response, stream: stream, on: exchange) }
        case .stream(let stream): await send(response, stream: stream, on: exchange)
        case .webSocket(let subprotocol, let isEndless, let run):
            guard let session = await exchange.upgrade(subprotocol: subprotocol) else { return }
            if isEndless { await untilStop { await run(session) } } else { await run(session) }
            await session.close(code: 1000)
        case .streams(let name, let run):
            await exchange.upgradeToStreams(name)?.serve(run)
        }
    }

    /// Ends, from now on, every body that has no end of its own.
    func endEndless() {
        let tasks = running.withLock { running in
            running.endsEndless = true
            return Array(running.endless.values)
        }
        for task in tasks { task.cancel() }
    }

    /// Returns when `send` does, which is cancelled once the server stops.
    private func untilStop(_ send: @escaping @Sendable () async -> Void) async {
        let sending = Task { await send() }
        let (number, isLate) = running.withLock { running in
            running.lastEndless += 1
            running.endless[running.lastEndless] = sending
            return (running.lastEndless, running.endsEndless)
        }
        if isLate { sending.cancel() }
        await withTaskCancellationHandler {
            await sending.value
        } onCancel: {
            sending.cancel()
        }
        running.withLock { _ = $0.endless.removeValue(forKey: number) }
    }

    private func send(_ response: HTTPResponse, stream: ByteStream, on exchange: Exchange) async {
        defer { stream.cancel() }
        exchange.begin(response)
        do {
            while let chunk = try await stream.next() {
                guard await exchange.write(chunk) else { return }
            }
            exchange.end(trailers: response.trailers?())
        } catch {
            logger.debug("response stream failed", metadata: ["error": "\(error)"])
            exchange.abort()
        }
    }

    /// The answer where a handler throws instead of answering.
    private static func failure(_ error: HTTPError) -> HTTPResponse {
        switch error {
        case .bodyTooLarge: plain(413, "\(error)")
        case .malformed: plain(400, "\(error)")
        case .timedOut: plain(504, "\(error)")
        case .connectFailed, .refused, .connectionLost: plain(502, "\(error)")
        }
    }

    static func plain(_ status: Int, _ text: String) -> HTTPResponse {
        HTTPResponse(status, contentType: "text/plain; charset=utf-8", Array((text + "\n").utf8))
    }
}

extension RequestService.Running {
    fileprivate mutating func takeWaiters() -> [CheckedContinuation<Void, Never>] {
        defer { waiters = [] }
        return waiters
    }
}
