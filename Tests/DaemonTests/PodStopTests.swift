import CRI
import Logging
import TestSupport
import Testing

@testable import Daemon

@Suite struct PodStopTests {
    private let runtime = FakeRuntimeService()

    private func stop(_ graces: [String: Int64], others: Int64? = nil) -> PodStop {
        PodStop(
            runtime: runtime, graces: graces, othersGrace: others,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    @Test func gracesAreBounded() {
        #expect(stop(["a": 30, "b": 9_999_999, "c": -1]).graces == ["a": 30, "b": 3_600, "c": 0])
    }

    private func run(_ uid: String, labels: [String: String] = [:]) async throws {
        var config = PodSandboxConfig(metadata: PodSandboxMetadata(name: uid, uid: uid, namespace: "n"))
        config.labels = labels
        let box = try await runtime.runPodSandbox(config)
        let container = try await runtime.createContainer(
            sandbox: box, config: ContainerConfig(metadata: ContainerMetadata(name: uid), image: "i"),
            sandboxConfig: config)
        try await runtime.startContainer(container)
    }

    private func expectRunning(_ uids: [String]) {
        #expect(runtime.sandboxes.filter { $0.state == .ready }.map(\.metadata.uid) == uids)
        #expect(runtime.containers.filter { $0.state == .running }.map(\.metadata.name) == uids)
    }

    /// Others may use the runtime too.
    @Test func onlyTheKubeletsPodsEnd() async throws {
        try await run("pod")
        try await run("other")
        await stop(["pod": 5, "gone": 5]).run()
        expectRunning(["other"])
    }

    /// What a command runs shares our own runtime.
    @Test func podsOfBeforeEndWhereNobodyHasNamedThem() async throws {
        try await run("before")
        try await run("session", labels: [PodSandboxStatus.sessionLabel: "box"])
        await stop([:], others: 30).run()
        expectRunning(["session"])
    }
}
