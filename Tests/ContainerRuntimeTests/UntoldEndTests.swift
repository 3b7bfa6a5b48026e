import CRI
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
}
