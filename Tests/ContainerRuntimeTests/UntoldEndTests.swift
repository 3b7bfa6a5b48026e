import CRI
import Synchronization
import TestSupport
import Testing

@testable import ContainerRuntime

@Suite struct UntoldEndTests {
    @Test func anEndThatIsKnownAndNotToldYetIsToldBeforeTheRemoval() async throws {
        let node = try FakeNode()
        let runtime = try await node.open()
        let sandbox = try await runtime.runPodSandbox(podConfig)
        let id = try await runtime.createContainer(
            sandbox: sandbox, config: containerConfig(), sandboxConfig: podConfig)
        try await runtime.startContainer(id)
        var events = runtime.containerEvents().makeAsyncIterator()
        let exit = ProcessExit(
            number: 1, subject: .container(id), exitCode: 3, signal: 0, outOfMemory: false, startedAt: 1, finishedAt: 2)
        runtime.change(container: id) { $0.apply(exit) }
        #expect(try await runtime.containerStatus(id).state == .exited)
        try await runtime.removeContainer(id)
        #expect(await events.next()?.kind == .stopped)
        #expect(await events.next()?.kind == .deleted)
    }

    @Test func whoHearsOfADeadMonitorFindsItsSandboxLost() async throws {
        let node = try FakeNode()
        let runtime = try await node.open()
        let sandbox = try await runtime.runPodSandbox(podConfig)
        let id = try await runtime.createContainer(
            sandbox: sandbox, config: containerConfig(), sandboxConfig: podConfig)
        try await runtime.startContainer(id)
        // Told is the container's end by then; what the sandbox holds is given back after it.
        let seen = Mutex<[PodSandboxStatus]>([])
        node.kernel.killing.withLock {
            $0 = { [weak runtime] _ in
                guard let entry = runtime?.state.withLock({ $0.sandboxes[sandbox] }) else { return }
                seen.withLock { $0.append(entry.status) }
            }
        }
        var events = runtime.containerEvents().makeAsyncIterator()
        node.monitors.only?.die()
        #expect(await events.next()?.container == id)
        #expect(await events.next()?.container == sandbox)
        #expect(seen.withLock { $0.map(\.state) } == [.notReady])
        #expect(seen.withLock { $0.map(\.isHeld) } == [true])
        #expect(try await runtime.podSandboxStatus(sandbox).isHeld == false)
    }
}
