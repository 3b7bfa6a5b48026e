import CRI
import ContainerRuntime
import Daemon
import Linux
import Store

/// Bugs that the invariants must catch, each between a server's parts.
enum PlantedBug: String, CaseIterable {
    /// A ConfigMap's write is answered before it is durable.
    case earlyAcknowledgement = "early-acknowledgement"
    /// A sandbox's shared memory stays mounted.
    case leakedMount = "leaked-mount"
    /// A sandbox's address is never given back.
    case forgottenAddress = "forgotten-address"
    /// Nobody hears of a container's end.
    case lostExit = "lost-exit"

    func plant(in seams: inout DaemonSeams) {
        let before = seams.runtime
        switch self {
        case .earlyAcknowledgement: seams.store = { HastyStore(base: $0) }
        case .leakedMount:
            seams.runtime = { dependencies in
                before(&dependencies)
                dependencies.kernel = KernelThatLeaks(base: dependencies.kernel)
            }
        case .forgottenAddress:
            seams.runtime = { dependencies in
                before(&dependencies)
                dependencies.network = NetworkThatForgets(base: dependencies.network)
            }
        case .lostExit:
            seams.runtime = { dependencies in
                before(&dependencies)
                dependencies.monitors = DeafSpawner(base: dependencies.monitors)
            }
        }
    }
}

struct HastyStore: KeyValueStore {
    let base: any KeyValueStore

    func write(_ write: Write) async throws(StoreError) -> Revision {
        guard case .create(let key, _) = write, key.contains("configmaps") else { return try await base.write(write) }
        let base = base
        let next = try await base.revision() + 1
        // The API server answers late where it does not see its own write, and then this still has not been done.
        Task {
            try? await Task.sleep(for: .seconds(30))
            _ = try? await base.write(write)
        }
        return next
    }

    func revision() async throws(StoreError) -> Revision { try await base.revision() }
    func get(_ key: String, at revision: Revision?) async throws(StoreError) -> StoredValue? {
        try await base.get(key, at: revision)
    }
    func list(prefix: String, at revision: Revision?, from start: String?, limit: Int) async throws(StoreError)
        -> StorePage
    {
        try await base.list(prefix: prefix, at: revision, from: start, limit: limit)
    }
    func watch(prefix: String, after revision: Revision) async throws(StoreError) -> any StoreWatch {
        try await base.watch(prefix: prefix, after: revision)
    }
    func compact(to revision: Revision) async throws(StoreError) { try await base.compact(to: revision) }
    func close() async { await base.close() }
}

/// Leaves mounted what it is to unmount.
struct KernelThatLeaks: RuntimeKernel {
    let base: any RuntimeKernel

    func unmount(_ path: FilePath) throws(KernelError) {}

    func bootID() throws(KernelError) -> String { try base.bootID() }
    func hostName() -> String { base.hostName() }
    func prepare(cgroupRoot: String) throws(KernelError) -> HostFeatures { try base.prepare(cgroupRoot: cgroupRoot) }
    func makeCgroup(_ path: String) throws(KernelError) { try base.makeCgroup(path) }
    func makeParentCgroup(_ path: String) throws(KernelError) { try base.makeParentCgroup(path) }
    func makeDeepCgroup(_ path: String) throws(KernelError) { try base.makeDeepCgroup(path) }
    func writeCgroup(_ path: String, file: String, value: String) throws(KernelError) {
        try base.writeCgroup(path, file: file, value: value)
    }
    func readCgroup(_ path: String, file: String) throws(KernelError) -> String {
        try base.readCgroup(path, file: file)
    }
    func killCgroup(_ path: String, deadline: Duration) throws(KernelError) {
        try base.killCgroup(path, deadline: deadline)
    }
    func removeCgroup(_ path: String) throws(KernelError) { try base.removeCgroup(path) }
    func childCgroups(of path: String) throws(KernelError) -> [String] { try base.childCgroups(of: path) }
    func processes(beneath path: String) throws(KernelError) -> [Int32] { try base.processes(beneath: path) }
    func mountSharedMemory(_ path: String, bytes: Int64) throws(KernelError) {
        try base.mountSharedMemory(path, bytes: bytes)
    }
    func mounts(beneath path: String) throws(KernelError) -> [FilePath] { try base.mounts(beneath: path) }
    func hostFile(_ path: String) -> String { base.hostFile(path) }
    func tally(_ processes: [Int32]) -> ProcessTally { base.tally(processes) }
    func mayHoldMore(than limit: UInt64, _ processes: [Int32]) -> Bool { base.mayHoldMore(than: limit, processes) }
    func holdMore(than limit: UInt64, _ processes: [Int32]) -> Bool { base.holdMore(than: limit, processes) }
    func give(_ path: String, user: UInt32, group: UInt32) throws(KernelError) {
        try base.give(path, user: user, group: group)
    }
    func obstacleToMapping(on directory: String?) -> KernelError? { base.obstacleToMapping(on: directory) }
    func give(
        networkDevice device: String, as name: String, to namespace: SharedDescriptor
    ) throws(NetworkDevices.Failure) -> Int32 {
        try base.give(networkDevice: device, as: name, to: namespace)
    }
    func takeBack(networkDevice device: String, number: Int32, from namespace: SharedDescriptor) throws(KernelError) {
        try base.takeBack(networkDevice: device, number: number, from: namespace)
    }
    func name(ofNetworkDevice number: Int32, in namespace: SharedDescriptor) throws(KernelError) -> String? {
        try base.name(ofNetworkDevice: number, in: namespace)
    }
    func hasNetworkDevice(_ name: String, in namespace: SharedDescriptor) throws(KernelError) -> Bool {
        try base.hasNetworkDevice(name, in: namespace)
    }
    func hugePageSizes() -> [String] { base.hugePageSizes() }
    func run(_ hook: HookProgram) throws(KernelError) -> (code: Int32, said: String)? { try base.run(hook) }
    func appArmor() -> AppArmor? { base.appArmor() }
    func selinux() throws(KernelError) -> SELinuxContexts? { try base.selinux() }
    func label(_ path: String, _ label: String, isGivenUp: @escaping @Sendable () -> Bool) throws(KernelError) {
        try base.label(path, label, isGivenUp: isGivenUp)
    }
    func label(
        _ tree: SharedDescriptor, _ label: String, path: String, isGivenUp: @escaping @Sendable () -> Bool
    ) throws(KernelError) {
        try base.label(tree, label, path: path, isGivenUp: isGivenUp)
    }
    func load(_ profile: OwnProfile) throws(KernelError) -> String? { try base.load(profile) }
    func capacity(of path: String) -> FilesystemCapacity? { base.capacity(of: path) }
}

