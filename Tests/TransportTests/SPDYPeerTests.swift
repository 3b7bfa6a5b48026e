import HTTP
import TestSupport
import Testing

@testable import Transport

@Suite struct SPDYPeerTests {
    private var client = SPDYClient()
    private var server = SPDYPeer()

    @Test mutating func readsWhatKubectlSends() throws {
        // Header blocks by zlib with SPDY's dictionary, the second packed with the help of the first.
        let first = try bytes(
            "78f9e3c6a7c202253a703a2b294a4dcc851625aca9a0808614cb45a024cc64610024398b209198094adc8c0600000000ffff")
        let second = try bytes("c2aa15540a2512d209000000ffff")
        let frames = [(1, first), (3, second)].flatMap { id, block -> [UInt8] in
            client.control(1, [0, 0, 0, UInt8(id), 0, 0, 0, 0, 0, 0] + block)
        }
        let outcome = try server.take(frames)
        #expect(
            outcome.events == [
                .opened(id: 1, headers: ["streamtype": "error", "port": "80", "requestid": "0"]),
                .opened(id: 3, headers: ["streamtype": "data", "port": "80", "requestid": "0"]),
            ])
        var reply = outcome.reply
        #expect(try ServerFrame.take(&reply) == [.reply(1), .reply(3)])
    }

    @Test mutating func itsRepliesCanBeUnpacked() throws {
        let outcome = try server.take(client.open(1, [:]) + client.open(3, [:]))
        var inflater = Inflater(dictionary: SPDYDictionary.bytes)
        let first = outcome.reply[12..<28]
        #expect(try inflater.inflate(first, limit: 4) == [0, 0, 0, 0])
        #expect(try inflater.inflate(outcome.reply[(28 + 12)...], limit: 4) == [0, 0, 0, 0])
    }

    @Test mutating func cutAnywhereItReadsTheSame() throws {
        let all =
            client.open(1, ["a": "b"]) + client.data(1, [1, 2, 3]) + client.ping(5) + client.open(3, [:], isFinal: true)
            + client.headers(1, ["c": "d"]) + client.data(1, [], isFinal: true)
        var events: [SPDYPeer.Event] = []
        for byte in all { events += try server.take([byte]).events }
        #expect(
            events == [
                .opened(id: 1, headers: ["a": "b"]), .data(id: 1, [1]), .data(id: 1, [2]), .data(id: 1, [3]),
                .opened(id: 3, headers: [:]), .finished(id: 3), .finished(id: 1),
            ])
    }

    /// Our own client's frames, which a server of somebody else's must read as well.
    @Test mutating func aClientOpensStreamsAndEndsThem() throws {
        var client = SPDYPeer(isClient: true)
        let first = client.open(["streamType": "error"])
        let second = client.open(["streamType": "stdin"])
        #expect(first.id == 1 && second.id == 3)
        let opened = try server.take(first.frame + second.frame)
        #expect(
            opened.events == [
                .opened(id: 1, headers: ["streamtype": "error"]), .opened(id: 3, headers: ["streamtype": "stdin"]),
            ])
        let replies = try client.take(opened.reply)
        #expect(replies == SPDYPeer.Outcome())
        let input = try #require(client.data(3, [1, 2]))
        let inputEnd = client.finish(3)
        let ended = try server.take(input + (inputEnd ?? []))
        #expect(ended.events == [.data(id: 3, [1, 2]), .finished(id: 3)])
        let answer = try #require(server.data(1, [7]))
        let answerEnd = server.finish(1)
        let answered = try client.take(answer + (answerEnd ?? []))
        #expect(answered.events == [.data(id: 1, [7]), .finished(id: 1)])
        // Each is told what is the other's to say.
        var (other, another) = (SPDYPeer(), SPDYPeer(isClient: true))
        #expect(throws: SPDYError.self) { try other.take(opened.reply) }
        #expect(throws: SPDYError.self) { try another.take(first.frame) }
    }

    @Test mutating func eachWayEndsByItself() throws {
        _ = try server.take(client.open(1, [:]) + client.data(1, [1], isFinal: true))
        #expect(server.data(1, [7]) == client.data(1, [7]))
        #expect(server.finish(1) == client.data(1, [], isFinal: true))
        #expect(server.finish(1) == nil)
        #expect(server.data(1, [7]) == nil)
        // What comes late is dropped.
        #expect(try server.take(client.data(1, [1])) == SPDYPeer.Outcome())
    }

    @Test mutating func largeDataGoesInSeveralFrames() throws {
        _ = try server.take(client.open(1, [:]))
        var sent = server.data(1, [UInt8](repeating: 1, count: 70_000)) ?? []
        let sizes = try ServerFrame.take(&sent).map { frame in
            if case .data(1, let part, false) = frame { part.count } else { 0 }
        }
        #expect(sizes == [32_768, 32_768, 4_464])
    }

    @Test mutating func aStreamCanBeBrokenOff() throws {
        _ = try server.take(client.open(1, [:]) + client.open(3, [:]))
        #expect(try server.take(client.reset(1)).events == [.reset(id: 1)])
        #expect(server.data(1, [1]) == nil)
        #expect(server.reset(3) == client.reset(3))
        #expect(try server.take(client.data(3, [1])) == SPDYPeer.Outcome())
        // After its end, data is a fault that costs the stream.
        _ = try server.take(client.open(5, [:], isFinal: true))
        let outcome = try server.take(client.data(5, [1]))
        #expect(outcome.events == [.reset(id: 5)])
        var reply = outcome.reply
        #expect(try ServerFrame.take(&reply) == [.reset(5, reason: 9)])
    }

    @Test mutating func onlyTheClientsPingsAreAnswered() throws {
        #expect(try server.take(client.ping(1)).reply == client.ping(1))
        #expect(try server.take(client.ping(2)).reply.isEmpty)
    }

    @Test mutating func tooManyStreamsAreRefused() throws {
        for number in 0..<UInt32(SPDYPeer.maximumStreams) { _ = try server.take(client.open(number * 2 + 1, [:])) }
        let outcome = try server.take(client.open(2_001, ["a": "b"]))
        #expect(outcome.events.isEmpty)
        var reply = outcome.reply
        #expect(try ServerFrame.take(&reply) == [.reset(2_001, reason: 3)])
        // One that ends makes room, and the header blocks still go together.
        #expect(try server.take(client.reset(1) + client.open(2_003, ["a": "b"])).events.count == 2)
    }

    @Test mutating func windowsNeitherOverflowNorHoldBack() throws {
        _ = try server.take(client.open(1, [:]))
        let updates = (0..<1_000).flatMap { _ in client.window(1, 0x7FFF_FFFF) + client.window(0, 0xFFFF_FFFF) }
        #expect(try server.take(updates) == SPDYPeer.Outcome())
        // More than SPDY's first window, both ways.
        let much = [UInt8](repeating: 1, count: 200_000)
        #expect(server.data(1, much) != nil)
        #expect(try server.take(client.data(1, much)).events == [.data(id: 1, much)])
    }

    @Test func whatIsMalformedEndsTheConnection() throws {
        let client = SPDYClient()
        let frames: [[UInt8]] = [
            client.control(1, [0, 0, 0, 1]), client.control(2, [0, 0, 0, 1]), client.control(3, [1]),
            client.control(6, []), client.control(7, [0]), client.control(8, [0]), client.control(9, [0, 0, 0, 1]),
            client.data(1, [1]), client.data(0, [1]), [0x80, 2, 0, 1, 0, 0, 0, 0],
            // Over the bound before a byte of the body has come.
            [0x80, 3, 0, 1, 0, 0xFF, 0xFF, 0xFF],
            client.control(1, [0, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
        ]
        for frame in frames {
            var server = SPDYPeer()
            #expect(throws: SPDYError.self) { try server.take(frame) }
        }
        for ids: [UInt32] in [[2], [0], [3, 3], [5, 3]] {
            var (server, client) = (SPDYPeer(), SPDYClient())
            #expect(throws: SPDYError.self) {
                for id in ids { _ = try server.take(client.open(id, [:])) }
            }
        }
    }

    @Test(
        arguments: [
            [], [0, 0, 0], [0, 0, 0, 1], [0xFF, 0xFF, 0xFF, 0xFF], [0, 0, 0, 0, 1],
            [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 1, 0xFF, 0xFF, 0xFF, 0xFF, 97],
            [0, 0, 0, 1, 0, 0, 0, 1, 0xFF, 0, 0, 0, 0],
        ] as [[UInt8]])
    func headersThatAreNoneAreRefused(_ block: [UInt8]) {
        #expect(throws: SPDYError.self) { try SPDYHeaderBlock.read(block) }
    }

    @Test(arguments: 1...20) func noBytesEndTheProcess(_ seed: UInt64) {
        var random = SeededRandom(seed: seed)
        for _ in 0..<50 {
            var (server, client) = (SPDYPeer(), SPDYClient())
            var all: [UInt8] = []
            for number in 0..<UInt32(10) {
                all += client.open(number * 2 + 1, ["name": "value"])
                all += client.data(number * 2 + 1, [UInt8](repeating: 7, count: .random(in: 0...40, using: &random)))
                all += client.window(number, 1) + client.reset(number)
            }
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                all[Int.random(in: 0..<all.count, using: &random)] = .random(in: 0...255, using: &random)
            }
            while !all.isEmpty, (try? server.take(Array(all.prefix(100)))) != nil {
                all.removeFirst(min(100, all.count))
            }
        }
    }
}
