import CRI
import Testing

@testable import ContainerRuntime

@Suite struct StreamTests {
    @Test func chunksComeInOrderAndEnd() async {
        let channel = ChunkChannel(writers: 2)
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for number in UInt8(0)..<100 { _ = await channel.send(.standardOutput([number])) }
                channel.finish()
            }
            group.addTask {
                _ = await channel.send(.standardError([255]))
                channel.finish()
            }
            var output: [UInt8] = []
            var errors = 0
            while let chunk = await channel.receive() {
                switch chunk {
                case .standardOutput(let bytes): output += bytes
                case .standardError: errors += 1
                }
            }
            #expect(output == Array(0..<100) && errors == 1)
        }
    }

    @Test func aClosedChannelLetsEverybodyGo() async {
        let channel = ChunkChannel(writers: 1)
        async let writer = {
            var sent = 0
            while await channel.send(.standardOutput([0])) { sent += 1 }
            return sent
        }()
        _ = await channel.receive()
        channel.close()
        #expect(await writer >= 1)
        #expect(await channel.receive() == nil)
    }

    @Test func aCancelledReaderEnds() async {
        let channel = ChunkChannel(writers: 1)
        let reader = Task { await channel.receive() }
        await Task.yield()
        reader.cancel()
        #expect(await reader.value == nil)
    }

    @Test func anEndIsSetOnce() async {
        let latch = ExitLatch()
        let waiter = Task { await latch.wait() }
        let cancelled = Task { await latch.wait() }
        cancelled.cancel()
        #expect(await cancelled.value == nil)
        latch.set(4)
        latch.set(5)
        #expect(await waiter.value == 4)
        #expect(await latch.wait() == 4)
    }

    @Test func turnsAreTakenOneAtATime() async throws {
        let turn = Turn()
        let inside = Counter()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<50 {
                group.addTask {
                    try await turn.take { () async throws(CRIError) in
                        await inside.enter()
                        await Task.yield()
                        await inside.leave()
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(await inside.highest == 1)
    }

    @Test func whoIsCancelledWaitsForNoTurn() async throws {
        let turn = Turn()
        let (holds, release) = AsyncStream<Void>.makeStream()
        let holder = Task { try await turn.take { () async throws(CRIError) in for await _ in holds {} } }
        #expect(await comes { turn.isTaken })
        @Sendable func wait() async -> Bool {
            (try? await turn.takeUnlessCancelled { () async throws(CRIError) in true }) ?? false
        }
        let (cancelled, patient) = (Task { await wait() }, Task { await wait() })
        #expect(await comes { turn.waiting == 2 })
        cancelled.cancel()
        #expect(await cancelled.value == false)
        #expect(turn.waiting == 1)
        release.finish()
        try await holder.value
        #expect(await patient.value)
        let late = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return await wait()
        }
        #expect(await late.value == false && !turn.isTaken)
    }
}

private actor Counter {
    private var now = 0
    private(set) var highest = 0

    func enter() {
        now += 1
        highest = max(highest, now)
    }

    func leave() { now -= 1 }
}
