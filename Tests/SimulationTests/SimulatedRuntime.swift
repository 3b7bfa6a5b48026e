import CRI
import Synchronization
import TestSupport

/// A machine's runtime as one life of the kubelet sees it: calls take time, fail now and then, and do nothing once the kubelet is gone.
final class SimulatedRuntime: RuntimeService {
    struct Weather: Sendable {
        /// In milliseconds, at most, before and after a change.
        var delay = 0
        /// In a hundred.
        var failures = 0
    }

    private let world: World
    private let machine: Machine
    private let weather: @Sendable () -> Weather
    private let isDead = Mutex(false)

    init(world: World, machine: Machine, weather: @escaping @Sendable () -> Weather) {
        self.world = world
        self.machine = machine
        self.weather = weather
    }

    func die() { isDead.withLock { $0 = true } }

    private func delay() async throws(CRIError) {
        let longest = weather().delay
        if longest > 0 { await world.pause(world.draw { $0.duration(0...longest) }) }
        if isDead.withLock({ $0 }) { throw .failed("the daemon ended") }
    }

    private func change<Value: Sendable>(
        _ what: String, _ body: @escaping @Sendable () async throws(CRIError) -> Value
    ) async throws(CRIError) -> Value {
        try await delay()
        let failures = weather().failures
        if failures > 0, world.draw({ $0.percent(failures) }) {
            world.note("runtime-failure", "\(machine.name) \(what)")
            throw .failed("\(what) failed")
        }
        let value = try await body()
        machine.releaseAddresses()
        try await delay()
        return value
    }

    func version() async throws(CRIError) -> RuntimeVersion { try await machine.runtime.version() }
    func status() async throws(CRIError) -> RuntimeStatus { try await machine.runtime.status() }

    func runPodSandbox(_ config: PodSandboxConfig) async throws(CRIError) -> String {
        try await change("RunPodSandbox") { () async throws(CRIError) in try await self.machine.runSandbox(config) }
    }

    func stopPodSandbox(_ id: String) async throws(CRIError) {
        try await change("StopPodSandbox") { () async throws(CRIError) in
            try await self.machine.change { runtime async throws(CRIError) in try await runtime.stopPodSandbox(id) }
        }
    }

    func removePodSandbox(_ id: String) async throws(CRIError) {
        try await change("RemovePodSandbox") { () async throws(CRIError) in
            try await self.machine.change { runtime async throws(CRIError) in try await runtime.removePodSandbox(id) }
        }
    }

    func createContainer(
        sandbox: String, config: ContainerConfig, sandboxConfig: PodSandboxConfig
    ) async throws(CRIError) -> String {
        try await change("CreateContainer") { () async throws(CRIError) in
            try await self.machine.runtime.createContainer(
                sandbox: sandbox, config: config, sandboxConfig: sandboxConfig)
        }
    }

    func startContainer(_ id: String) async throws(CRIError) {
        try await change("StartContainer") { () async throws(CRIError) in
            try await self.machine.runtime.startContainer(id)
        }
    }

    func stopContainer(_ id: String, timeout: Duration) async throws(CRIError) {
        let signal = world.draw { $0.duration(0...2_000) }
        await world.pause(min(signal, timeout))
        try await change("StopContainer") { () async throws(CRIError) in
            try await self.machine.change { runtime async throws(CRIError) in
                try await runtime.stopContainer(id, timeout: timeout)
            }
        }
    }

    func removeContainer(_ id: String) async throws(CRIError) {
        try await change("RemoveContainer") { () async throws(CRIError) in
            try await self.machine.change { runtime async throws(CRIError) in try await runtime.removeContainer(id) }
        }
    }

    // MARK: - Looking

    func podSandboxStatus(_ id: String) async throws(CRIError) -> PodSandboxStatus {
        try await delay()
        return try await machine.runtime.podSandboxStatus(id)
    }

    func listPodSandboxes(_ filter: PodSandboxFilter) async throws(CRIError) -> [PodSandboxStatus] {
        try await delay()
        return try await machine.runtime.listPodSandboxes(filter)
    }

    func containerStatus(_ id: String) async throws(CRIError) -> ContainerStatus {
        try await delay()
        return try await machine.runtime.containerStatus(id)
    }

    func listContainers(_ filter: ContainerFilter) async throws(CRIError) -> [ContainerStatus] {
        try await delay()
        return try await machine.runtime.listContainers(filter)
    }

    func containerEvents() -> AsyncStream<ContainerEvent> { machine.runtime.containerEvents() }

    func containerStats(_ id: String) async throws(CRIError) -> ContainerStats {
        try await machine.runtime.containerStats(id)
    }

    func podSandboxStats(_ id: String) async throws(CRIError) -> ContainerStats {
        try await machine.runtime.podSandboxStats(id)
    }

    func writableLayer(of id: String) async throws(CRIError) -> FilesystemUsage {
        try await machine.runtime.writableLayer(of: id)
    }

    var resolvesSubPaths: Bool { machine.runtime.resolvesSubPaths }

    func containerTally(_ id: String) async throws(CRIError) -> ContainerTally {
        try await machine.runtime.containerTally(id)
    }

    func interfaces(ofSandbox id: String) async throws(CRIError) -> [InterfaceStats] {
        try await machine.runtime.interfaces(ofSandbox: id)
    }

    func updateContainerResources(_ id: String, _ resources: ContainerResources) async throws(CRIError) {
        try await machine.runtime.updateContainerResources(id, resources)
    }

    func reopenContainerLog(_ id: String) async throws(CRIError) { try await machine.runtime.reopenContainerLog(id) }

    func execSync(
        container: String, command: [String], timeout: Duration, outputLimit: Int
    ) async throws(CRIError) -> ExecResult {
        try await delay()
        return try await machine.runtime.execSync(
            container: container, command: command, timeout: timeout, outputLimit: outputLimit)
    }

    func exec(_ request: ExecRequest) async throws(CRIError) -> any ContainerStreams {
        try await machine.runtime.exec(request)
    }

    func attach(_ request: ExecRequest) async throws(CRIError) -> any ContainerStreams {
        try await machine.runtime.attach(request)
    }

    func portForward(sandbox: String, port: UInt16) async throws(CRIError) -> any ContainerStreams {
        try await machine.runtime.portForward(sandbox: sandbox, port: port)
    }
}
