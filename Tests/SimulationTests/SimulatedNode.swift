import Client
import HTTP
import KubernetesAPI
import Linux
import Logging
import Synchronization
import TestSupport

@testable import Kubelet
@testable import Store

/// A machine of the simulated cluster and the kubelet that runs on it, or does not.
final class SimulatedNode: Sendable {
    private struct Life {
        var work: Task<Void, Never>
        var link: Link
        var runtime: SimulatedRuntime
    }

    private struct State {
        var life: Life?
        var weather = SimulatedRuntime.Weather()
        var delay = 0
        var isCut = false
    }

    let machine: Machine
    private let world: World
    private let plane: @Sendable () -> ControlPlane?
    private let disk: SimulatedDisk
    private let state = Mutex(State())
    // Never used: the kubelet's server, its volumes and its manifests are not part of the simulation.
    private static let threads = BlockingThreads(count: 1)
    private static let events = Result { () throws(KernelError) in try EventThread() }

    var name: String { machine.name }
    var isUp: Bool { state.withLock { $0.life != nil } }
    var isCut: Bool { state.withLock { $0.isCut } }

    init(machine: Machine, world: World, disk: SimulatedDisk, plane: @escaping @Sendable () -> ControlPlane?) {
        self.machine = machine
        self.world = world
        self.disk = disk
        self.plane = plane
    }

    func start() throws {
        guard !isUp else { return }
        let link = Link(world: world, plane: plane) { [weak self] in self?.answered($0, $1) }
        let runtime = SimulatedRuntime(world: world, machine: machine) { [weak self] in
            self?.state.withLock { $0.weather } ?? .init()
        }
        let (delay, isCut) = state.withLock { ($0.delay, $0.isCut) }
        link.slow(to: delay)
        if isCut { link.cut() }
        let kubelet = Kubelet(
            configuration,
            client: APIClient(
                handler: link, peer: .inProcess(user: "system:node:\(name)", groups: ["system:nodes"]),
                userAgent: "kubelet"),
            runtime: runtime, images: FakeImageService(present: ["app:1", "app:2", "app:3"]),
            volumes: SimulatedVolumes(machine: machine), probes: NoProbes(), threads: Self.threads,
            events: try Self.events.get(), moments: NoPodMoments(), time: world.time, random: world.randomSource(),
            logger: Logger(label: "simulation") { _ in SwiftLogNoOpLogHandler() })
        let work = world.spawn { await kubelet.run() }
        state.withLock { $0.life = Life(work: work, link: link, runtime: runtime) }
    }

    private var configuration: Kubelet.Configuration {
        Kubelet.Configuration(
            identity: NodeIdentity(name: name, addresses: ["192.0.2.1"]),
            facts: NodeFacts(
                cpuMilli: 64_000, memoryBytes: 64 << 30, diskBytes: 1 << 40, maximumPods: 110, architecture: "amd64",
                kernelVersion: "6.1", operatingSystem: "simulated", bootID: "1", machineID: name,
                runtimeVersion: "simulated://1", kubeletVersion: "v1.36.0", hostname: name),
            settings: PodSettings(
                clusterDNS: [], clusterDomain: "cluster.local", logRoot: "/logs", nodeMemory: 64 << 30,
                hostResolver: "", apiService: nil),
            dataDirectory: "", runDirectory: "", manifestDirectory: "")
    }

    /// The kubelet's process ends; what runs on the machine runs on.
    func crash() {
        let life = state.withLock { state in
            defer { state.life = nil }
            return state.life
        }
        life?.runtime.die()
        life?.link.close()
        life?.work.cancel()
    }

    func powerOff() {
        crash()
        machine.powerOff()
    }

    func cut(_ isCut: Bool) {
        let link = state.withLock { state in
            state.isCut = isCut
            return state.life?.link
        }
        if isCut { link?.cut() } else { link?.mend() }
    }

    func breakStreams() { state.withLock { $0.life?.link }?.breakStreams() }

    func setWeather(_ weather: SimulatedRuntime.Weather) { state.withLock { $0.weather = weather } }

    func slowLink(to delay: Int) {
        let link = state.withLock { state in
            state.delay = delay
            return state.life?.link
        }
        link?.slow(to: delay)
    }

    /// The server let a pod go because its kubelet said that nothing of it is left: the object must have told every end.
    private func answered(_ request: HTTPRequest, _ response: HTTPResponse) {
        let parts = request.path.split(separator: "/")
        guard request.method == .delete, response.status == 200, parts.count == 6, parts[4] == "pods" else { return }
        guard let record = disk.lastDeletion(of: "/registry/core/pods/\(parts[3])/\(parts[5])"),
            let pod = StoredObject.decode(Pod.self, record.previousBytes)
        else { return }
        for fault in ExitAudit.unreported(in: pod, exits: machine.newestExits(of: pod.metadata.uid)) {
            world.fault("pod \(pod.metadata.name) is gone: \(fault)")
        }
        let left = machine.runtime.sandboxes.contains { $0.metadata.uid == pod.metadata.uid }
        if left { world.fault("pod \(pod.metadata.name) was confirmed gone, and \(name) still has a sandbox of it") }
    }
}

/// The pods of the simulation have no probes that need a network.
struct NoProbes: ProbeTransport {
    func get(_ url: ProbeURL, headers: HTTPHeaders, timeout: Duration) async throws(HTTPError) -> HTTPResponse {
        HTTPResponse(200)
    }

    func connect(host: String, port: UInt16, timeout: Duration) async throws(HTTPError) {}

    func call(
        _ path: String, _ message: [UInt8], host: String, port: UInt16, timeout: Duration
    ) async throws(HTTPError) -> GRPCAnswer { throw .connectFailed(endpoint: host, reason: "no network") }
}
