import APIMachinery
import CRI
import KubernetesAPI
import Linux
import Synchronization

/// Measures what pods store: writable layers by the runtime, logs and emptyDir volumes by a walk.
struct PodFileMeter: Sendable {
    let runtime: any RuntimeService
    let threads: BlockingThreads
    let directories: PodDirectories
    let logRoot: String
    let time: any TimeSource
    private let kept = KeptFiles()

    init(
        runtime: any RuntimeService, threads: BlockingThreads, directories: PodDirectories, logRoot: String,
        time: any TimeSource
    ) {
        self.runtime = runtime
        self.threads = threads
        self.directories = directories
        self.logRoot = logRoot
        self.time = time
    }

    /// As `measure`, or what that gave within the last minute.
    func recent(_ pod: Pod, _ containers: [CRI.ContainerStatus]) async -> PodFiles {
        let uid = pod.metadata.uid
        if let known = kept.files(of: uid, since: time.uptime() - .seconds(60)) { return known }
        let files = await measure(pod, containers)
        kept.keep(files, of: uid, at: time.uptime())
        return files
    }

    /// - Parameter containers: those of the pod that run.
    func measure(_ pod: Pod, _ containers: [CRI.ContainerStatus]) async -> PodFiles {
        var files = PodFiles()
        let logs = PodDirectories.logs(of: pod, in: logRoot)
        for container in containers {
            let name = container.metadata.name
            files.containers[name] = PodFiles.Container(
                layer: await layer(of: container.id), logs: await walk("\(logs)/\(name)"))
        }
        for volume in pod.spec.volumes where volume.isEmptyDirectoryOnDisk {
            files.volumes[volume.name] = await walk(directories.emptyDirectory(pod.metadata.uid, volume.name))
        }
        return files
    }

    private func layer(of container: String) async -> TreeUsage {
        guard let layer = try? await runtime.writableLayer(of: container) else { return .unknown }
        return TreeUsage(bytes: layer.usedBytes, inodes: layer.usedInodes)
    }

    private func walk(_ path: String) async -> TreeUsage {
        let usage = try? await threads.run("measure files") { () throws(KernelError) in try TreeUsage.measure(path) }
        return usage ?? .unknown
    }
}

extension TreeUsage {
    fileprivate static var unknown: TreeUsage {
        var usage = TreeUsage()
        usage.isComplete = false
        return usage
    }
}

/// What was measured lately: at most 1,000 pods, beyond which all is forgotten.
private final class KeptFiles: Sendable {
    private let state = Mutex<[String: (files: PodFiles, at: Duration)]>([:])

    func files(of uid: String, since oldest: Duration) -> PodFiles? {
        state.withLock { state in state[uid].flatMap { $0.at >= oldest ? $0.files : nil } }
    }

    func keep(_ files: PodFiles, of uid: String, at now: Duration) {
        state.withLock { state in
            if state.count >= 1_000 { state = [:] }
            state[uid] = (files, now)
        }
    }
}
