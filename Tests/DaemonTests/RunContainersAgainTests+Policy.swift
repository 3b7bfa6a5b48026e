import CRI
import TestSupport
import Testing

@testable import Daemon

/// What their policies start again.
extension RunContainersAgainTests {
    @Test func itsPolicyStartsItAgain() async throws {
        var id = try await make("web", restart: .always)
        let keeping = Task { [runs] in await runs.keep() }
        for (times, pause) in [("1", 100), ("2", 200), ("3", 400)] {
            runtime.exit(container: id, code: 0)
            #expect(try await web().hasEnded)
            // Another look at the end before may still sleep.
            try await until {
                time.advance(by: .milliseconds(10))
                return try await web().isRunning && runtime.containers.count == 1
            }
            let container = try #require(try await web().container)
            #expect(container.labels[RunContainers.restartsLabel] == times)
            #expect(container.labels[RunContainers.pauseLabel] == String(pause))
            let shown = try await web().json(of: container)
            #expect(shown["restarts"]?.integer == Int64(times) && shown["restart"] == "always")
            id = container.id
        }
        // Its user's word counts for more, and begins anew.
        runtime.exit(container: id, code: 1)
        await time.waitForSleepers()
        #expect(try await runs.stop("web") == "web")
        time.advance(by: .seconds(60))
        #expect(try await web().hasEnded)
        #expect(try await runs.start("web") == "web")
        #expect(try await web().container?.labels[RunContainers.restartsLabel] == nil)
        keeping.cancel()
        runtime.cutEvents()
        await keeping.value
    }

    @Test func whatAPolicyCannotStartIsTriedAgain() async throws {
        let id = try await make("web", restart: .always)
        runtime.exit(container: id, code: 0)
        let keeping = Task { [runs] in await runs.keep() }
        runtime.failNext(.resumePodSandbox, with: .failed("no address"))
        runtime.failNext(.startContainer, with: .failed("no room"))
        for pause in [100, 200, 400] {
            await time.waitForSleepers()
            let now = try await web()
            #expect(now.container?.id == id && now.sandbox.state == .notReady)
            time.advance(by: .milliseconds(pause))
        }
        try await until { try await web().isRunning }
        #expect(try await web().container?.labels[RunContainers.restartsLabel] == "3")
        keeping.cancel()
        runtime.cutEvents()
        await keeping.value
    }

    @Test func whatIsGivenUpIsNotToBeStartedAgain() async throws {
        runtime.failAlways(.stopPodSandbox, with: .failed("busy"))
        runtime.exit(container: try await make("web", restart: .always), code: 1)
        let following = Task { [runs] in await runs.waitForFinalEnd(of: try await runs.named("web")) }
        let keeping = Task { [runs] in await runs.keep() }
        for pause in RunContainers.pauses {
            await time.waitForSleepers()
            #expect(try await web().isToRestart)
            time.advance(by: pause)
        }
        try await following.value
        #expect(try await !web().isToRestart)
        runtime.failAlways(.stopPodSandbox, with: nil)
        #expect(try await runs.start("web") == "web")
        #expect(try await web().isRunning)
        keeping.cancel()
        runtime.cutEvents()
        await keeping.value
    }

    /// Its user's next daemon, with the same records.
    private var nextDaemon: RunContainers { RunContainersAgainTests(runtime, time).runs }

    @Test func triesThatFailedCountForTheNextDaemonToo() async throws {
        runtime.exit(container: try await make("web", restart: .onFailure(times: 2)), code: 1)
        runtime.failAlways(.createContainer, with: .imageNotFound("gone"))
        let first = Task { [runs] in await runs.keep() }
        await time.waitForSleepers()
        time.advance(by: .milliseconds(100))
        try await until { try await web().sandbox.labels[RunContainers.failureLabel] != nil }
        await time.waitForSleepers()
        #expect(time.untilNext == .milliseconds(200))
        first.cancel()
        runtime.cutEvents()
        await first.value
        time.advance(by: .milliseconds(50))
        let runs = nextDaemon
        let second = Task { await runs.keep() }
        await time.waitForSleepers()
        #expect(time.untilNext == .milliseconds(150))
        #expect(try await runs.named("web").isToRestart)
        time.advance(by: .milliseconds(150))
        try await until { try await !runs.named("web").isToRestart }
        #expect(time.untilNext == nil)
        second.cancel()
        runtime.cutEvents()
        await second.value
        // Its user begins anew.
        runtime.failAlways(.createContainer, with: nil)
        _ = try await runs.start("web")
        runtime.exit(container: try #require(try await runs.named("web").container?.id), code: 1)
        #expect(try await runs.named("web").isToRestart)
    }
}
