import CRI
import Kubelet
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

    private func run(_ uid: String, labels: [String: String] = [:], grace: Int64? = nil) async throws {
        var config = PodSandboxConfig(metadata: PodSandboxMetadata(name: uid, uid: uid, namespace: "n"))
        config.labels = labels
        let box = try await runtime.runPodSandbox(config)
        var made = ContainerConfig(metadata: ContainerMetadata(name: uid), image: "i")
        made.annotations[ContainerLabel.terminationGrace] = grace.map { "\($0)" }
        let container = try await runtime.createContainer(sandbox: box, config: made, sandboxConfig: config)
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

    /// What the API server says of a pod goes before what was said when its container was made.
    @Test func whatWasMadeBeforeKnowsItsGrace() async throws {
        try await run("hasty", grace: 0)
        try await run("slow", grace: 60)
        try await run("known", grace: 60)
        try await run("silent")
        await stop(["known": 0], others: 30).run()
        let codes = runtime.containers.map { "\($0.metadata.name) \($0.exitCode)" }.sorted()
        // Of one that has no time at all the fake says that it was killed.
        #expect(codes == ["hasty 137", "known 137", "silent 143", "slow 143"])
    }
}
