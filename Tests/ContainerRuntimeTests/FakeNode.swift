import APIMachinery
import CRI
import ContainerRuntime
import Glibc
import Linux
import Logging
import Synchronization
import TestSupport

/// Cgroups and mounts as sets of names.
final class FakeKernel: RuntimeKernel {
    struct State {
        var cgroups: Set<String> = []
        var values: [String: String] = [:]
        var mounts: Set<FilePath> = []
        var boot = "boot-1"
        var obstacle: KernelError?
        var controllers: Set<String> = ["cpu", "memory", "pids"]
        /// By cgroups that are others'.
        var passedOn: String?
        var mountError: KernelError?
        /// Nil: the kernel runs without it.
        var appArmor: AppArmor?
        var selinux: SELinuxContexts?
        /// What has been labelled anew, by paths.
        var labels: [String: String] = [:]
        var profileObstacle: String?
        /// How often a profile was to be loaded.
        var loads = 0
        /// The file of cgroups that writes do not reach.
        var unwritten: String?
        /// By all processes together.
        var heldMemory: UInt64 = 0
        var sharedMemory: UInt64 = 0
        /// Network devices of the node's.
        var hostDevices: Set<String> = []
        /// The pod's, by their numbers.
        var podDevices: [Int32: String] = [:]
        var hardware: Set<Int32> = []
        var lastDevice: Int32 = 10
        /// Of moving one, which is in the pod all the same where it is lost.
        var deviceError: Int32?
        var losesDevices = false
    }

    let state = Mutex(State())
    /// Is told which cgroup is about to be emptied, and may refuse.
    let killing = Mutex<(@Sendable (String) throws(KernelError) -> Void)?>(nil)
    /// Goes on while a tree is labelled.
    let labelling = Mutex<(@Sendable (String, @Sendable () -> Bool) throws(KernelError) -> Void)?>(nil)
    /// Goes on while a network device is about to move.
    let giving = Mutex<(@Sendable () -> Void)?>(nil)
    /// The hooks that were run.
    let hooks = Mutex<[String]>([])

    func bootID() throws(KernelError) -> String { state.withLock { $0.boot } }
    func hostName() -> String { "node-1" }
    func tally(_ processes: [Int32]) -> ProcessTally {
        var tally = ProcessTally()
        tally.processes = UInt64(processes.count)
        return tally
    }
    func mayHoldMore(than limit: UInt64, _ processes: [Int32]) -> Bool {
        state.withLock { $0.sharedMemory + $0.heldMemory } > limit
    }
    func holdMore(than limit: UInt64, _ processes: [Int32]) -> Bool { state.withLock { $0.heldMemory } > limit }
    func give(_ path: String, user: UInt32, group: UInt32) throws(KernelError) {}
    func obstacleToMapping(on directory: String?) -> KernelError? { state.withLock { $0.obstacle } }
    func give(
        networkDevice device: String, as name: String, to namespace: SharedDescriptor
    ) throws(NetworkDevices.Failure) -> Int32 {
        giving.withLock { $0 }?()
        return try state.withLock { state throws(NetworkDevices.Failure) in
            guard state.hostDevices.contains(device) else { throw NetworkDevices.Failure(code: ENODEV) }
            guard !state.podDevices.values.contains(name) else { throw NetworkDevices.Failure(code: EEXIST) }
            if let code = state.deviceError, !state.losesDevices { throw NetworkDevices.Failure(code: code) }
            state.hostDevices.remove(device)
            state.lastDevice += 1
            state.podDevices[state.lastDevice] = name.replacing("%d", with: "0")
            if let code = state.deviceError { throw NetworkDevices.Failure(code: code, number: state.lastDevice) }
            return state.lastDevice
        }
    }
    func takeBack(networkDevice device: String, number: Int32, from namespace: SharedDescriptor) throws(KernelError) {
        try state.withLock { state throws(KernelError) in
            guard state.hardware.contains(number), state.podDevices[number] != nil else { return }
            if let code = state.deviceError { throw KernelError("take back network device", device, code) }
            state.podDevices[number] = nil
            state.hostDevices.insert(device)
        }
    }
    func name(ofNetworkDevice number: Int32, in namespace: SharedDescriptor) throws(KernelError) -> String? {
        state.withLock { $0.podDevices[number] }
    }
    func hasNetworkDevice(_ name: String, in namespace: SharedDescriptor) throws(KernelError) -> Bool {
        state.withLock { $0.podDevices.values.contains(name) }
    }
    func hugePageSizes() -> [String] { ["2MB"] }
    func appArmor() -> AppArmor? { state.withLock { $0.appArmor } }
    func selinux() throws(KernelError) -> SELinuxContexts? { state.withLock { $0.selinux } }
    func label(_ path: String, _ label: String, isGivenUp: @escaping @Sendable () -> Bool) throws(KernelError) {
        state.withLock { $0.labels[path] = label }
    }
    func label(
        _ tree: SharedDescriptor, _ label: String, path: String, isGivenUp: @escaping @Sendable () -> Bool
    ) throws(KernelError) {
        state.withLock { $0.labels[path] = label }
        try labelling.withLock { $0 }?(path, isGivenUp)
    }
    func load(_ profile: OwnProfile) throws(KernelError) -> String? {
        state.withLock { state in
            state.loads += 1
            if state.profileObstacle == nil { state.appArmor?.profiles?.insert(profile.name) }
            return state.profileObstacle
        }
    }
    func capacity(of path: String) -> FilesystemCapacity? {
        FilesystemCapacity(bytes: 1 << 30, inodes: 1_000, freeInodes: 900)
    }
    func hostFile(_ path: String) -> String { "host's \(path)\n" }

