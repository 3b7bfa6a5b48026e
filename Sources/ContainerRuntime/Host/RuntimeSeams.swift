import APIMachinery
import CRI
import Linux
import Logging

/// Gives sandboxes their links and addresses. `PodNetwork` stands behind it; the composition root joins the two.
package protocol SandboxNetwork: Sendable {
    /// Addresses for a sandbox, the same again for one that has them. On failure nothing of it stays.
    /// - Parameters:
    ///   - networkNamespace: A path such as `/proc/PID/ns/net`, good until the call returns.
    ///   - ports: of the node; they lead to the sandbox until it is detached.
    func attach(
        sandbox: String, networkNamespace: String, ports: [PortMapping]
    ) async throws(CRIError) -> [String]
    /// Makes a sandbox that is to have no link ready: it speaks to itself alone.
    func isolate(networkNamespace: String) async throws(CRIError)
    /// Nothing where the sandbox has none.
    func detach(sandbox: String) async throws(CRIError)
    /// Detaches every sandbox that is not in what `live` gives, and deletes links that no sandbox holds. `live` is asked once all attached sandboxes
    /// are listed; nothing happens where it gives nil.
    func collect(live: @escaping @Sendable () -> Set<String>?) async throws(CRIError)
    /// Why pods may not reach the network just now; nil where nothing is known to be wrong.
    var problem: String? { get async }
}

/// Compiled seccomp filters by profile. Blocks where a profile is compiled for the first time.
package protocol SeccompProfiles: Sendable {
    /// Nil runs unconfined.
    /// - Parameter capabilities: the container's, as a mask: the default profile allows more to those that have them.
    func program(
        for profile: ContainerSecurity.Seccomp, capabilities: UInt64
    ) throws(CRIError) -> SeccompProgram?
}

/// One step on a pod's way, as long as it took.
package struct RuntimeStep: Sendable, Hashable {
    package var podUID: String
    /// The container's name; nil for a step of the sandbox.
    package var container: String?
    /// `sandbox.record`, `sandbox.monitor`, `sandbox.network`, `sandbox.ready`, `container.prepare`, `container.create`, `container.start`.
    package var name: String
    package var start: Timestamp
    package var duration: Duration
    /// Why it failed; nil where it did not.
    package var failure: String?

    package init(
        podUID: String, container: String?, name: String, start: Timestamp, duration: Duration, failure: String? = nil
    ) {
        self.podUID = podUID
        self.container = container
        self.name = name
        self.start = start
        self.duration = duration
        self.failure = failure
    }
}

/// Takes the steps of a pod's way, for its timeline. Must return at once.
package protocol StepRecorder: Sendable {
    func record(_ step: RuntimeStep)
}

