import CRI
import ContainerRuntime
import Glibc
import Testing

/// What reaches the kernel of a pod's limits. With `SWIFTLET_BUG=unwritten-limit` in the environment the kernel loses a limit, and this must fail:
/// `integration/faults.sh` shows that it does.
@Suite struct LimitTests {
    @Test func everyLimitIsWritten() async throws {
        let node = try FakeNode()
        if getenv("SWIFTLET_BUG").map({ String(cString: $0) }) == "unwritten-limit" {
            node.kernel.state.withLock { $0.unwritten = "memory.max" }
        }
        let runtime = try await node.open()
        var pod = podConfig
        pod.resources.memoryLimit = 64 << 20
        pod.resources.processLimit = 100
        let sandbox = try await runtime.runPodSandbox(pod)
        var container = containerConfig()
        container.resources.memoryLimit = 32 << 20
        container.resources.cpuLimit = 500
        container.resources.cpuRequest = 1_000
        _ = try await runtime.createContainer(sandbox: sandbox, config: container, sandboxConfig: pod)
        let group = try #require(await runtime.books().sandboxes.first)
        let own = try #require(group.containers.first)
        let written = node.kernel.state.withLock { $0.values }
        func value(_ file: String) -> String? { written[group.cgroup + "/" + file] }
        func containers(_ file: String) -> String? { written[group.cgroup + "/" + own.cgroupName + "/" + file] }
        #expect(value("memory.max") == "67108864", "the pod's memory limit was never written")
        #expect(value("pids.max") == "100", "the pod's process limit was never written")
        #expect(containers("memory.max") == "33554432", "the container's memory limit was never written")
        #expect(containers("cpu.max") == "50000 100000", "the container's CPU limit was never written")
        #expect(containers("cpu.weight") == "100", "the container's CPU request was never written")
    }
}
