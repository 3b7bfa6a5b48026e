import APIMachinery
import CRI
import Glibc
import HTTP
import Logging
import TestSupport
import Testing
import Transport

@testable import RemoteCRI

/// The client against the server, over a real socket: what goes in at one end comes out at the other.
@Suite(.timeLimit(.minutes(15))) struct RemoteRuntimeTests {
    private func withRemote(_ body: (FakeRuntimeService, RemoteRuntime) async throws -> Void) async throws {
        let threads = IOThreads(count: 1)
        let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        let (local, time) = (FakeRuntimeService(), ManualTime())
        let socket = "\(temporaryDirectory)/remote-cri-\(getpid())-\(UInt32.random(in: .min ... .max)).sock"
        let server = try await CRIServer.start(
            socket: socket, runtime: local, images: FakeImageService(present: ["web:1"]), time: time,
            threads: threads, logger: logger)
        let remote = try RemoteRuntime(endpoint: "unix://" + socket, time: time, threads: threads, logger: logger)
        do {
            try await body(local, remote)
        } catch {
            await server.stop()
            await threads.stop()
            throw error
        }
        remote.client.close()
        await server.stop()
        await threads.stop()
    }

    @Test func aPodLivesOnAnothersRuntime() async throws {
        try await withRemote { local, remote in
            var config = PodSandboxConfig(metadata: PodSandboxMetadata(name: "p", uid: "u", namespace: "n"))
            config.labels = ["app": "web"]
            let box = try await remote.runPodSandbox(config)
            #expect(try await remote.podSandboxStatus(box) == local.sandboxes.first)
            #expect(try await remote.listPodSandboxes(PodSandboxFilter(podUID: "u")).map(\.id) == [box])
            #expect(try await remote.listPodSandboxes(PodSandboxFilter(podUID: "other")).isEmpty)
            let container = ContainerConfig(metadata: ContainerMetadata(name: "c"), image: "web:1")
            let id = try await remote.createContainer(sandbox: box, config: container, sandboxConfig: config)
            try await remote.startContainer(id)
            #expect(try await remote.listContainers(ContainerFilter(sandbox: box)).map(\.state) == [.running])
            try await remote.stopContainer(id, timeout: .zero)
            #expect(try await remote.containerStatus(id).state == .exited)
            try await remote.removePodSandbox(box)
            #expect(local.sandboxes.isEmpty)
        }
    }

    /// The URL that the runtime answers with names no port.
    @Test func aPortIsForwardedByItsNumber() async throws {
        try await withRemote { _, remote in
            let box = try await remote.runPodSandbox(
                PodSandboxConfig(metadata: PodSandboxMetadata(name: "p", uid: "u", namespace: "n")))
            let streams = try await remote.portForward(sandbox: box, port: 8_080)
            #expect(try await streams.receive() == .standardOutput(Array("8080".utf8)))
            #expect(try await streams.receive() == nil)
            await streams.close()
        }
    }

    /// A kubelet ends what it does not know.
    @Test func whatACommandRunsIsNotAClients() async throws {
        try await withRemote { local, remote in
            var config = PodSandboxConfig(metadata: PodSandboxMetadata(name: "p", uid: "u", namespace: "n"))
            let box = try await remote.runPodSandbox(config)
            config.metadata.uid = "session"
            config.labels[PodSandboxStatus.sessionLabel] = "brief"
            let own = try await local.runPodSandbox(config)
            let container = ContainerConfig(metadata: ContainerMetadata(name: "c"), image: "web:1")
            let id = try await local.createContainer(sandbox: own, config: container, sandboxConfig: config)
            try await local.startContainer(id)
            #expect(try await local.listContainers(ContainerFilter()).count == 1)
            #expect(try await remote.listPodSandboxes(PodSandboxFilter()).map(\.id) == [box])
            #expect(try await remote.listContainers(ContainerFilter()).isEmpty)
            #expect(try await remote.listContainers(ContainerFilter(sandbox: own)).isEmpty)
        }
    }

    /// Whoever looked before the stream was open may have missed what happened since.
    @Test(arguments: [false, true]) func eventsBeginWithWhatIsThere(byLists: Bool) async throws {
        try await withRemote { local, remote in
            for uid in ["u", "v"] {
                _ = try await local.runPodSandbox(
                    PodSandboxConfig(metadata: PodSandboxMetadata(name: uid, uid: uid, namespace: "n")))
            }
            let (lists, continuation) = AsyncStream.makeStream(of: ContainerEvent.self)
            let work = byLists ? Task { try await remote.relist(continuation) } : nil
            var events = (byLists ? lists : remote.containerEvents()).makeAsyncIterator()
            var told: Set<String> = []
            while told.count < 2, let event = await events.next() { told.insert(event.podUID) }
            #expect(told == ["u", "v"])
            work?.cancel()
            try await work?.value
        }
    }

    @Test func anOutageIsToldOnce() async throws {
        let (kept, threads) = (KeptWords(), IOThreads(count: 1))
        let remote = try RemoteRuntime(
            endpoint: "unix:///nowhere", time: ManualTime(), threads: threads,
            logger: Logger(label: "test", factory: { _ in kept }))
        for _ in 0..<3 { for await _ in remote.containerEvents() {} }
        #expect(kept.words.value.withLock { $0 } == ["the runtime tells no events"])
        await threads.stop()
    }

    @Test func anAnswerThatCannotBeReadIsTheRuntimesFault() {
        #expect {
            try RemoteRuntime.read([0xff], answering: "Version", as: Wire.VersionResponse.self)
        } throws: { error in
            guard case CRIError.failed(let message) = error else { return false }
            return message.hasPrefix("the runtime's answer to Version cannot be read (")
        }
    }

    /// The connection may end before the command does.
    @Test func onlyAnAttachMayEndWithoutAStatus() async throws {
        func code(_ command: [String], _ status: String) async throws -> Int32 {
            let session = try await RemoteSession(
                ExecRequest(container: "c", command: command), EndedStreams(status: status)
            ) {}
            defer { Task { await session.close() } }
            return try await session.exitCode()
        }
        #expect(try await code([], "") == 0)
        #expect(try await code(["true"], #"{"status": "Success"}"#) == 0)
        await #expect(throws: CRIError.self) { try await code(["true"], "") }
        await #expect(throws: CRIError.self) { try await code(["true"], #"{"status": "Succ"#) }
    }

    @Test func imagesAndFailuresComeThrough() async throws {
        try await withRemote { _, remote in
            #expect(try await remote.version().name == "fake")
            #expect(try await remote.imageStatus("web:1") != nil)
            #expect(try await remote.imageStatus("none:1") == nil)
            await #expect(throws: CRIError.self) { try await remote.podSandboxStatus("none") }
            do {
                _ = try await remote.podSandboxStatus("none")
            } catch {
                guard case CRIError.notFound = error else { throw error }
            }
        }
        #expect(throws: CRIError.self) {
            try RemoteRuntime(
                endpoint: "tcp://x", time: ManualTime(), threads: IOThreads(count: 1),
                logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        }
    }

    @Test(arguments: [
        ("containerd", "1.6.20~ds1", false), ("containerd", "v2.0.5", false), ("containerd", "v2.1.0", true),
        ("cri-o", "1.30.0", true),
    ]) func anImageIsNoVolumeForAnOldContainerd(name: String, version: String, isOne: Bool) {
        #expect(RuntimeVersion(name: name, version: version).mountsImages == isOne)
    }

    @Test func changesAreFoundByComparingLists() {
        func states(_ container: ContainerState?, _ box: PodSandboxState = .ready) -> ContainerStates {
            let metadata = PodSandboxMetadata(name: "p", uid: "u", namespace: "n")
            let status = container.map {
                ContainerStatus(
                    id: "c", sandbox: "s", metadata: ContainerMetadata(name: "c"), state: $0, createdAt: 1, image: "i",
                    imageID: "d")
            }
            return ContainerStates(
                [PodSandboxStatus(id: "s", metadata: metadata, state: box, createdAt: 1)], [status].compactMap { $0 })
        }
        func kinds(_ before: ContainerStates, _ after: ContainerStates) -> [ContainerEvent.Kind] {
            before.changes(to: after).map(\.kind)
        }
        #expect(kinds(states(nil), states(.created)) == [.created])
        #expect(kinds(states(.created), states(.running)) == [.started])
        #expect(kinds(states(.running), states(.exited)) == [.stopped])
        #expect(kinds(states(.exited), states(nil)) == [.deleted])
        #expect(kinds(states(.running), states(.running)).isEmpty)
        #expect(states(.running).changes(to: states(.running, .notReady)).map(\.container) == ["s"])
        #expect(states(nil).changes(to: states(.running)).first?.podUID == "u")
    }
}

/// Streams that are broken off.
private struct EndedStreams: MultiplexedClient {
    let status: String

    func open(_ headers: HTTPHeaders) async throws(HTTPError) -> any MultiplexedStream {
        FakeStream(1, headers, input: status.isEmpty ? [] : [Array(status.utf8)], isBrokenOff: true)
    }
}