/// The kernel's side of sandboxes besides the monitor. Every call blocks; `SystemKernel` is the real one.
package protocol RuntimeKernel: Sendable {
    /// Differs after each boot.
    func bootID() throws(KernelError) -> String
    func hostName() -> String
    /// Makes our subtree, passes the controllers on, and says what there is.
    func prepare(cgroupRoot: String) throws(KernelError) -> HostFeatures
    /// Nothing where it is there.
    func makeCgroup(_ path: String) throws(KernelError)
    /// A cgroup whose children get all controllers that it has.
    func makeParentCgroup(_ path: String) throws(KernelError)
    /// The same beneath cgroups of others: they too pass on what they have.
    func makeDeepCgroup(_ path: String) throws(KernelError)
    func writeCgroup(_ path: String, file: String, value: String) throws(KernelError)
    func readCgroup(_ path: String, file: String) throws(KernelError) -> String
    /// Kills all in it and beneath, and waits until none is left; ETIMEDOUT after `deadline`. Nothing where it is not there.
    func killCgroup(_ path: String, deadline: Duration) throws(KernelError)
    /// With all beneath. Nothing where it is not there.
    func removeCgroup(_ path: String) throws(KernelError)
    /// Their names; none where it is not there.
    func childCgroups(of path: String) throws(KernelError) -> [String]
    /// All processes in it and beneath; none where it is not there.
    func processes(beneath path: String) throws(KernelError) -> [Int32]
    /// A pod's memory: a tmpfs of so many bytes at `path`, made where it is missing, with a directory `shm` in it that everybody may write to.
    func mountSharedMemory(_ path: String, bytes: Int64) throws(KernelError)
    /// Nothing where nothing is mounted.
    func unmount(_ path: FilePath) throws(KernelError)
    /// What is mounted beneath `path`, deepest first.
    func mounts(beneath path: String) throws(KernelError) -> [FilePath]
    /// The sums over processes; those that have ended meanwhile are passed over.
    func tally(_ processes: [Int32]) -> ProcessTally
    /// Whether processes hold more than so many bytes of memory of their own, without files that are mapped, where what they share counts for each of
    /// them: a question that costs little.
    func mayHoldMore(than limit: UInt64, _ processes: [Int32]) -> Bool
    /// The same where what they share counts once, for which the kernel walks through all of it.
    func holdMore(than limit: UInt64, _ processes: [Int32]) -> Bool
    /// `HookProgram.run`, which may take long.
    func run(_ hook: HookProgram) throws(KernelError) -> (code: Int32, said: String)?
    /// `NetworkDevices`: devices of the node's go to a pod's network namespace, are looked for there by number or name, and come back.
    func give(
        networkDevice device: String, as name: String, to namespace: SharedDescriptor
    ) throws(NetworkDevices.Failure) -> Int32
    func takeBack(networkDevice device: String, number: Int32, from namespace: SharedDescriptor) throws(KernelError)
    func name(ofNetworkDevice number: Int32, in namespace: SharedDescriptor) throws(KernelError) -> String?
    func hasNetworkDevice(_ name: String, in namespace: SharedDescriptor) throws(KernelError) -> Bool
    /// The sizes of huge pages that there are, as cgroups name them, such as `2MB`.
    func hugePageSizes() -> [String]
    /// Nil where the kernel runs without it.
    func appArmor() -> AppArmor?
    /// Nil where the kernel runs without SELinux.
    func selinux() throws(KernelError) -> SELinuxContexts?
    /// `TreeLabel.set`: of a path that is ours, and of a tree that somebody else names.
    func label(_ path: String, _ label: String, isGivenUp: @escaping @Sendable () -> Bool) throws(KernelError)
    func label(
        _ tree: SharedDescriptor, _ label: String, path: String, isGivenUp: @escaping @Sendable () -> Bool
    ) throws(KernelError)
    /// Loads a profile, in the place of one of its name. Blocks for as long as it takes to be compiled.
    /// - Returns: why that could not be; nil where it is loaded.
    func load(_ profile: OwnProfile) throws(KernelError) -> String?
    /// Of the filesystem that `path` lies on; nil where that cannot be told.
    func capacity(of path: String) -> FilesystemCapacity?
    func give(_ path: String, user: UInt32, group: UInt32) throws(KernelError)
    /// Why files on the filesystem of `directory`, or on a new tmpfs (nil), cannot be mounted with their ids mapped; nil where they can.
    func obstacleToMapping(on directory: String?) -> KernelError?
    /// The host's own file, empty where there is none.
    func hostFile(_ path: String) -> String
}

/// All that the runtime needs from outside.
package struct RuntimeDependencies: Sendable {
    package var monitors: any PodMonitorSpawning
    package var network: any SandboxNetwork
    package var seccomp: any SeccompProfiles
    package var kernel: any RuntimeKernel
    package var steps: any StepRecorder
    package var time: any TimeSource
    package var threads: BlockingThreads
    package var events: EventThread
    package var logger: Logger
    /// Called at each place, on the thread that has come there.
    package var reach: @Sendable (RuntimePoint) -> Void = { _ in }
    /// What the next monitor finds in its environment, as `NAME=value`.
    package var monitorEnvironment: @Sendable () -> [String] = { [] }

    package init(
        monitors: any PodMonitorSpawning, network: any SandboxNetwork, seccomp: any SeccompProfiles,
        kernel: any RuntimeKernel, steps: any StepRecorder, time: any TimeSource, threads: BlockingThreads,
        events: EventThread, logger: Logger
    ) {
        self.monitors = monitors
        self.network = network
        self.seccomp = seccomp
        self.kernel = kernel
        self.steps = steps
        self.time = time
        self.threads = threads
        self.events = events
        self.logger = logger
    }
}
