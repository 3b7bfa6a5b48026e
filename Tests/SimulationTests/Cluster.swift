import Client
import HTTP
import KubernetesAPI
import Synchronization

/// A simulated cluster: a disk with a control plane on it, machines with kubelets, and a user.
final class Cluster: Sendable {
    private struct State {
        var plane: ControlPlane?
        var machines: [Machine] = []
        var storeDelay = usualSync
    }

    /// How long each half of a commit takes at most, in milliseconds.
    static let usualSync = 3

    let world: World
    let disk: SimulatedDisk
    let user: APIClient
    let nodes: [SimulatedNode]
    private let state: StateBox

    /// Shared with the parts, which must not hold the cluster.
    private final class StateBox: Sendable {
        let value = Mutex(State())
    }

    init(world: World, nodes count: Int) {
        let state = StateBox()
        let disk = SimulatedDisk(world: world)
        let plane: @Sendable () -> ControlPlane? = { state.value.withLock { $0.plane } }
        let machines = (1...count).map { number in
            Machine(name: "n\(number)", number: UInt8(number), world: world) { state.value.withLock { $0.machines } }
        }
        state.value.withLock { $0.machines = machines }
        self.world = world
        self.disk = disk
        self.state = state
        nodes = machines.map { SimulatedNode(machine: $0, world: world, disk: disk, plane: plane) }
        user = APIClient(
            handler: Link(world: world, plane: plane), peer: .inProcess(user: "admin", groups: ["system:masters"]),
            userAgent: "user")
    }

    var plane: ControlPlane? { state.value.withLock { $0.plane } }
    var isServing: Bool { plane?.isServing ?? false }

    func start() throws {
        try startPlane()
        for node in nodes { try node.start() }
    }

    func startPlane() throws {
        guard plane == nil else { return }
        let state = state
        let world = world
        let plane = try ControlPlane(world: world, disk: disk) {
            let longest = state.value.withLock { $0.storeDelay }
            return longest > 0 ? world.draw { $0.duration(0...longest) } : .zero
        }
        state.value.withLock { $0.plane = plane }
        plane.start()
    }

    func crashPlane() {
        let plane = state.value.withLock { state in
            defer { state.plane = nil }
            return state.plane
        }
        plane?.crash()
    }

    /// In milliseconds, at most, for each of a commit's two halves.
    func slowStore(to delay: Int) { state.value.withLock { $0.storeDelay = delay } }

    /// Everything works again.
    func heal() throws {
        slowStore(to: Self.usualSync)
        try startPlane()
        for node in nodes {
            node.cut(false)
            node.slowLink(to: 0)
            node.setWeather(.init())
            try node.start()
        }
    }

    /// Ends everything, so that nothing of this cluster stays in memory.
    func shutDown() {
        for node in nodes { node.crash() }
        crashPlane()
        world.run(for: .seconds(600))
    }
}
