import APIMachinery
import CRI
import HTTP
import OCI
import Synchronization
import Testing

@testable import ContainerRuntime

/// Registries that say when they want to be asked again.
@Suite(.timeLimit(.minutes(15))) struct RegistryPatienceTests {
    private static let now = "Sun, 06 Nov 1994 08:49:37 GMT"

    @Test(arguments: [
        ("0", Duration.seconds(0)), ("7", .seconds(7)), ("99999999999999999999", .seconds(Int32.max)),
        ("Sun, 06 Nov 1994 08:49:40 GMT", .seconds(3)), ("Mon, 07 Nov 1994 08:49:37 GMT", .seconds(86_400)),
        (now, nil), ("Sun, 06 Nov 1994 08:49:36 GMT", nil), ("soon", nil), ("", nil), ("-1", nil), ("1.5", nil),
        ("Sun, 06 Foo 1994 08:49:40 GMT", nil), ("Sun, 06 Nov 1994 08:49:40 CET", nil),
    ])
    func whenItIs(field: String, delay: Duration?) {
        #expect(RetryAfter.delay(field, date: Self.now) == delay)
        #expect(RetryAfter.delay(nil, date: Self.now) == nil)
    }

    private func busy(_ status: Int, _ after: String? = nil) -> HTTPResponse {
        var response = HTTPResponse(status, headers: ["Date": Self.now])
        response.headers["Retry-After"] = after
        return response
    }

    /// What was waited for, and what was told of it.
    private struct Watch {
        let time = NotingTime()
        let told = Told()

        final class Told: Sendable {
            let causes = Mutex<[String]>([])
        }

        var progress: PullProgress {
            PullProgress { [told] event in
                switch event {
                case .waiting(let cause), .retrying(_, let cause): told.causes.withLock { $0.append(cause) }
                default: break
                }
            }
        }
        var causes: [String] { told.causes.withLock { $0 } }
    }

    @Test func aManifestIsAskedForWhenTheRegistryWants() async throws {
        let watch = Watch()
        let lab = try await RegistryLab(time: watch.time)
        lab.change { $0.busy = [busy(429, "7"), busy(503, "Sun, 06 Nov 1994 08:49:40 GMT"), busy(429)] }
        _ = try await lab.store.pull("registry.example/app:1", progress: watch.progress)
        #expect(watch.time.short == [.seconds(7), .seconds(3), .milliseconds(500)])
        #expect(watch.causes.count == 3 && watch.causes[0].contains("429; the next try is in 7"))
    }

    /// Registries count what is asked of them.
    @Test func whatHasComeIsNotAskedForAgain() async throws {
        let watch = Watch()
        let lab = try await RegistryLab(time: watch.time)
        lab.change { $0.filesBusy = [busy(429, "2"), busy(429, "3")] }
        try await lab.pull()
        #expect(watch.time.short == [.seconds(2), .seconds(3)])
        #expect(lab.registry.seen.filter { $0.request.path.contains("/manifests/") }.count == 1)
    }

    @Test func aLayerIsAskedForWhenTheRegistryWants() async throws {
        let watch = Watch()
        let lab = try await RegistryLab(time: watch.time)
        let download = BlobDownload(
            blob: lab.image.layers[0], content: lab.store.content, threads: lab.store.bulk, time: watch.time,
            progress: watch.progress)
        await #expect(throws: CRIError.self) { try await download.fetch(from: []) }
        let sessions = try lab.registry.client().sessions(
            for: "registry.example", repository: "app", auth: nil, isPush: false)
        // More of them than a registry that only fails would get.
        lab.change { $0.busy = [HTTPResponse](repeating: busy(503, "2"), count: 10) }
        try await download.fetch(from: sessions)
        #expect(watch.time.short == [Duration](repeating: .seconds(2), count: 10))
        #expect(watch.causes.count == 10 && watch.causes.allSatisfy { $0.contains("503") })
    }

    @Test func soDoesAPush() async throws {
        let watch = Watch()
        let lab = try await RegistryLab(time: watch.time)
        try await lab.pull()
        lab.change {
            $0.files = [:]
            $0.busy = [busy(429, "9")]
        }
        _ = try await lab.store.push("registry.example/app:1", progress: watch.progress)
        #expect(watch.time.short == [.seconds(9)] && watch.causes.count == 1)
    }

    @Test(arguments: [["31"], ["16", "15"], ["99999999999999999999"]])
    func whatIsTooLateIsTold(fields: [String]) async throws {
        let watch = Watch()
        let lab = try await RegistryLab(time: watch.time)
        lab.change { $0.busy = fields.map { busy(429, $0) } }
        let text = await lab.refusal()
        #expect(text.contains("429") && text.contains("it asks for") && text.contains("30"), "\(text)")
        #expect(watch.time.short.count == fields.count - 1 && lab.registry.seen.count == fields.count)
    }

    /// Nobody waits at one place while another may have it.
    @Test func aMirrorThatIsBusyGivesWay() async throws {
        let watch = Watch()
        let lab = try await RegistryLab("registry.example=https://a.example", time: watch.time)
        lab.change { $0.busy = [busy(429, "5")] }
        try await lab.pull()
        #expect(watch.time.short.isEmpty && lab.seen("a.example").count == 1)
    }

    @Test func theWaitIsOverWhenThePullIsCancelled() async throws {
        let watch = Watch()
        // Its waits of twenty seconds have no end of their own.
        let lab = try await RegistryLab(time: QuickTime())
        lab.change { $0.busy = [busy(429, "25")] }
        let pull = Task { () async -> String in
            do throws(CRIError) {
                _ = try await lab.store.pull("registry.example/app:1", progress: watch.progress)
                return "it was pulled"
            } catch {
                return error.description
            }
        }
        #expect(await comes { !watch.causes.isEmpty })
        pull.cancel()
        #expect(await pull.value == "the pull of registry.example/app:1 was cancelled")
        #expect(lab.registry.seen.count == 1)
    }
}

/// A clock on which waits of less than half a minute are over at once, and noted; longer ones never are.
final class NotingTime: TimeSource {
    private let waits = Mutex<[Duration]>([])

    var short: [Duration] { waits.withLock { $0 } }
    func now() -> Timestamp { Timestamp(seconds: 1_795_000_000) }
    func uptime() -> Duration { .zero }
    func clockChanges() -> AsyncStream<Void> { AsyncStream { $0.finish() } }

    func sleep(for duration: Duration) async throws {
        try Task.checkCancellation()
        guard duration >= .seconds(30) else {
            waits.withLock { $0.append(duration) }
            return await Task.yield()
        }
        for await _ in AsyncStream<Void>.makeStream().stream {}
        throw CancellationError()
    }
}