    func prepare(cgroupRoot: String) throws(KernelError) -> HostFeatures {
        try makeCgroup(cgroupRoot)
        return HostFeatures(controllers: state.withLock { $0.controllers }, capabilities: ~0)
    }

    func makeCgroup(_ path: String) throws(KernelError) { state.withLock { _ = $0.cgroups.insert(path) } }
    func makeParentCgroup(_ path: String) throws(KernelError) { try makeCgroup(path) }
    func makeDeepCgroup(_ path: String) throws(KernelError) { try makeCgroup(path) }

    func writeCgroup(_ path: String, file: String, value: String) throws(KernelError) {
        state.withLock { if file != $0.unwritten { $0.values[path + "/" + file] = value } }
    }

    func readCgroup(_ path: String, file: String) throws(KernelError) -> String {
        if file == "cgroup.subtree_control", let passedOn = state.withLock({ $0.passedOn }) { return passedOn }
        throw KernelError("read", path + "/" + file, ENOENT)
    }

    func run(_ hook: HookProgram) throws(KernelError) -> (code: Int32, said: String)? {
        hooks.withLock { $0.append(hook.path) }
        return nil
    }

    func killCgroup(_ path: String, deadline: Duration) throws(KernelError) { try killing.withLock { $0 }?(path) }

    func removeCgroup(_ path: String) throws(KernelError) {
        state.withLock { state in state.cgroups = state.cgroups.filter { $0 != path && !$0.hasPrefix(path + "/") } }
    }

    func childCgroups(of path: String) throws(KernelError) -> [String] {
        state.withLock { state in
            state.cgroups.filter { $0.hasPrefix(path + "/") }.map { String($0.dropFirst(path.count + 1)) }
                .filter { !$0.contains("/") }
        }
    }

    func processes(beneath path: String) throws(KernelError) -> [Int32] { [] }

    func mountSharedMemory(_ path: String, bytes: Int64) throws(KernelError) {
        try state.withLock { state throws(KernelError) in
            if let error = state.mountError { throw error }
            state.mounts.insert(FilePath(path))
        }
    }

    func unmount(_ path: FilePath) throws(KernelError) { state.withLock { _ = $0.mounts.remove(path) } }

    func mounts(beneath path: String) throws(KernelError) -> [FilePath] {
        state.withLock { $0.mounts.filter { $0.isBeneath(path) } }
    }
}

final class FakeNetwork: SandboxNetwork {
    let attached = Mutex<Set<String>>([])
    let failure = Mutex<CRIError?>(nil)
    /// What stands in the way of giving addresses back.
    let hold = Mutex<CRIError?>(nil)

    func attach(
        sandbox: String, networkNamespace: String, ports: [PortMapping]
    ) async throws(CRIError) -> [String] {
        if let error = failure.withLock({ $0 }) { throw error }
        attached.withLock { _ = $0.insert(sandbox) }
        return ["10.0.0.7"]
    }

    func isolate(networkNamespace: String) async throws(CRIError) {}

    func detach(sandbox: String) async throws(CRIError) {
        if let error = hold.withLock({ $0 }) { throw error }
        attached.withLock { _ = $0.remove(sandbox) }
    }
    var problem: String? {
        get async { failure.withLock { $0?.description } }
    }

    func collect(live: @escaping @Sendable () -> Set<String>?) async throws(CRIError) {
        attached.withLock { attached in if let live = live() { attached.formIntersection(live) } }
    }
}

struct NoSeccomp: SeccompProfiles {
    func program(for profile: ContainerSecurity.Seccomp, capabilities: UInt64) throws(CRIError) -> SeccompProgram? {
        nil
    }
}

final class StepLog: StepRecorder {
    let steps = Mutex<[RuntimeStep]>([])
    func record(_ step: RuntimeStep) { steps.withLock { $0.append(step) } }
}

/// Sleeps end when the test says so.
final class HeldTime: TimeSource {
    private let sleepers = Mutex<[(Duration, CheckedContinuation<Void, Never>, Int)]>([])
    private let tickets = Mutex(0)

