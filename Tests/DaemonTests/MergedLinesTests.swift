import Testing

@testable import Daemon

@Suite struct MergedLinesTests {
    /// Goes on until it is cancelled.
    private static let idle: @Sendable (@Sendable ([UInt8]) -> Void) async -> Void = { _ in
        let (never, end) = AsyncStream.makeStream(of: Void.self)
        for await _ in never {}
        end.finish()
    }

    @Test func aReaderThatDoesNotKeepUpIsCutOffAfterWhatFits() async throws {
        let (ended, end) = AsyncStream.makeStream(of: Void.self)
        let (begun, begin) = AsyncStream.makeStream(of: Void.self)
        let stream = MergedLines.stream(
            bound: 2,
            [
                { put in
                    for number in UInt8(1)...3 { put([number]) }
                    begin.finish()
                    await Self.idle { _ in }
                    end.finish()
                }, Self.idle,
            ])
        for await _ in begun {}
        #expect(try await stream.next() == [1])
        #expect(try await stream.next() == [2])
        #expect(try await stream.next() == nil)
        // Its work is over too.
        for await _ in ended {}
    }

    @Test func oneWhoKeepsUpGetsAll() async throws {
        let (numbers, feed) = AsyncStream.makeStream(of: UInt8.self)
        let stream = MergedLines.stream(
            bound: 1, [{ put in for await number in numbers { put([number]) } }, Self.idle])
        for number in UInt8(1)...100 {
            feed.yield(number)
            #expect(try await stream.next() == [number])
        }
        feed.finish()
        #expect(try await stream.next() == nil)
    }

    @Test func whatASourceSaysOfItsCancelReachesNobody() async throws {
        let (begun, begin) = AsyncStream.makeStream(of: Void.self)
        let (ended, end) = AsyncStream.makeStream(of: Void.self)
        let stream = MergedLines.stream([
            { put in
                begin.finish()
                await Self.idle(put)
                put([9])
                end.finish()
            }
        ])
        for await _ in begun {}
        let reading = Task { try await stream.next() }
        reading.cancel()
        for await _ in ended {}
        #expect(try await reading.value == nil)
    }

    @Test func aReaderThatGoesEndsTheWork() async {
        let (ended, end) = AsyncStream.makeStream(of: Void.self)
        let stream = MergedLines.stream([
            { put in
                await Self.idle(put)
                end.finish()
            }
        ])
        stream.cancel()
        for await _ in ended {}
    }
}
