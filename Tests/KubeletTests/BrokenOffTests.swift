import CRI
import KubernetesAPI
import Synchronization
import TestSupport
import Testing

@testable import Kubelet

/// What the daemon's end breaks off, and what follows a sandbox that was lost.
@Suite final class BrokenOffTests {
    private let events = KeptReasons()
    private let fixture: DirectoryFixture

    init() { fixture = DirectoryFixture(recorder: events) }

    private func running(_ pod: Pod) async throws -> PodObservation {
        let executor = fixture.executor
        _ = await executor.carryOut(.createSandbox(attempt: 0), pod, PodObservation())
        let made = try #require(await executor.observe(pod))
        let start = PodOperation.startContainer(name: "a", attempt: 0, images: ["i": "sha256:i"])
        let (outcome, seen) = await executor.carryOut(start, pod, made)
        #expect(outcome == .success)
        return try #require(seen)
    }

    private func hooked(_ build: (inout Lifecycle) -> Void) -> Pod {
        pod {
            $0.spec.containers[0].image = "i"
            $0.spec.containers[0].lifecycle = Lifecycle(build)
        }
    }

    private static let sleep = LifecycleHandler { $0.sleep = SleepAction { $0.seconds = 30 } }

    @Test func aStopThatIsBrokenOffInItsHookSendsNoSignal() async throws {
        let pod = hooked { $0.preStop = Self.sleep }
        let seen = try await running(pod)
        let id = try #require(seen.containers.first?.id)
        let executor = fixture.executor
        let stop = Task {
            await executor.carryOut(.stopContainer(id: id, name: "a", grace: .seconds(60)), pod, seen).0
        }
        await fixture.time.waitForSleepers()
        stop.cancel()
        guard case .failure = await stop.value else {
            Issue.record("it has ended well")
            return
        }
        #expect(!fixture.runtime.calls.contains { $0.operation == .stopContainer })
        #expect(events.all == ["Created", "Started"])
    }

    /// The command fails because it is broken off, which says nothing of it.
    @Test func aStartThatIsBrokenOffInItsHookStopsNothing() async throws {
        let pod = hooked { $0.postStart = LifecycleHandler { $0.exec = ExecAction { $0.command = ["c"] } } }
        let executor = fixture.executor
        _ = await executor.carryOut(.createSandbox(attempt: 0), pod, PodObservation())
        let made = try #require(await executor.observe(pod))
        fixture.runtime.failNext(.execSync, with: .failed("broken off"))
        let gate = fixture.runtime.hold(.execSync)
        let start = Task {
            await executor.carryOut(.startContainer(name: "a", attempt: 0, images: ["i": "sha256:i"]), pod, made)
        }
        await gate.reached()
        start.cancel()
        gate.open()
        let (outcome, seen) = await start.value
        guard case .failure = outcome else {
            Issue.record("it has ended well")
            return
        }
        #expect(seen?.containers.map(\.state) == [.running])
        #expect(!fixture.runtime.calls.contains { $0.operation == .stopContainer })
        #expect(events.all == ["Created", "Started"])
    }

    @Test func whatIsLeftOfALostSandboxGoesBeforeTheNext() async throws {
        let pod = hooked { _ in }
        let seen = try await running(pod)
        let lost = try #require(seen.sandboxes.first?.id)
        fixture.runtime.crash(sandbox: lost)
        let observation = try #require(await fixture.executor.observe(pod))
        let before = fixture.runtime.calls.count
        let (outcome, after) = await fixture.executor.carryOut(.createSandbox(attempt: 1), pod, observation)
        #expect(outcome == .success && after?.readySandbox?.metadata.attempt == 1)
        let calls = fixture.runtime.calls.dropFirst(before).map(\.operation)
        #expect(calls.prefix(2) == [.stopPodSandbox, .runPodSandbox])
    }
}

private final class KeptReasons: PodEventRecorder {
    private let kept = Mutex<[String]>([])

    var all: [String] { kept.withLock { $0 } }

    func record(_ message: PodEventMessage, on pod: Pod) { kept.withLock { $0.append(message.reason) } }
}
