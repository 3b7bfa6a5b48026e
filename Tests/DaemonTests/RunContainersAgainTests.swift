import CRI
import Glibc
import Linux
import Logging
import TestSupport
import Testing

@testable import Daemon

/// Containers that are started again.
@Suite struct RunContainersAgainTests {
    let runtime: FakeRuntimeService
    let time: ManualTime
    let runs: RunContainers

    init() { self.init(FakeRuntimeService(), ManualTime()) }

    init(_ runtime: FakeRuntimeService, _ time: ManualTime) {
        (self.runtime, self.time) = (runtime, time)
        runs = RunContainers(
            runtime: runtime, sandbox: { spec, uid in spec.sandbox(uid: uid, logs: "/logs/\(uid)") },
            logs: RunLogs("/nonexistent/runs", bootID: "b0"), threads: BlockingThreads(count: 1), time: time,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// - Returns: the container's id.
    @discardableResult func make(_ name: String, removed: Bool = false, restart: RestartPolicy = .no)
        async throws -> String
    {
        var spec = RunSpec(name: name, image: "busybox:1")
        (spec.isDetached, spec.isRemovedAtEnd, spec.command) = (true, removed, ["sleep", "9"])
        spec.restart = restart
        let config = spec.sandbox(uid: "uid-\(name)", logs: "/logs/uid-\(name)")
        let sandbox = try await runtime.runPodSandbox(config)
        let id = try await runtime.createContainer(sandbox: sandbox, config: spec.container(), sandboxConfig: config)
        try await runtime.startContainer(id)
        return id
    }

    func web() async throws -> RunContainers.Run { try await runs.named("web") }

    @Test func anEndedOneIsStartedAgainInItsSandbox() async throws {
        let first = try await make("web")
        let before = try await web()
        runtime.exit(container: first, code: 3)
        #expect(try await runs.start("web") == "web")
        let now = try await web()
        #expect(now.isRunning && now.sandbox.id == before.sandbox.id && now.container?.metadata.attempt == 1)
        let config = try #require(runtime.containerConfig(now.container?.id ?? ""))
        #expect(config.predecessor == first && config.imageID == before.container?.imageID)
        #expect(config.arguments == ["sleep", "9"])
        #expect(runtime.containers.count == 1 && runs.ends.exitCode(of: first) == 3)
        #expect(try await runs.start("web") == "web")
        #expect(try await web().container == now.container, "one that runs is left as it is")
        #expect(try await runs.restart("web", grace: .zero) == "web")
        #expect(try await web().container?.metadata.attempt == 2)
    }

    @Test func itKeepsItsIDThroughAllAttempts() async throws {
        let first = try await make("web")
        for _ in 1...2 { _ = try await runs.restart(first, grace: .zero) }
        let now = try await web()
        let own = try #require(now.container?.id)
        #expect(own != first && now.container?.shownID == first)
        #expect(try await runs.named(first).container == now.container)
        #expect(try await runs.named(own).container == now.container)
        let container = now.json(of: try #require(now.container))
        #expect(container["id"] == .string(first) && container["attemptId"] == .string(own))
        #expect(container["restarts"] == 0 && container["restart"] == "no", "its user has started it again, no policy")
    }

    @Test(arguments: [FakeRuntimeOperation.resumePodSandbox, .createContainer, .startContainer], [false, true])
    func whatCannotBeStartedStaysAsItWas(operation: FakeRuntimeOperation, isStopped: Bool) async throws {
        let first = try await make("web")
        if isStopped { _ = try await runs.stop("web") } else { runtime.exit(container: first, code: 3) }
        let before = try await web().container
        runtime.failNext(operation, with: .failed("no room"))
        let error = await #expect(throws: CRIError.self) { try await runs.start("web") }
        #expect(error?.description.contains("no room") == true)
        #expect(try await web().container == before && runtime.containers.count == 1)
        let left = try await web().sandbox
        #expect(left.state == .notReady && left.isStopped == isStopped)
        #expect(
            runtime.calls.last { $0.operation == .stopPodSandbox || $0.operation == .resumePodSandbox }?.operation
                == .stopPodSandbox)
        #expect(try await runs.start("web") == "web")
        let now = try await web()
        #expect(now.isRunning && !now.sandbox.isStopped)
    }

    @Test func aRestartThatFailsLeavesItStopped() async throws {
        try await make("web", restart: .always)
        runtime.failNext(.startContainer, with: .failed("no room"))
        let error = await #expect(throws: CRIError.self) { try await runs.restart("web", grace: .zero) }
        #expect(error?.description.contains("no room") == true)
        let now = try await web()
        #expect(now.hasEnded && now.sandbox.isStopped)
    }

    @Test func aMarkThatFailsDoesNotHideTheCause() async throws {
        let (runs, runtime) = (runs, runtime)
        try await make("web")
        _ = try await runs.stop("web")
        let gate = runtime.hold(.createContainer)
        let starting = Task { try await runs.start("web") }
        await gate.reached()
        runtime.failAlways(.createContainer, with: .failed("no room"))
        runtime.failAlways(.mark, with: .failed("disk full"))
        gate.open()
        let error = await #expect(throws: CRIError.self) { try await starting.value }
        #expect(error?.description.contains("no room") == true)
    }

    @Test func whatGoesAtItsEndIsNotStartedAgain() async throws {
        try await make("job", removed: true)
        let error = await #expect(throws: CRIError.self) { try await runs.restart("job") }
        #expect(error?.description.contains("--rm") == true)
        #expect(try await runs.named("job").isRunning)
    }

    @Test func killSaysThatItIsToEndWhereItsSignalDoesThat() async throws {
        try await make("web")
        _ = try await runs.kill("web", signal: SIGHUP)
        #expect(try await !web().sandbox.isStopped)
        runtime.failNext(.signal, with: .failed("no answer"))
        await #expect(throws: CRIError.self) { try await runs.kill("web", signal: SIGKILL) }
        #expect(try await !web().sandbox.isStopped)
        _ = try await runs.kill("web", signal: SIGKILL)
        let now = try await web()
        #expect(!now.isRunning && now.sandbox.isStopped)
    }

    @Test func whoFollowsItDoesSoToItsFinalEnd() async throws {
        let (runs, runtime) = (runs, runtime)
        let id = try await make("web", restart: .always)
        let run = try await web()
        let following = Task { await runs.waitForFinalEnd(of: run) }
        runtime.exit(container: id, code: 1)
        #expect(try await runs.start("web") == "web")
        // Its end between the two is no final one.
        let gate = runtime.hold(.resumePodSandbox)
        let restarting = Task { try await runs.restart("web", grace: .zero) }
        await gate.reached()
        gate.open()
        _ = try await restarting.value
        #expect(try await web().isRunning)
        // While it waits to be started again no event tells what its user wants.
        runtime.exit(container: try #require(try await web().container?.id), code: 1)
        #expect(try await web().isToRestart)
        _ = try await runs.kill("web", signal: SIGKILL)
        await following.value
        #expect(try await !web().isToRestart)
    }

    @Test func whatCannotBeSettledForARestartStaysStopped() async throws {
        try await make("web", restart: .always)
        _ = try await runs.stop("web")
        runtime.failAlways(.stopPodSandbox, with: .failed("busy"))
        await #expect(throws: CRIError.self) { try await runs.restart("web") }
        #expect(try await web().sandbox.isStopped)
    }

    @Test func whatWaitsToBeStartedAgainIsEndedByASignal() async throws {
        let id = try await make("web", restart: .onFailure(times: 1))
        runtime.exit(container: id, code: 0)
        #expect(try await !web().isToRestart, "it has not failed")
        await #expect(throws: CRIError.self) { try await runs.kill("web", signal: SIGKILL) }
        _ = try await runs.start("web")
        runtime.exit(container: try #require(try await web().container?.id), code: 3)
        #expect(try await web().isToRestart)
        await #expect(throws: CRIError.self) { try await runs.remove("web", force: false) }
        await #expect(throws: CRIError.self) { try await runs.kill("web", signal: SIGUSR1) }
        #expect(try await web().isToRestart, "it ends nothing")
        #expect(try await runs.kill("web", signal: SIGKILL) == "web")
        let ended = try await web()
        #expect(!ended.isToRestart && ended.sandbox.isStopped)
        await #expect(throws: CRIError.self) { try await runs.kill("web", signal: SIGKILL) }
        #expect(try await runs.remove("web", force: false) == "web")
    }

    @Test func whatAStartLeavesThatFailedIsSettledLater() async throws {
        runtime.exit(container: try await make("web"), code: 0)
        let keeping = Task { [runs] in await runs.keep() }
        try await until { try await web().sandbox.state == .notReady }
        runtime.failNext(.createContainer, with: .failed("no room"))
        let (runs, runtime) = (runs, runtime)
        let gate = runtime.hold(.createContainer)
        let starting = Task { try await runs.start("web") }
        await gate.reached()
        runtime.failAlways(.stopPodSandbox, with: .failed("busy"))
        gate.open()
        await #expect(throws: CRIError.self) { try await starting.value }
        await time.waitForSleepers()
        #expect(try await web().sandbox.state == .ready)
        runtime.failAlways(.stopPodSandbox, with: nil)
        time.advance(by: RunContainers.pauses[0])
        try await until { try await web().sandbox.state == .notReady }
        keeping.cancel()
        runtime.cutEvents()
        await keeping.value
    }

    /// - Returns: its id.
    private func makeLaterAttempt(after first: String) async throws -> String {
        runtime.exit(container: first, code: 3)
        let sandbox = try await web().sandbox
        var config = RunSpec(name: "web", image: "busybox:1").container()
        config.metadata.attempt = 1
        return try await runtime.createContainer(
            sandbox: sandbox.id, config: config, sandboxConfig: PodSandboxConfig(metadata: sandbox.metadata))
    }

    /// As a daemon leaves it that dies before the next one is started, and when it runs.
    @Test(arguments: [false, true]) func whatADaemonLeftBesideItGoes(isStarted: Bool) async throws {
        let first = try await make("web")
        let second = try await makeLaterAttempt(after: first)
        if isStarted { try await runtime.startContainer(second) }
        await runs.clearLost()
        let keeping = Task { [runs] in await runs.keep() }
        try await until { runtime.containers.count == 1 }
        #expect(try await web().container?.id == (isStarted ? second : first))
        if !isStarted { try await until { try await web().sandbox.state == .notReady } }
        keeping.cancel()
        runtime.cutEvents()
        await keeping.value
    }

    /// Its monitor has not answered yet, and the one before is being removed.
    @Test func aLaterAttemptIsNeverTakenForOneThatHadNotStarted() async throws {
        let first = try await make("web")
        let second = try await makeLaterAttempt(after: first)
        try await runtime.removeContainer(first)
        await runs.clearLost()
        #expect(runtime.containers.map(\.id) == [second])
    }
}
