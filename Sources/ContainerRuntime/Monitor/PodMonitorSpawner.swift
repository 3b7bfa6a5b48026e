import APIMachinery
import Glibc
import Linux

/// Starts monitors from a sealed copy of their executable, and finds those that run.
package final class PodMonitorSpawner: PodMonitorSpawning {
    private let image: MonitorImage
    private let events: EventThread
    private let threads: BlockingThreads
    /// nil where this kernel has none: then each launch that needs one says so.
    private let program: DeviceProgram?
    private let time: any TimeSource

    /// A new monitor that has not answered by then is ended, and its pod made anew.
    private static let patience = Duration.seconds(30)

    /// `executable` is the path of `swiftlet-podmonitor`. The threads do what blocks: cloning, until the program runs.
    package init(
        executable: String, events: EventThread, threads: BlockingThreads, time: any TimeSource = SystemTime()
    ) throws(KernelError) {
        image = try MonitorImage(path: executable)
        program = try? DeviceProgram(DeviceRule.standard)
        self.events = events
        self.threads = threads
        self.time = time
    }

    package func spawn(
        _ configuration: PodMonitorConfiguration
    ) async throws(PodMonitorError) -> any PodMonitoring {
        let image = image
        let process: SpawnedProcess
        do throws(KernelError) {
            process = try await threads.run("spawn monitor") { () throws(KernelError) in
                try PodMonitorSpawner.start(configuration, image)
            }
        } catch {
            throw .spawn(pod: configuration.pod, cause: error)
        }
        let handle = ProcessHandle(process.handle)
        do throws(PodMonitorError) {
            return try await PodMonitorClient(
                pod: configuration.pod, directory: configuration.directory, events: events, process: handle,
                program: program, patience: Self.patience, time: time)
        } catch {
            await end(handle)
            throw error
        }
    }

    package func adopt(pod: String, directory: String) async throws(PodMonitorError) -> any PodMonitoring {
        try await PodMonitorClient(
            pod: pod, directory: directory, events: events, process: nil, program: program, patience: nil, time: time)
    }

    /// A monitor that does not answer is no use: it goes, and leaves no zombie.
    private func end(_ process: ProcessHandle) async {
        try? process.signal(SIGKILL)
        _ = try? await threads.run("collect monitor") { () throws(KernelError) in process.awaitEnd() }
    }

    private static func start(
        _ configuration: PodMonitorConfiguration, _ image: MonitorImage
    ) throws(KernelError) -> SpawnedProcess {
        let leaf = configuration.cgroup + "/monitor"
        if mkdir(leaf, 0o755) != 0 && errno != EEXIST { throw KernelError("mkdir", leaf) }
        let listener = try MessageSocket.listen(in: configuration.directory, name: MonitorConnection.socketName)
        var order = MonitorSpawn(
            image: image, arguments: ["swiftlet-podmonitor", configuration.pod], listener: listener, cgroup: leaf)
        order.errorOutput = SharedDescriptor(
            try Descriptor.open(
                configuration.directory + "/monitor.err", O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, mode: 0o600))
        order.newNetwork = configuration.namespaces.contains(.network)
        order.newIPC = configuration.namespaces.contains(.ipc)
        order.newUTS = configuration.namespaces.contains(.uts)
        order.hostname = configuration.namespaces.contains(.uts) ? configuration.hostname : nil
        order.users = configuration.users
        order.kernelParameters = configuration.kernelParameters
        order.environment = configuration.environment
        return try order.run()
    }
}
