import APIMachinery
import CRI
import Linux
import Synchronization
import TestSupport

@testable import PodNetwork

/// What of a node outlives its kubelet: the runtime with its sandboxes, the addresses, the pods' files. It holds what runs against the invariants.
final class Machine: Sendable {
    /// One end of a container's process.
    struct Exit: Sendable, Hashable {
        var podUID: String
        var container: String
        var attempt: UInt32
        var id: String
        var code: Int32
    }

    private struct State {
        var runtime: FakeRuntimeService
        var pool: AddressPool
        /// By sandbox: the name its address is taken under.
        var owners: [String: String] = [:]
        var files: Set<String> = []
        var exits: [Exit] = []
        var boot = 0
        var allocation = 0
    }

    let name: String
    private let network: IPv4Network
    private let world: World
    private let others: @Sendable () -> [Machine]
    private let state: Mutex<State>

    init(name: String, number: UInt8, world: World, others: @escaping @Sendable () -> [Machine]) {
        self.name = name
        self.world = world
        self.others = others
        network = IPv4Network(
            IPv4Address(UInt32(10) << 24 | UInt32(42) << 16 | UInt32(number) << 8), prefixLength: 24)
        state = Mutex(State(runtime: Self.runtime(world), pool: AddressPool(network: network)))
    }

    private static func runtime(_ world: World) -> FakeRuntimeService {
        let time = world.time
        return FakeRuntimeService(now: { Self.nanoseconds(time.now()) })
    }

    private static func nanoseconds(_ moment: Timestamp) -> UnixNanoseconds {
        moment.seconds * 1_000_000_000 + UnixNanoseconds(moment.nanoseconds)
    }

    var runtime: FakeRuntimeService { state.withLock { $0.runtime } }
    var files: Set<String> { state.withLock { $0.files } }
    var exits: [Exit] { state.withLock { $0.exits } }
    var ready: [PodSandboxStatus] { runtime.sandboxes.filter { $0.state == .ready } }
    var running: [ContainerStatus] { runtime.containers.filter { $0.state == .running } }

    /// The power goes: nothing that ran is left, nor what lay in memory.
    func powerOff() {
        state.withLock { state in
            state.runtime = Self.runtime(world)
            state.pool = AddressPool(network: network)
            state.owners = [:]
            state.files = []
            state.exits = []
            state.boot += 1
        }
    }

    func addFiles(_ uid: String) { state.withLock { _ = $0.files.insert(uid) } }
    func removeFiles(_ uid: String) { state.withLock { _ = $0.files.remove(uid) } }

    // MARK: - What the runtime does

    func runSandbox(_ config: PodSandboxConfig) async throws(CRIError) -> String {
        let metadata = config.metadata
        let twin = others().first { $0.ready.contains { $0.metadata.uid == metadata.uid } }
        if let twin { world.fault("pod \(metadata.name) gets a sandbox on \(name) and has one on \(twin.name)") }
        let (owner, address) = state.withLock { state in
            state.allocation += 1
            let owner = "\(state.allocation)"
            return (owner, state.pool.allocate(for: owner)?.description)
        }
        guard let address else { throw .failed("no address is free") }
        for machine in others() where machine.ready.contains(where: { $0.addresses.contains(address) }) {
            world.fault("address \(address) of pod \(metadata.name) on \(name) is in use on \(machine.name)")
        }
        let runtime = runtime
        runtime.setAddresses([address])
        let id = try await runtime.runPodSandbox(config)
        state.withLock { $0.owners[id] = owner }
        return id
    }

    /// A sandbox that stopped gives its address back.
    func releaseAddresses() {
        let ready = Set(ready.map(\.id))
        state.withLock { state in
            for (sandbox, owner) in state.owners where !ready.contains(sandbox) {
                state.pool.release(owner)
                state.owners[sandbox] = nil
            }
        }
    }

    /// Runs a change of the runtime and keeps the ends of containers that it brought about.
    func change<Value>(_ body: (FakeRuntimeService) async throws(CRIError) -> Value) async throws(CRIError) -> Value {
        let runtime = runtime
        let before = running
        let value = try await body(runtime)
        noteExits(of: before, in: runtime)
        return value
    }

    func exit(_ container: ContainerStatus, code: Int32) {
        let runtime = runtime
        let before = running
        runtime.exit(container: container.id, code: code)
        noteExits(of: before, in: runtime)
    }

    func crash(sandbox: String) {
        let runtime = runtime
        let before = running
        runtime.crash(sandbox: sandbox)
        noteExits(of: before, in: runtime)
        releaseAddresses()
    }

    private func noteExits(of before: [ContainerStatus], in runtime: FakeRuntimeService) {
        let sandboxes = Dictionary(runtime.sandboxes.map { ($0.id, $0.metadata.uid) }, uniquingKeysWith: { $1 })
        let now = Dictionary(runtime.containers.map { ($0.id, $0) }, uniquingKeysWith: { $1 })
        for old in before {
            guard let new = now[old.id], new.state == .exited, let uid = sandboxes[old.sandbox] else { continue }
            let exit = Exit(
                podUID: uid, container: old.metadata.name, attempt: old.metadata.attempt, id: old.id,
                code: new.exitCode)
            state.withLock { $0.exits.append(exit) }
        }
    }

    /// The newest end of each container of a pod.
    func newestExits(of uid: String) -> [Exit] {
        var newest: [String: Exit] = [:]
        for exit in exits where exit.podUID == uid && newest[exit.container].map({ $0.attempt <= exit.attempt }) ?? true
        {
            newest[exit.container] = exit
        }
        return newest.values.sorted { $0.container < $1.container }
    }
}
