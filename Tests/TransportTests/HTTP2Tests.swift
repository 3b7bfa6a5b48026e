import HTTP
import Testing
import Transport

@Suite(.timeLimit(.minutes(15))) struct HTTP2Tests {
    @Test func servesManyStreamsOnOneConnection() async throws {
        try await Lab.run { request in
            .text(
                "\(request.method.rawValue) \(request.path) \(request.query("n") ?? "") \(request.body.count) \(request.peer)"
            )
        } _: { lab in
            let client = try await HTTP2Client.connect(lab, as: lab.user("alice", ["dev"]))
            let peer = Peer.certificate(commonName: "alice", organizations: ["dev"])
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<200 {
                    group.addTask {
                        let body = [UInt8](repeating: 1, count: number * 100)
                        let answer = try await client.open("POST", "/a?n=\(number)", body: body).read()
                        return answer == ("200", "POST /a \(number) \(body.count) \(peer)")
                    }
                }
                for try await right in group { #expect(right) }
            }
            await client.close()
        }
    }

    @Test func refusesWhatIsTooLargeAndGoesOn() async throws {
        var limits = ServerLimits.patient
        limits.bodyBytes = 1_000
        try await Lab.run(limits: limits) { _ in
            .text("ok")
        } _: { lab in
            let client = try await HTTP2Client.connect(lab)
            let refused = try await client.open("POST", "/", body: [UInt8](repeating: 1, count: 50_000))
            #expect(await refused.read(until: "limit").status == "413")
            await refused.cancel()
            let served = try await client.open("GET", "/")
            #expect(await served.read() == ("200", "ok"))
            await client.close()
        }
    }

    @Test func streamsAndLearnsOfAReset() async throws {
        let cancelled = Signal()
        let second = Signal()
        try await Lab.run { _ in
            let turns = AsyncStream<[UInt8]>.makeStream()
            turns.continuation.yield(Array("one\n".utf8))
            Task {
                await second.wait()
                turns.continuation.yield(Array("two\n".utf8))
            }
            return HTTPResponse(
                200,
                body: .stream(
                    ByteStream(
                        next: {
                            for await turn in turns.stream { return turn }
                            return nil
                        }, cancel: { cancelled.set() })))
        } _: { lab in
            let client = try await HTTP2Client.connect(lab)
            let watch = try await client.open("GET", "/watch")
            #expect(await watch.read(until: "one\n") == ("200", "one\n"))
            second.set()
            #expect(await watch.read(until: "two\n").body == "two\n")
            await watch.cancel()
            await cancelled.wait()
            await client.close()
        }
    }

    @Test func aStreamThatFailsIsReset() async throws {
        struct Broken: Error {}
        try await Lab.run { _ in
            HTTPResponse(200, body: .stream(ByteStream(next: { throw Broken() })))
        } _: { lab in
            let client = try await HTTP2Client.connect(lab)
            let cut = try await client.open("GET", "/")
            #expect(await cut.read() == ("200", ""))
            // The connection is still good.
            let again = try await client.open("GET", "/")
            #expect(await again.read() == ("200", ""))
            await client.close()
        }
    }

    @Test func stopEndsTheConnection() async throws {
        try await Lab.run { _ in
            .text("ok")
        } _: { lab in
            let client = try await HTTP2Client.connect(lab)
            let served = try await client.open("GET", "/")
            #expect(await served.read() == ("200", "ok"))
            await lab.server.stop(within: .seconds(30))
        }
    }
}
