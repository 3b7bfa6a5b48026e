import CRI
import Glibc
import Linux
import Logging
import TestSupport
import Testing

@testable import Daemon

@Suite struct RunContainersTests {
    private let runtime = FakeRuntimeService()
    private let time = ManualTime()
    private let runs: RunContainers

    init() {
        runs = RunContainers(
            runtime: runtime, sandbox: { spec, uid in spec.sandbox(uid: uid, logs: "/logs/\(uid)") },
            logs: RunLogs("/nonexistent/runs", bootID: "b0"), threads: BlockingThreads(count: 1),
            time: time,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// - Returns: the container's id.
    @discardableResult private func make(
        _ name: String, detached: Bool = true, removed: Bool = false, starts: Bool = true
    ) async throws -> String {
        var spec = RunSpec(name: name, image: "busybox:1")
        (spec.isDetached, spec.isRemovedAtEnd) = (detached, removed)
        let config = spec.sandbox(uid: "uid-\(name)", logs: "/logs/uid-\(name)")
        let sandbox = try await runtime.runPodSandbox(config)
        let id = try await runtime.createContainer(
            sandbox: sandbox, config: spec.container(), sandboxConfig: config)
        if starts { try await runtime.startContainer(id) }
        return id
    }

    private func states() async throws -> [String: PodSandboxState] {
        Dictionary(uniqueKeysWithValues: try await runs.list().map { ($0.name, $0.sandbox.state) })
    }

    @Test func anEndedContainerGivesBackItsSandboxAndStays() async throws {
        let (web, job) = (try await make("web"), try await make("job", removed: true))
        try await make("other")
        let keeping = Task { [runs] in await runs.keep() }
        runtime.exit(container: web, code: 3)
        runtime.exit(container: job, code: 0)
        try await until { try await states() == ["web": .notReady, "other": .ready] }
        #expect(try await runs.named("web").container?.exitCode == 3)
        // Ends that were not told of, since the stream was cut, are found all the same.
        runtime.cutEvents()
        try await make("late", removed: true)
        runtime.exit(container: try #require(try await runs.named("late").container?.id), code: 0)
        try await until { try await states()["late"] == nil }
        keeping.cancel()
        runtime.cutEvents()
        await keeping.value
    }

    @Test func whatCouldNotBeSettledIsTriedAgain() async throws {
        let (web, job) = (try await make("web"), try await make("job", removed: true))
        let keeping = Task { [runs] in await runs.keep() }
        try await until { runtime.calls.contains { $0.operation == .listContainers } }
        runtime.failAlways(.stopPodSandbox, with: .failed("a process hangs"))
        runtime.exit(container: web, code: 0)
        runtime.exit(container: job, code: 0)
        for pause in RunContainers.pauses.dropLast() {
            await time.waitForSleepers(2)
            #expect(try await states() == ["web": .ready, "job": .ready])
            time.advance(by: pause)
        }
        await time.waitForSleepers(2)
        runtime.failAlways(.stopPodSandbox, with: nil)
        time.advance(by: try #require(RunContainers.pauses.last))
        try await until { try await states() == ["web": .notReady] }
        keeping.cancel()
        runtime.cutEvents()
        await keeping.value
    }

    @Test func aRemovalThatFailedHalfWayIsTriedAgain() async throws {
        let job = try await make("job", removed: true)
        runtime.failAlways(.removePodSandbox, with: .failed("a directory is busy"))
        runtime.exit(container: job, code: 0)
        let keeping = Task { [runs] in await runs.keep() }
        await time.waitForSleepers()
        // As the runtime has it from then on: the container is not listed any more, its sandbox is.
        try await runtime.removeContainer(job)
        #expect(try await runs.named("job").hasEnded)
        time.advance(by: RunContainers.pauses[0])
        await time.waitForSleepers()
        runtime.failAlways(.removePodSandbox, with: nil)
        time.advance(by: RunContainers.pauses[1])
        try await until { try await states().isEmpty }
        keeping.cancel()
        runtime.cutEvents()
        await keeping.value
    }

    @Test func whatNeverSettlesIsGivenUp() async throws {
        let web = try await make("web")
        runtime.failAlways(.stopPodSandbox, with: .failed("a process hangs"))
        runtime.exit(container: web, code: 0)
        let keeping = Task { [runs] in await runs.keep() }
        for pause in RunContainers.pauses {
            await time.waitForSleepers()
            time.advance(by: pause)
        }
        let tries = RunContainers.pauses.count + 1
        try await until { runtime.calls.filter { $0.operation == .stopPodSandbox }.count >= tries }
        #expect(time.untilNext == nil)
        keeping.cancel()
        runtime.cutEvents()
        await keeping.value
    }

    @Test func aDaemonsStartTakesAwayWhatNobodyIsJoinedTo() async throws {
        try await make("kept")
        let ended = try await make("ended")
        runtime.exit(container: ended, code: 0)
        try await make("joined", detached: false)
        try await make("half", starts: false)
        await runs.clearLost()
        #expect(Set(try await states().keys) == ["kept", "ended"])
    }

    @Test func stopEndsOneByNameOrID() async throws {
        let id = try await make("web")
        try await make("job", removed: true)
        #expect(try await runs.stop(String(id), grace: .seconds(5)) == "web")
        #expect(try await runs.stop("job", grace: .seconds(5)) == "job")
        #expect(try await states() == ["web": .notReady])
        #expect(try await runs.stop("web", grace: .zero) == "web", "one that has ended stays as it is")
        let unknown = await #expect(throws: CRIError.self) { try await runs.stop("none", grace: .zero) }
        #expect(unknown?.description.contains("swiftlet ps --all") == true)
        await #expect(throws: CRIError.self) { try await runs.named("") }
    }

    @Test func anEndIsWaitedFor() async throws {
        let (runs, runtime) = (runs, runtime)
        let web = try await make("web")
        let run = try await runs.named("web")
        let waiting = Task { try await runs.end(of: run) }
        try await until { runtime.calls.contains { $0.operation == .containerStatus } }
        runtime.exit(container: web, code: 7)
        #expect(try await waiting.value == 7)
        #expect(try await runs.end(of: run) == 7, "one that has ended is not waited for")
        runtime.exit(container: try await make("lost"), code: 1)
        let lost = try await runs.named("lost")
        try await runtime.removePodSandbox(lost.sandbox.id)
        await #expect(throws: CRIError.self) { try await runs.end(of: lost) }
    }

    @Test func theCodeOutlivesOneThatGoesAtItsEnd() async throws {
        let job = try await make("job", removed: true)
        let run = try await runs.named("job")
        let keeping = Task { [runs] in await runs.keep() }
        runtime.exit(container: job, code: 5)
        try await until { try await states()["job"] == nil }
        #expect(try await runs.end(of: run) == 5)
        keeping.cancel()
        runtime.cutEvents()
        await keeping.value
    }

    @Test func onlyEndedOnesAreRemovedWithoutForce() async throws {
        let web = try await make("web")
        let refused = await #expect(throws: CRIError.self) { try await runs.remove("web", force: false) }
        #expect(refused?.description.contains("swiftlet stop web") == true)
        runtime.exit(container: web, code: 0)
        #expect(try await runs.remove("web", force: false) == "web")
        try await make("again")
        #expect(try await runs.remove("again", force: true) == "again")
        #expect(try await states().isEmpty)
    }

    @Test func theMachinesShutdownEndsAll() async throws {
        try await make("web")
        try await make("job", removed: true)
        await runs.stopAll(grace: .seconds(1))
        #expect(try await states() == ["web": .notReady])
    }

    @Test func ofTwoAtOnceOneGetsTheName() async throws {
        let (runs, runtime) = (runs, runtime)
        let config = RunSpec(name: "web", image: "busybox:1").sandbox(uid: "uid-web", logs: "")
        let make = { @Sendable () async throws(CRIError) in
            try await runs.named(new: "web") { () async throws(CRIError) in try await runtime.runPodSandbox(config) }
        }
        // The first is held where its sandbox is being made, and nothing lists it yet.
        let gate = runtime.hold(.runPodSandbox)
        let first = Task { try await make() }
        await gate.reached()
        let second = await #expect(throws: CRIError.self) { try await make() }
        #expect(second?.description.contains("web is being made by another `swiftlet run`") == true)
        gate.open()
        _ = try await first.value
        let third = await #expect(throws: CRIError.self) { try await make() }
        #expect(third?.description.contains("web runs already") == true)
        #expect(runtime.sandboxes.count == 1)
    }

    @Test func aNameWhoseContainerCouldNotBeMadeIsFree() async throws {
        let (runs, runtime) = (runs, runtime)
        let config = RunSpec(name: "web", image: "busybox:1").sandbox(uid: "uid-web", logs: "")
        runtime.failNext(.runPodSandbox, with: .failed("no room"))
        for isMade in [false, true] {
            let made = try? await runs.named(new: "web") { () async throws(CRIError) in
                try await runtime.runPodSandbox(config)
            }
            #expect((made != nil) == isMade)
        }
    }

    @Test func podsAreNoneOfThem() async throws {
        let metadata = PodSandboxMetadata(name: "web", uid: "u", namespace: "default")
        _ = try await runtime.runPodSandbox(PodSandboxConfig(metadata: metadata))
        #expect(try await runs.list().isEmpty)
        let pod = await #expect(throws: CRIError.self) { try await runs.remove("web", force: true) }
        #expect(pod?.description.contains("kubectl delete pod") == true)
    }
}