    func now() -> Timestamp { SystemTime().now() }
    func uptime() -> Duration { SystemTime().uptime() }

    func sleep(for duration: Duration) async throws {
        let ticket = tickets.withLock { last in
            last += 1
            return last
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                sleepers.withLock { $0.append((duration, continuation, ticket)) }
                if Task.isCancelled { end { $0.2 == ticket } }
            }
        } onCancel: {
            end { $0.2 == ticket }
        }
        try Task.checkCancellation()
    }

    /// Waits until somebody sleeps for `duration`, and wakes them.
    func fire(_ duration: Duration) async throws {
        try await until { end { $0.0 == duration } }
    }

    @discardableResult
    private func end(_ isMeant: ((Duration, CheckedContinuation<Void, Never>, Int)) -> Bool) -> Bool {
        let woken = sleepers.withLock { sleepers in
            let woken = sleepers.filter(isMeant)
            sleepers.removeAll(where: isMeant)
            return woken
        }
        for sleeper in woken { sleeper.1.resume() }
        return !woken.isEmpty
    }
}

/// A node of fakes in a directory of its own, on which runtimes come and go.
final class FakeNode: Sendable {
    let directory: String
    let monitors = FakeMonitors()
    let kernel = FakeKernel()
    let network = FakeNetwork()
    let steps = StepLog()
    let time = HeldTime()
    /// Threads are not given back: all nodes share a few.
    static let threads = BlockingThreads(count: 4)
    private static let events = Result { () throws(KernelError) in try EventThread() }
    let threads = FakeNode.threads
    let events: EventThread

    init() throws {
        var template = Array(("\(temporaryDirectory)/swiftlet-runtime-" + String(repeating: "X", count: 6)).utf8CString)
        guard mkdtemp(&template) != nil else { throw KernelError("mkdtemp", temporaryDirectory) }
        directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        events = try FakeNode.events.get()
        try WholeFile.makeDirectories(directory + "/rootfs/bin")
        try WholeFile.makeDirectories(directory + "/rootfs/etc")
        try write("rootfs/bin/sh", "#!")
        try write("rootfs/etc/passwd", "root:x:0:0::/root:/bin/sh\nweb:x:33:34::/srv:/bin/sh\n")
        try write("rootfs/etc/group", "root:x:0:\nlog:x:50:web\n")
    }

    deinit { try? TreeRemoval.remove(directory) }

    func write(_ name: String, _ text: String) throws {
        try WholeFile.replace(directory + "/" + name, with: Array(text.utf8), mode: 0o644, durable: false)
    }

    /// Of the next runtime's own.
    let cgroupParent = Mutex("/cgroup")

    var paths: RuntimePaths {
        RuntimePaths(
            data: directory + "/data", state: directory + "/state",
            cgroupRoot: cgroupParent.withLock { $0 } + "/swiftlet-test",
            cgroupMount: "/cgroup", deviceFiles: [directory + "/devices"])
    }

    static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// A daemon's start. Earlier runtimes are as good as dead: their streams are taken over.
    func open(
        _ log: any LogHandler = SwiftLogNoOpLogHandler(), labelsEveryPod: Bool = false,
        reach: @escaping @Sendable (RuntimePoint) -> Void = { _ in }
    ) async throws -> NodeRuntime {
        let logger = Logger(label: "test") { _ in log }
        let images = ImageStore(paths: paths, threads: threads, time: SystemTime(), logger: logger)
        try await images.open()
        if images.records.isEmpty {
            var overrides = ImageStore.Overrides()
            overrides.entrypoint = ["/bin/sh"]
            _ = try await images.add(name: "test", path: directory + "/rootfs", overrides: overrides)
        }
        var dependencies = RuntimeDependencies(
            monitors: monitors, network: network, seccomp: NoSeccomp(), kernel: kernel, steps: steps,
            time: time, threads: threads, events: events, logger: logger)
        dependencies.reach = reach
        let runtime = NodeRuntime(
            paths: paths, images: images, version: "1", labelsEveryPod: labelsEveryPod, dependencies: dependencies)
        try await runtime.open()
        return runtime
    }

    var sandboxDirectories: [String] { (try? OpenDirectory(paths.state + "/sandboxes").names()) ?? [] }
    var layers: [String] { (try? OpenDirectory(paths.data + "/containers").names()) ?? [] }
}

let podConfig: PodSandboxConfig = {
    var config = PodSandboxConfig(metadata: PodSandboxMetadata(name: "web", uid: "uid-1", namespace: "default"))
    config.hostname = "web"
    return config
}()

func containerConfig(_ name: String = "main", attempt: UInt32 = 0) -> ContainerConfig {
    ContainerConfig(metadata: ContainerMetadata(name: name, attempt: attempt), image: "test")
}
