import APIMachinery
import CRI
import Client
import HTTP
import KubernetesAPI
import Linux
import Logging
import Synchronization
import TestSupport
import Testing

@testable import Kubelet

/// A directory of pods over a fake runtime; what is published is kept.
final class DirectoryFixture: Sendable {
    let runtime: FakeRuntimeService
    let images: FakeImageService
    let directory: PodDirectory
    let executor: PodExecutor
    let time = ManualTime()
    private let sink = KeptStatuses()
    private let root = "\(temporaryDirectory)/pod-directory-\(UInt32.random(in: .min ... .max))"

    var published: [String: PodStatus] { sink.statuses.withLock { $0.byUID } }

    init(
        images: FakeImageService = FakeImageService(present: ["i"]), objects: any ReferencedObjects = Silent(),
        recorder: any PodEventRecorder = Silent(), allocatable: [String: Quantity] = [:],
        staticPhase: @escaping @Sendable (Pod) -> String? = { _ in nil }
    ) {
        var settings = PodSettings(
            clusterDNS: [], clusterDomain: "", logRoot: root + "/l", nodeMemory: 0, hostResolver: "", apiService: nil)
        settings.allocatable = allocatable
        self.images = images
        runtime = FakeRuntimeService(images: images)
        let threads = BlockingThreads(count: 1)
        executor = PodExecutor(
            node: NodeIdentity(name: "n", addresses: ["192.0.2.1"]), runtime: runtime,
            images: images, pulls: PullRecords(directory: root + "/d", threads: threads),
            volumes: UnmountedVolumes(
                host: VolumeHost(
                    directories: PodDirectories(data: root + "/d", run: root + "/r"), threads: threads)),
            source: sink, objects: objects,
            watches: ObjectWatches(
                client: APIClient(
                    handler: FakeHTTPHandler { _ throws(HTTPError) in HTTPResponse(500) }, userAgent: "kubelet"),
                time: time), recorder: recorder,
            prober: Prober(runtime: runtime, transport: Silent(), time: time),
            settings: settings, time: time)
        directory = PodDirectory(
            executor: executor, staticPhase: staticPhase, time: time,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    deinit { try? TreeRemoval.remove(root) }

    /// Returns once a final status of the pod has been published.
    func waitForPublication(of uid: String) async {
        await withCheckedContinuation { continuation in
            sink.statuses.withLock { state in
                guard state.byUID[uid]?.phase != "Failed" else { return continuation.resume() }
                state.waiting[uid] = continuation
            }
        }
    }
}

/// Takes statuses in the API server's place.
private final class KeptStatuses: PodStatusSink {
    struct State {
        var byUID: [String: PodStatus] = [:]
        var waiting: [String: CheckedContinuation<Void, Never>] = [:]
    }

    let statuses = Mutex(State())

    func publish(_ status: PodStatus, of pod: Pod) async throws(OperationError) {
        statuses.withLock { state in
            let uid = pod.metadata.uid
            state.byUID[uid] = status
            if status.phase == "Failed" { state.waiting.removeValue(forKey: uid)?.resume() }
        }
    }

    func confirmDeletion(of pod: Pod) async throws(OperationError) {}
}

@Suite final class PodDirectoryTests {
    private let fixture = DirectoryFixture()
    private var runtime: FakeRuntimeService { fixture.runtime }
    private var directory: PodDirectory { fixture.directory }

    @Test func aPodThatASourceNamesIsNoLeftover() {
        directory.set(pod(), from: .api)
        directory.takeAway(Pod(name: "p", namespace: "default") { $0.metadata.uid = "u" })
        #expect(directory.pods.map { $0.spec.containers.count } == [1])
        directory.takeAway(Pod(name: "q", namespace: "default") { $0.metadata.uid = "v" })
        #expect(directory.pod(named: "q", in: "default") != nil)
    }

    /// A pod that was deleted by force may still end here when another of its name runs already.
    @Test func aNameStandsForThePodThatStays() {
        for uid in (0..<20).map({ "old\($0)" }) {
            directory.set(Pod(name: "p", namespace: "default") { $0.metadata.uid = uid }, from: .api)
            directory.remove(uid, from: .api)
        }
        directory.set(pod(), from: .api)
        #expect(directory.pod(named: "p", in: "default")?.metadata.uid == "u")
        #expect(directory.pods.first?.metadata.uid == "u")
        directory.remove("u", from: .api)
        #expect(directory.pod(named: "p", in: "default") != nil)
    }

    /// Two looks at the runtime may end in another order than they began.
    @Test func aLaterLookIsNotLostToAnEarlierOne() {
        let inbox = PodInbox()
        inbox.send(.observed(PodObservation(sequence: 2)))
        inbox.send(.observed(PodObservation(sequence: 1)))
        let sequences = inbox.take().map { event -> UInt64 in
            guard case .observed(let observation) = event else { return 0 }
            return observation.sequence
        }
        #expect(sequences == [2])
        inbox.send(.observed(PodObservation(sequence: 3)))
        inbox.send(.observed(PodObservation(sequence: 4)))
        #expect(inbox.take().count == 1)
    }

    /// A runtime that does not answer has not said that there is nothing.
    @Test func aPodIsLeftAloneUntilTheRuntimeAnswers() async throws {
        let (directory, runtime, time) = (directory, runtime, fixture.time)
        let box = try await runtime.runPodSandbox(
            PodSandboxConfig(metadata: PodSandboxMetadata(name: "p", uid: "u", namespace: "default")))
        runtime.failAlways(.listPodSandboxes, with: .failed("away"))
        var events = runtime.containerEvents().makeAsyncIterator()
        let work = Task { await directory.run() }
        directory.set(pod(), from: .api)
        await time.waitForSleepers()
        let before = runtime.calls.map(\.operation)
        #expect(before == [.runPodSandbox, .listPodSandboxes])
        runtime.failAlways(.listPodSandboxes, with: nil)
        time.advance(by: .seconds(1))
        while let event = await events.next(), event.kind != .started || event.container == event.sandbox {}
        #expect(runtime.sandboxes.map(\.id) == [box])
        #expect(runtime.containers.map(\.sandbox) == [box])
        work.cancel()
        await work.value
    }

    @Test func aRuntimeThatIsAwayIsAskedForEventsOnceASecond() async {
        let (directory, runtime, time) = (directory, runtime, fixture.time)
        runtime.failAlways(.containerEvents, with: .failed("away"))
        let work = Task { await directory.followContainers() }
        for _ in 0..<3 {
            await time.waitForSleepers()
            time.advance(by: .seconds(1))
        }
        work.cancel()
        await work.value
    }

    @Test func leftoversAreFoundOnceTheRuntimeAnswers() async throws {
        let (directory, runtime, time) = (directory, runtime, fixture.time)
        let box = try await runtime.runPodSandbox(
            PodSandboxConfig(metadata: PodSandboxMetadata(name: "old", uid: "o", namespace: "default")))
        runtime.failAlways(.listPodSandboxes, with: .failed("away"))
        var events = runtime.containerEvents().makeAsyncIterator()
        let work = Task { await directory.run() }
        for source in PodDirectory.Source.allCases { directory.synced(source) }
        await time.waitForSleepers()
        #expect(directory.pods.isEmpty)
        runtime.failAlways(.listPodSandboxes, with: nil)
        time.advance(by: .seconds(1))
        while let event = await events.next(), event.kind != .deleted || event.container != box {}
        #expect(runtime.sandboxes.isEmpty)
        work.cancel()
        await work.value
    }

    /// A manifest that is taken away and put back has the same identity.
    @Test func aPodNamedAgainWhileItGoesStartsOnceItIsGone() async throws {
        let directory = directory
        let work = Task { await directory.run() }
        var events = runtime.containerEvents().makeAsyncIterator()
        directory.set(pod(), from: .manifests)
        while let event = await events.next(), event.kind != .started || event.container == event.sandbox {}
        directory.remove("u", from: .manifests)
        directory.set(pod(), from: .manifests)
        var starts = 0
        while starts < 1, let event = await events.next() {
            if event.kind == .started, event.container != event.sandbox { starts += 1 }
        }
        #expect(starts == 1)
        work.cancel()
        await work.value
    }
}

/// Everything a pod's executor speaks to and these tests do not ask about.
struct Silent: ReferencedObjects, PodEventRecorder, ProbeTransport {
    func configMap(_ name: String, in namespace: String) async throws(OperationError) -> ConfigMap? { nil }
    func secret(_ name: String, in namespace: String) async throws(OperationError) -> Secret? { nil }
    func nodeLabels(_ node: String) async -> [String: String]? { nil }
    func token(
        for pod: Pod, audiences: [String], expirationSeconds: Int64
    ) async throws(OperationError) -> IssuedToken { throw OperationError("FailedMount", "no tokens") }
    func record(_ message: PodEventMessage, on pod: Pod) {}
    func get(_ url: ProbeURL, headers: HTTPHeaders, timeout: Duration) async throws(HTTPError) -> HTTPResponse {
        HTTPResponse(200)
    }
    func connect(host: String, port: UInt16, timeout: Duration) async throws(HTTPError) {}
    func call(
        _ path: String, _ message: [UInt8], host: String, port: UInt16, timeout: Duration
    ) async throws(HTTPError) -> GRPCAnswer { throw .connectFailed(endpoint: host, reason: "none") }
}
