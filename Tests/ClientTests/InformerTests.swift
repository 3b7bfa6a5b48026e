import APIMachinery
import Client
import HTTP
import JSONTree
import KubernetesAPI
import Synchronization
import TestSupport
import Testing

@Suite struct InformerTests {
    /// Serves lists and watches in the order the test wrote them down.
    final class Script: Sendable {
        private let lists: Mutex<[HTTPResponse]>
        private let watches: Mutex<[HTTPResponse]>

        init(lists: [HTTPResponse], watches: [HTTPResponse]) {
            self.lists = Mutex(lists)
            self.watches = Mutex(watches)
        }

        func answer(_ request: HTTPRequest) -> HTTPResponse {
            let none = failure(.serviceUnavailable("no more"))
            return request.query("watch") == "true"
                ? watches.withLock { $0.isEmpty ? none : $0.removeFirst() }
                : lists.withLock { $0.isEmpty ? none : $0.removeFirst() }
        }
    }

    @Test func listsAllPagesThenFollowsTheWatch() async throws {
        let channel = FakeByteChannel()
        let script = Script(
            lists: [
                page([configMap("b", version: 1)], version: 5, next: "more"),
                page([configMap("a", version: 2)], version: 5),
            ], watches: [HTTPResponse(200, body: .stream(channel.stream))])
        let handler = FakeHTTPHandler { script.answer($0) }
        try await following(handler) { informer, _ in
            let events = informer.subscribe()
            #expect(await texts(events, 3) == ["+a@2", "+b@1", "synced"])
            #expect(await informer.waitUntilSynced())
            channel.send(line("ADDED", configMap("c", version: 6).json))
            channel.send(line("MODIFIED", configMap("a", version: 7).json))
            channel.send(line("DELETED", configMap("b", version: 8).json))
            #expect(await texts(events, 3) == ["+c@6", "~a@2>7", "-b@1"])
            #expect(informer.list().map(\.metadata.name) == ["a", "c"])
            #expect(informer.get("a", in: "default")?.metadata.resourceVersion == "7")
            #expect(informer.get("b", in: "default") == nil)
        }
        #expect(handler.requests.map { $0.query("continue") } == [nil, "more", nil])
        #expect(handler.requests.last?.query("resourceVersion") == "5")
        #expect(handler.requests.first?.path == "/api/v1/configmaps")
        #expect(channel.isCancelled)
    }

    @Test func resumesAWatchThatBrokeAfterTheLastBookmark() async throws {
        let first = FakeByteChannel()
        let second = FakeByteChannel()
        let script = Script(
            lists: [page([], version: 5)],
            watches: [first, second].map { HTTPResponse(200, body: .stream($0.stream)) })
        let handler = FakeHTTPHandler { script.answer($0) }
        try await following(handler) { informer, time in
            let events = informer.subscribe()
            #expect(await texts(events, 1) == ["synced"])
            first.send(line("BOOKMARK", ["metadata": ["resourceVersion": "40"]]))
            first.finish(.connectionLost(reason: "reset"))
            await time.waitForSleepers()
            time.advance(by: .seconds(1))
            second.send(line("ADDED", configMap("a", version: 41).json))
            #expect(await texts(events, 1) == ["+a@41"])
        }
        #expect(handler.requests.map { $0.query("resourceVersion") } == [nil, "5", "40"])
    }

    @Test func listsAnewAfterGoneAndTellsTheDifference() async throws {
        let first = FakeByteChannel()
        let second = FakeByteChannel()
        let script = Script(
            lists: [
                page(["a", "b", "c"].map { configMap($0, version: 1) }, version: 5),
                page(
                    [configMap("a", version: 1), configMap("b", version: 9), configMap("c", version: 8, uid: "new")],
                    version: 10),
            ], watches: [first, second].map { HTTPResponse(200, body: .stream($0.stream)) })
        let handler = FakeHTTPHandler { script.answer($0) }
        try await following(handler) { informer, time in
            let events = informer.subscribe()
            #expect(await texts(events, 4) == ["+a@1", "+b@1", "+c@1", "synced"])
            first.send(line("ERROR", Status.expired("too old resource version").json))
            await time.waitForSleepers()
            time.advance(by: .seconds(1))
            #expect(await texts(events, 3) == ["~b@1>9", "-c@1", "+c@8"])
        }
    }

    @Test func aSlowReaderGetsTheNewestStateAndHoldsNobodyBack() async throws {
        let channel = FakeByteChannel()
        let script = Script(
            lists: [page([configMap("a", version: 1)], version: 5)],
            watches: [HTTPResponse(200, body: .stream(channel.stream))])
        let handler = FakeHTTPHandler { script.answer($0) }
        try await following(handler) { informer, _ in
            let slow = informer.subscribe()
            let fast = informer.subscribe()
            #expect(await texts(slow, 2) == ["+a@1", "synced"])
            #expect(await texts(fast, 2) == ["+a@1", "synced"])
            for version in 6...20 { channel.send(line("MODIFIED", configMap("a", version: version).json)) }
            channel.send(line("ADDED", configMap("b", version: 21).json))
            channel.send(line("DELETED", configMap("b", version: 22).json))
            channel.send(line("ADDED", configMap("c", version: 23).json))
            var last = ""
            while last != "+c@23" { last = await texts(fast, 1).first ?? "" }
            #expect(await texts(slow, 3) == ["~a@1>20", "-b@21", "+c@23"])
        }
    }

    @Test func aLateSubscriberStartsWithWhatIsThere() async throws {
        let channel = FakeByteChannel()
        let script = Script(
            lists: [page([configMap("a", version: 1), configMap("b", in: "other", version: 2)], version: 5)],
            watches: [HTTPResponse(200, body: .stream(channel.stream))])
        try await following(FakeHTTPHandler { script.answer($0) }) { informer, _ in
            #expect(await informer.waitUntilSynced())
            #expect(await texts(informer.subscribe(), 3) == ["+a@1", "+b@2", "synced"])
            #expect(informer.list(in: "other").map(\.metadata.name) == ["b"])
            #expect(informer.list(index: "initial", "a").map(\.metadata.name) == ["a"])
            #expect(informer.list(index: "initial", "x").isEmpty)
        }
    }

    @Test func waitsAndTriesAgainWhileTheServerIsAway() async throws {
        let channel = FakeByteChannel()
        let script = Script(
            lists: [
                failure(.serviceUnavailable("starting")), failure(.serviceUnavailable("starting")),
                page([configMap("a", version: 1)], version: 5),
            ], watches: [HTTPResponse(200, body: .stream(channel.stream))])
        try await following(FakeHTTPHandler { script.answer($0) }) { informer, time in
            for _ in 0..<2 {
                await time.waitForSleepers()
                #expect(!informer.hasSynced)
                time.advance(by: .seconds(1))
            }
            #expect(await informer.waitUntilSynced())
        }
    }

    private func texts(_ events: InformerSubscription<ConfigMap>, _ count: Int) async -> [String] {
        var texts: [String] = []
        while texts.count < count, let event = await events.next() { texts.append(event.text) }
        return texts
    }

    /// Runs an informer beside `body` and cancels it after.
    private func following(
        _ handler: FakeHTTPHandler, _ body: (Informer<ConfigMap>, ManualTime) async throws -> Void
    ) async throws {
        let time = ManualTime()
        let informer = Informer<ConfigMap>(
            client: client(handler), indices: ["initial": { [String($0.metadata.name.prefix(1))] }], time: time,
            random: RandomSource(seed: 1))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await informer.run() }
            try await body(informer, time)
            group.cancelAll()
        }
    }
}
