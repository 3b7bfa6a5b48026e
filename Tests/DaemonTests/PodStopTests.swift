import CRI
import Logging
import TestSupport
import Testing

@testable import Daemon

@Suite struct PodStopTests {
    private let runtime = FakeRuntimeService()

    private func stop(_ graces: [String: Int64]) -> PodStop {
        PodStop(runtime: runtime, graces: graces, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    @Test func gracesAreBounded() {
        #expect(stop(["a": 30, "b": 9_999_999, "c": -1]).graces == ["a": 30, "b": 3_600, "c": 0])
    }

    /// What a command runs shares the runtime.
    @Test func onlyTheKubeletsPodsEnd() async throws {
        for uid in ["pod", "session"] {
            let config = PodSandboxConfig(metadata: PodSandboxMetadata(name: uid, uid: uid, namespace: "n"))
            let box = try await runtime.runPodSandbox(config)
            let container = try await runtime.createContainer(
                sandbox: box, config: ContainerConfig(metadata: ContainerMetadata(name: uid), image: "i"),
                sandboxConfig: config)
            try await runtime.startContainer(container)
        }
        await stop(["pod": 5, "gone": 5]).run()
        let boxes = runtime.sandboxes.map { ($0.metadata.uid, $0.state) }
        #expect(boxes.filter { $0.1 == .ready }.map(\.0) == ["session"])
        let containers = runtime.containers.map { ($0.metadata.name, $0.state) }
        #expect(containers.filter { $0.1 == .running }.map(\.0) == ["session"])
    }
}
