import HTTP
import Synchronization
import Testing
import Transport

@Suite(.timeLimit(.minutes(15))) struct StreamTests {
    @Test func chunksArriveAsTheyAreMade() async throws {
        let gates = [Signal(), Signal()]
        try await Lab.run { _ in
            let turn = Mutex(0)
            return HTTPResponse(
                200, headers: ["Content-Type": "application/json"],
                body: .stream(
                    ByteStream(next: {
                        let number = turn.withLock { turn in
                            turn += 1
                            return turn
                        }
                        guard number <= 3 else { return nil }
                        if number > 1 { await gates[number - 2].wait() }
                        return Array("\(number)".utf8)
                    })))
        } _: { lab in
            let response = try await lab.client().handle(HTTPRequest(.get, "/"))
            guard case .stream(let stream) = response.body else {
                Issue.record("not a stream")
                return
            }
            // The third is not made before the second was seen here.
            #expect(try await stream.next() == Array("1".utf8))
            gates[0].set()
            #expect(try await stream.next() == Array("2".utf8))
            gates[1].set()
            #expect(try await stream.next() == Array("3".utf8))
            #expect(try await stream.next() == nil)
        }
    }

    @Test(arguments: [true, false]) func producerWaitsForASlowClient(_ encrypted: Bool) async throws {
        let made = Atomic<Int>(0)
        let chunk = [UInt8](repeating: 7, count: 64 << 10)
        let total = 1_000
        try await Lab.run { _ in
            HTTPResponse(
                200,
                body: .stream(
                    ByteStream(next: {
                        made.add(1, ordering: .relaxed).oldValue < total ? chunk : nil
                    })))
        } _: { lab in
            let client = try encrypted ? lab.client() : lab.plainClient()
            let response = try await client.handle(HTTPRequest(.get, "/"))
            guard case .stream(let stream) = response.body else {
                Issue.record("not a stream")
                return
            }
            var size = try await stream.next()?.count ?? 0
            // Let the producer run as far as it can: it stands still long before the end.
            var before = -1
            while made.load(ordering: .relaxed) != before {
                before = made.load(ordering: .relaxed)
                for _ in 0..<2_000 { await Task.yield() }
            }
            #expect(before < total / 2)
            while let next = try await stream.next() { size += next.count }
            #expect(size == total * chunk.count)
        }
    }

    @Test func aClientThatLeavesCancelsTheStream() async throws {
        let cancelled = Signal()
        try await Lab.run { _ in
            HTTPResponse(
                200,
                body: .stream(
                    ByteStream(
                        next: {
                            // Waits like a watch without events.
                            let wait = AsyncStream<[UInt8]>.makeStream()
                            for await _ in wait.stream {}
                            throw CancellationError()
                        }, cancel: { cancelled.set() })))
        } _: { lab in
            let response = try await lab.client().handle(HTTPRequest(.get, "/"))
            guard case .stream(let stream) = response.body else {
                Issue.record("not a stream")
                return
            }
            stream.cancel()
            await cancelled.wait()
        }
    }

    @Test func aStreamDroppedUnreadFreesItsConnection() async throws {
        let cancelled = Signal()
        try await Lab.run { _ in
            HTTPResponse(
                200,
                body: .stream(
                    ByteStream(next: { [UInt8](repeating: 1, count: 100_000) }, cancel: { cancelled.set() })))
        } _: { lab in
            let client = try lab.plainClient()
            let status = try await client.handle(HTTPRequest(.get, "/")).status
            #expect(status == 200)
            await cancelled.wait()
        }
    }

    @Test func aClientThatLeavesCancelsTheHandler() async throws {
        let entered = Signal()
        let cancelled = Signal()
        try await Lab.run { _ in
            await withTaskCancellationHandler {
                entered.set()
                await cancelled.wait()
                return .text("late")
            } onCancel: {
                cancelled.set()
            }
        } _: { lab in
            let client = try lab.client()
            let call = Task { try await client.handle(HTTPRequest(.get, "/")) }
            await entered.wait()
            call.cancel()
            await #expect(throws: HTTPError.self) { try await call.value }
            await cancelled.wait()
        }
    }

    @Test func aStreamThatFailsIsCut() async throws {
        struct Broken: Error {}
        try await Lab.run { _ in
            let turn = Atomic<Int>(0)
            return HTTPResponse(
                200,
                body: .stream(
                    ByteStream(next: {
                        if turn.add(1, ordering: .relaxed).oldValue == 0 { return Array("half".utf8) }
                        throw Broken()
                    })))
        } _: { lab in
            for client in [try lab.client(), try lab.plainClient()] {
                let response = try await client.handle(HTTPRequest(.get, "/"))
                await #expect(throws: HTTPError.self) { try await response.bytes(limit: 100) }
            }
        }
    }
}