struct NetworkThatForgets: SandboxNetwork {
    let base: any SandboxNetwork

    func detach(sandbox: String) async throws(CRIError) {}

    func attach(
        sandbox: String, networkNamespace: String, ports: [PortMapping]
    ) async throws(CRIError) -> [String] {
        try await base.attach(sandbox: sandbox, networkNamespace: networkNamespace, ports: ports)
    }
    func isolate(networkNamespace: String) async throws(CRIError) {
        try await base.isolate(networkNamespace: networkNamespace)
    }
    func collect(live: @escaping @Sendable () -> Set<String>?) async throws(CRIError) {
        try await base.collect(live: live)
    }
    var problem: String? { get async { await base.problem } }
}

struct DeafSpawner: PodMonitorSpawning {
    let base: any PodMonitorSpawning

    func spawn(_ configuration: PodMonitorConfiguration) async throws(PodMonitorError) -> any PodMonitoring {
        DeafMonitor(base: try await base.spawn(configuration))
    }
    func adopt(pod: String, directory: String) async throws(PodMonitorError) -> any PodMonitoring {
        DeafMonitor(base: try await base.adopt(pod: pod, directory: directory))
    }
}

/// Passes on the ends of exec sessions alone.
struct DeafMonitor: PodMonitoring {
    let base: any PodMonitoring

    var exits: AsyncStream<ProcessExit> {
        let (stream, continuation) = AsyncStream.makeStream(of: ProcessExit.self)
        let all = base.exits
        let work = Task {
            for await exit in all {
                if case .exec = exit.subject { continuation.yield(exit) }
            }
            continuation.finish()
        }
        continuation.onTermination = { _ in work.cancel() }
        return stream
    }

    var processID: Int32 { base.processID }
    func networkNamespace() throws(PodMonitorError) -> Descriptor { try base.networkNamespace() }
    func create(_ container: ContainerLaunch) async throws(PodMonitorError) -> LaunchReport {
        try await base.create(container)
    }
    func proceed(_ containerID: String) async throws(PodMonitorError) -> LaunchReport {
        try await base.proceed(containerID)
    }
    func start(_ containerID: String) async throws(PodMonitorError) -> LaunchReport {
        try await base.start(containerID)
    }
    func exec(_ session: ExecLaunch) async throws(PodMonitorError) -> RunningExec {
        try await base.exec(session)
    }
    func signal(_ containerID: String, _ signal: Int32) async throws(PodMonitorError) {
        try await base.signal(containerID, signal)
    }
    func kill(_ containerID: String) async throws(PodMonitorError) { try await base.kill(containerID) }
    func killExec(_ sessionID: String) async throws(PodMonitorError) { try await base.killExec(sessionID) }
    func resize(_ containerID: String, to size: Linux.TerminalSize) async throws(PodMonitorError) {
        try await base.resize(containerID, to: size)
    }
    func attach(_ containerID: String) async throws(PodMonitorError) -> ContainerRuntime.AttachSession {
        try await base.attach(containerID)
    }
    func closeInput(_ containerID: String) async throws(PodMonitorError) { try await base.closeInput(containerID) }
    func reopenLog(_ containerID: String) async throws(PodMonitorError) { try await base.reopenLog(containerID) }
    func remove(_ containerID: String) async throws(PodMonitorError) { try await base.remove(containerID) }
    func containers() async throws(PodMonitorError) -> [MonitoredContainer] { try await base.containers() }
    func unacknowledgedExits() async throws(PodMonitorError) -> UnacknowledgedExits {
        try await base.unacknowledgedExits()
    }
    func acknowledge(upTo number: UInt64) async throws(PodMonitorError) { try await base.acknowledge(upTo: number) }
    func shutdown() async throws(PodMonitorError) { try await base.shutdown() }
}
