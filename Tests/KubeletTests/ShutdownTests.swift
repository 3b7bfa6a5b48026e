import APIMachinery
import CRI
import Client
import HTTP
import KubernetesAPI
import Linux
import Logging
import TestSupport
import Testing

@testable import Kubelet

/// A node that ends its pods: how long it waits for them, and what it says when it is asked again.
@Suite struct ShutdownTests {
    private let runtime = FakeRuntimeService(images: FakeImageService(present: ["i"]))
    private let time = ManualTime()
    private let grace = Duration.seconds(20)
    private let kubelet: Kubelet

    init() throws {
        let root = "\(temporaryDirectory)/shutdown-\(UInt32.random(in: .min ... .max))"
        let threads = BlockingThreads(count: 1)
        let facts = NodeFacts(
            cpuMilli: 4_000, memoryBytes: 8 << 30, diskBytes: 1 << 40, maximumPods: 110, architecture: "amd64",
            kernelVersion: "6.1", operatingSystem: "test", bootID: "1", machineID: "m", runtimeVersion: "fake://1",
            kubeletVersion: "v1.36.0", hostname: "n")
        kubelet = Kubelet(
            Kubelet.Configuration(
                identity: NodeIdentity(name: "n", addresses: ["192.0.2.1"]), facts: facts,
                settings: PodSettings(
                    clusterDNS: [], clusterDomain: "", logRoot: "/logs", nodeMemory: 8 << 30, hostResolver: "",
                    apiService: nil), dataDirectory: "", runDirectory: "", manifestDirectory: ""),
            client: APIClient(
                handler: FakeHTTPHandler { _ throws(HTTPError) in HTTPResponse(500) }, userAgent: "kubelet"),
            runtime: runtime, images: FakeImageService(present: ["i"]),
            volumes: UnmountedVolumes(
                host: VolumeHost(
                    directories: PodDirectories(data: root + "/d", run: root + "/r"), threads: threads)),
            probes: Silent(), threads: threads, events: try EventThread(), moments: NoPodMoments(), time: time,
            random: RandomSource(), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// - Parameter body: is given the end of the node's pods, under way for as long as the gate holds the container's.
    private func whileAPodEnds(_ body: (Task<[String]?, Never>, FakeGate) async throws -> Void) async throws {
        let work = Task { await kubelet.directory.run() }
        var events = runtime.containerEvents().makeAsyncIterator()
        kubelet.directory.set(pod(), from: .api)
        while let event = await events.next(), event.kind != .started || event.container == event.sandbox {}
        let gate = runtime.hold(.stopContainer)
        let end = Task { await kubelet.shutDown(grace: grace, criticalGrace: .zero) }
        await gate.reached()
        try await until { time.longestSleep.map { $0 > grace } ?? false }
        try await body(end, gate)
        work.cancel()
        await work.value
    }

    private func again() async -> [String]? { await kubelet.shutDown(grace: grace, criticalGrace: .zero) }

    /// A sidecar that ignores its signal is killed 2 s after its pod's grace.
    @Test func whatEndsALittleAfterItsGraceIsWaitedFor() async throws {
        try await whileAPodEnds { end, gate in
            time.advance(by: grace + .seconds(3))
            #expect(await again() == nil)
            gate.open()
            #expect(await end.value == [])
            #expect(await again() == [])
        }
    }

    @Test func whatHangsIsGivenUpAndNamedUntilItHasEnded() async throws {
        try await whileAPodEnds { end, gate in
            time.advance(by: PodMachine.longestEnd(within: grace))
            #expect(await end.value == ["default/p"])
            #expect(await again() == ["default/p"])
            gate.open()
            try await until { await again() == [] }
        }
    }
}
