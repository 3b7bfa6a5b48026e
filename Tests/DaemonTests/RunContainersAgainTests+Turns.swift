import CRI
import TestSupport
import Testing

@testable import Daemon

/// Who asks for one thing while another is under way.
extension RunContainersAgainTests {
    @Test func aStartWaitsForTheStopBeforeIt() async throws {
        let (runs, runtime) = (runs, runtime)
        let first = try await make("web")
        let gate = runtime.hold(.stopContainer)
        let stopping = Task { try await runs.stop("web") }
        await gate.reached()
        #expect(try await web().sandbox.isStopped)
        let starting = Task { try await runs.start("web") }
        try await until { runs.ending.waiting(for: first) == 1 }
        #expect(try await web().isRunning)
        gate.open()
        #expect(try await (stopping.value, starting.value) == ("web", "web"))
        let now = try await web()
        #expect(now.isRunning && !now.sandbox.isStopped && now.container?.metadata.attempt == 1)
    }

    @Test func aStartDoesNotWaitForAStopThatHasGivenUp() async throws {
        let (runs, runtime) = (runs, runtime)
        let first = try await make("web")
        runtime.failNext(.stopContainer, with: .timedOut("a process hangs"))
        let gate = runtime.hold(.stopContainer)
        let stopping = Task { try await runs.stop("web") }
        await gate.reached()
        let starting = Task { try await runs.start("web") }
        try await until { runs.ending.waiting(for: first) == 1 }
        gate.open()
        await #expect(throws: CRIError.self) { try await stopping.value }
        #expect(try await starting.value == "web")
        let now = try await web()
        #expect(now.isRunning && now.container?.id == first && !now.sandbox.isStopped)
    }

    @Test func theDaemonsEndGivesUpAStopAndSaysSo() async throws {
        let (runs, runtime) = (runs, runtime)
        let first = try await make("web")
        let gate = runtime.hold(.stopContainer)
        let stopping = Task { try await runs.stop("web") }
        await gate.reached()
        runs.stops.giveUp()
        gate.open()
        let failure = await #expect(throws: CRIError.self) { try await stopping.value }
        #expect(failure?.description.contains("container web was not stopped: the daemon is stopping") == true)
        // So too what comes later.
        await #expect(throws: CRIError.self) { try await runs.restart("web") }
        let now = try await web()
        #expect(now.isRunning && now.container?.id == first)
    }

    @Test func whoGoesAwayTakesNothingOfTheGrace() async throws {
        let (runs, runtime) = (runs, runtime)
        try await make("web")
        let gate = runtime.hold(.stopContainer)
        let stopping = Task { try await runs.stop("web") }
        await gate.reached()
        stopping.cancel()
        gate.open()
        // Nobody is told how it went.
        _ = try? await stopping.value
        // By the signal that it is told to end with; what is killed ends with 137.
        #expect(try await web().container?.exitCode == 143)
    }

    @Test func whoIsCancelledWaitsForNoStop() async throws {
        let (runs, runtime) = (runs, runtime)
        let first = try await make("web")
        let gate = runtime.hold(.stopContainer)
        let stopping = Task { try await runs.stop("web") }
        await gate.reached()
        let starting = Task { try await runs.start("web") }
        try await until { runs.ending.waiting(for: first) == 1 }
        starting.cancel()
        await #expect(throws: CRIError.self) { try await starting.value }
        gate.open()
        #expect(try await stopping.value == "web")
        #expect(try await web().hasEnded)
    }

    @Test func aRemovalWaitsForTheStartBeforeIt() async throws {
        let (runs, runtime) = (runs, runtime)
        runtime.exit(container: try await make("web"), code: 0)
        let gate = runtime.hold(.createContainer)
        let starting = Task { try await runs.start("web") }
        await gate.reached()
        let removing = Task { try await runs.remove("web", force: false) }
        try await until { runs.turns.waiting(for: "web") == 1 }
        gate.open()
        #expect(try await starting.value == "web")
        let error = await #expect(throws: CRIError.self) { try await removing.value }
        #expect(error?.description.contains("runs; end it") == true)
        #expect(try await web().isRunning)
    }

    @Test(arguments: [RestartPolicy.no, .always]) func aStopEndsTheStartBeforeIt(restart: RestartPolicy) async throws {
        let (runs, runtime) = (runs, runtime)
        let first = try await make("web", restart: restart)
        runtime.exit(container: first, code: 0)
        let gate = runtime.hold(.createContainer)
        let starting = Task { try await runs.start("web") }
        await gate.reached()
        let stopping = Task { try await runs.stop("web") }
        try await until { runs.turns.waiting(for: "web") == 1 }
        let now = try await web()
        #expect(now.sandbox.state == .notReady && now.sandbox.isStopped)
        gate.open()
        await #expect(throws: CRIError.self) { try await starting.value }
        #expect(try await stopping.value == "web")
        let after = try await web()
        #expect(after.container?.id == first && after.sandbox.isStopped && runtime.containers.count == 1)
    }

    @Test func aRemovalByForceEndsTheStartBeforeIt() async throws {
        let (runs, runtime) = (runs, runtime)
        runtime.exit(container: try await make("web"), code: 0)
        let gate = runtime.hold(.createContainer)
        let starting = Task { try await runs.start("web") }
        await gate.reached()
        let removing = Task { try await runs.remove("web", force: true) }
        try await until { runs.turns.waiting(for: "web") == 1 }
        #expect(try await web().sandbox.state == .notReady)
        gate.open()
        await #expect(throws: CRIError.self) { try await starting.value }
        #expect(try await removing.value == "web")
        #expect(runtime.sandboxes.isEmpty && runtime.containers.isEmpty)
    }

    @Test func whoWaitsForAStartThatHangsIsToldSo() async throws {
        let (runs, runtime) = (runs, runtime)
        runtime.exit(container: try await make("web"), code: 0)
        let gate = runtime.hold(.createContainer)
        let starting = Task { try await runs.start("web") }
        await gate.reached()
        let restarting = Task { try await runs.restart("web") }
        await time.waitForSleepers()
        #expect(runs.turns.waiting(for: "web") == 1)
        time.advance(by: RunContainers.patience)
        let error = await #expect(throws: CRIError.self) { try await restarting.value }
        #expect(error?.description.contains("held by another command") == true)
        gate.open()
        #expect(try await starting.value == "web")
        #expect(try await runs.restart("web", grace: .zero) == "web")
        #expect(time.untilNext == nil)
    }

    @Test func aStopDuringARestartIsTheLastWord() async throws {
        let (runs, runtime) = (runs, runtime)
        try await make("web")
        let gate = runtime.hold(.stopContainer)
        let restarting = Task { try await runs.restart("web") }
        await gate.reached()
        let stopping = Task { try await runs.stop("web") }
        try await until { try await web().sandbox.isStopped }
        gate.open()
        _ = try await stopping.value
        let error = await #expect(throws: CRIError.self) { try await restarting.value }
        #expect(error?.description.contains("stopped meanwhile") == true)
        let now = try await web()
        #expect(!now.isRunning && now.sandbox.isStopped)
    }
}
