import APIMachinery
import Client
import HTTP
import JSONTree
import KubernetesAPI
import Synchronization
import TestSupport
import Testing

@Suite struct EventRecorderTests {
    @Test func theSameEventAgainCountsUp() async throws {
        let server = EventServer()
        await recording(server) { recorder, time in
            for _ in 0..<3 {
                recorder.record(pod("a"), .warning, reason: "Failed", message: "no image")
                time.advance(by: .seconds(1))
                await server.settle(recorder)
            }
        }
        let events = server.events
        #expect(events.count == 2)
        let event = events.first { $0.reason == "Failed" }
        #expect(event?.count == 3)
        #expect(event?.type == "Warning")
        #expect(event?.metadata.namespace == "web")
        #expect(event?.involvedObject.uid == "uid-a")
        #expect(event?.source.component == "kubelet")
        #expect(event?.source.host == "n1")
        #expect(event?.firstTimestamp != event?.lastTimestamp)
    }

    @Test func manySimilarEventsBecomeOne() async throws {
        let server = EventServer()
        await recording(server) { recorder, _ in
            for number in 0..<15 {
                recorder.record(pod("a"), .normal, reason: "Tried", message: "try \(number)")
            }
            await server.settle(recorder)
        }
        let events = server.events.filter { $0.reason == "Tried" }
        #expect(events.count == 10)
        let combined = events.first { $0.message?.hasPrefix("(combined") == true }
        #expect(combined?.count == 6)
        #expect(combined?.message == "(combined from similar events): try 14")
    }

    @Test func oneObjectCannotFloodTheServer() async throws {
        let server = EventServer()
        await recording(server) { recorder, time in
            for number in 0..<60 {
                recorder.record(pod("a"), .normal, reason: "R\(number)", message: "m")
            }
            await server.settle(recorder)
            #expect(server.events.count == 25 + 1)
            time.advance(by: .seconds(300))
            recorder.record(pod("a"), .normal, reason: "Later", message: "m")
            recorder.record(pod("b"), .normal, reason: "Other", message: "m")
            await server.settle(recorder)
        }
        #expect(server.events.contains { $0.reason == "Later" })
        #expect(server.events.contains { $0.reason == "Other" })
    }

    @Test func whatRepeatsLeavesRoomForWhatIsNew() async throws {
        let server = EventServer()
        await recording(server) { recorder, time in
            for _ in 0..<60 { recorder.record(pod("a"), .warning, reason: "Failed", message: "no image") }
            recorder.record(pod("a"), .normal, reason: "Started", message: "m")
            time.advance(by: .seconds(600))
            recorder.record(pod("a"), .warning, reason: "Failed", message: "no image")
            await server.settle(recorder)
        }
        #expect(server.events.first { $0.reason == "Failed" }?.count == 16)
        #expect(server.events.contains { $0.reason == "Started" })
    }

    @Test func anEventThatIsGoneIsMadeAnew() async throws {
        let server = EventServer()
        await recording(server) { recorder, _ in
            recorder.record(pod("a"), .normal, reason: "Pulled", message: "m")
            await server.settle(recorder)
            server.forgetAll()
            recorder.record(pod("a"), .normal, reason: "Pulled", message: "m")
            await server.settle(recorder)
        }
        #expect(server.events.filter { $0.reason == "Pulled" }.map(\.count) == [1])
    }

    @Test func aServerThatIsAwayIsTriedAgain() async throws {
        let server = EventServer()
        server.failures.withLock { $0 = 2 }
        await recording(server) { recorder, time in
            recorder.record(pod("a"), .normal, reason: "Pulled", message: "m")
            for _ in 0..<2 {
                await time.waitForSleepers()
                time.advance(by: .seconds(1))
            }
            await server.settle(recorder)
        }
        #expect(server.events.filter { $0.reason == "Pulled" }.map(\.count) == [1])
    }

    /// Lists are sorted by name, and the times in events are whole seconds.
    @Test func namesTellTheOrder() async throws {
        let server = EventServer()
        await recording(server) { recorder, time in
            for number in 0..<12 {
                recorder.record(pod("a"), .normal, reason: "R\(number)", message: "m")
                if number % 3 == 0 { time.advance(by: .milliseconds(3)) }
            }
            await server.settle(recorder)
        }
        let events = server.events.filter { $0.metadata.namespace == "web" }
        let sorted = events.sorted { $0.metadata.name < $1.metadata.name }
        #expect(sorted.map { $0.reason ?? "" } == (0..<12).map { "R\($0)" })
        #expect(sorted.allSatisfy { $0.metadata.name.hasPrefix("a.") && $0.metadata.name.count == 22 })
    }

    private func pod(_ name: String) -> Pod {
        Pod(name: name, namespace: "web") { $0.metadata.uid = "uid-\(name)" }
    }

    private func recording(_ server: EventServer, _ body: (EventRecorder, ManualTime) async -> Void) async {
        let time = ManualTime()
        let recorder = EventRecorder(
            client: client(FakeHTTPHandler { server.answer($0) }), component: "kubelet", host: "n1", time: time,
            random: RandomSource(seed: 5))
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await recorder.run() }
            await body(recorder, time)
            group.cancelAll()
        }
    }
}

/// Events by name, as a server keeps them.
final class EventServer: Sendable {
    private let stored = Mutex<[String: Event]>([:])
    private let marks = Mutex((sent: 0, seen: 0))
    private let waiter = Mutex<CheckedContinuation<Void, Never>?>(nil)
    /// Requests that fail before one succeeds.
    let failures = Mutex(0)

    var events: [Event] { stored.withLock { Array($0.values) } }

    func forgetAll() {
        stored.withLock { $0 = [:] }
    }

    /// Returns once the recorder has written all that it was given before.
    func settle(_ recorder: EventRecorder) async {
        let mark = Pod(name: "mark-\(marks.withLock { $0.sent })", namespace: "marks")
        await withCheckedContinuation { continuation in
            waiter.withLock { $0 = continuation }
            marks.withLock { $0.sent += 1 }
            recorder.record(mark, .normal, reason: "Mark", message: "")
        }
    }

    func answer(_ request: HTTPRequest) -> HTTPResponse {
        let failing = failures.withLock { failures in
            failures = max(0, failures - 1) - (failures == 0 ? 1 : 0)
            return failures >= 0
        }
        if failing { return failure(.serviceUnavailable("starting")) }
        failures.withLock { $0 = 0 }
        guard let value = try? JSONValue(parsing: request.body) else { return failure(.badRequest("no JSON")) }
        let name = request.path.split(separator: "/").last.map(String.init) ?? ""
        if request.method == .patch {
            return patch(name, value)
        }
        guard let event = Event(json: value) else { return failure(.badRequest("no event")) }
        stored.withLock { stored in
            let isKnownMark = event.reason == "Mark" && stored.values.contains { $0.reason == "Mark" }
            if !isKnownMark { stored[event.metadata.name] = event }
        }
        if event.reason == "Mark" { waiter.withLock { $0.take() }?.resume() }
        return json(event.json, status: 201)
    }

    private func patch(_ name: String, _ value: JSONValue) -> HTTPResponse {
        stored.withLock { stored in
            guard var event = stored[name] else { return failure(.notFound(ResourceName("events"), name)) }
            for member in value.object?.members ?? [] { event.storage[member.key] = member.value }
            stored[name] = event
            return json(event.json)
        }
    }
}
