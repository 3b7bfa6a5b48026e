import APIMachinery
import CRI
import Linux
import Logging

/// What a node's runtime is started with.
package struct NodeRuntimeConfiguration: Sendable {
    package var paths: RuntimePaths
    /// The path of `swiftlet-podmonitor`.
    package var monitorProgram: String
    package var version: String
    /// Threads for what blocks: clones, mounts, files.
    package var threads = 4

    package init(paths: RuntimePaths, monitorProgram: String, version: String) {
        self.paths = paths
        self.monitorProgram = monitorProgram
        self.version = version
    }
}

extension NodeRuntime {
    /// A runtime on the real kernel, open: images read, pods adopted. The network must be prepared. Needs root.
    package static func start(
        _ configuration: NodeRuntimeConfiguration, network: any SandboxNetwork, steps: any StepRecorder,
        time: any TimeSource = SystemTime(), logger: Logger
    ) async throws(CRIError) -> NodeRuntime {
        let threads = BlockingThreads(count: configuration.threads)
        let events = try attempt("container runtime") { () throws(KernelError) in try EventThread() }
        let monitors = try attempt("pod monitor's program") { () throws(KernelError) in
            try PodMonitorSpawner(executable: configuration.monitorProgram, events: events, threads: threads)
        }
        let seccomp = SeccompPrograms(compiler: SeccompCompiler())
        let images = ImageStore(paths: configuration.paths, threads: threads, time: time)
        try await images.open()
        let runtime = NodeRuntime(
            paths: configuration.paths, images: images, version: configuration.version,
            dependencies: RuntimeDependencies(
                monitors: monitors, network: network, seccomp: seccomp, kernel: SystemKernel(), steps: steps,
                time: time,
                threads: threads, events: events, logger: logger))
        try await runtime.open()
        return runtime
    }
}
