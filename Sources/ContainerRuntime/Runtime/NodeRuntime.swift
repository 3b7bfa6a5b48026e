import APIMachinery
import CRI
import Glibc
import Linux
import Logging
import Synchronization

/// The CRI on this node: sandboxes by monitors, containers on overlays, records on disk.
///
/// What is known lives in `state` and is read without waiting. What changes a sandbox takes its turn; different sandboxes go in parallel.
/// Nothing here outlives the daemon but the records, and they are all that the next one needs: `open` adopts what runs and cleans what does not,
/// whether the last daemon was stopped, killed or cut off.
package final class NodeRuntime: Sendable {
    let paths: RuntimePaths
    let files: RecordFiles
    package let images: ImageStore
    let dependencies: RuntimeDependencies
    let versionText: String
    /// What all pods together may use; nothing in it: no limit.
    let nodeResources: ContainerResources
    /// Whether SELinux confines the pods that ask for no label too.
    let labelsEveryPod: Bool
    let state = Mutex(RuntimeState())
    /// As last written. `state` may be locked while this is, never the other way round.
    let burstableWeight = Mutex<Int64?>(nil)
    /// Why pods cannot have user namespaces of their own, empty where they can; nil until somebody has asked.
    let userObstacle = Mutex<UserObstacle?>(nil)
    /// Locked while it is loaded.
    let ownProfile = Mutex(OwnProfileState())

    /// - Parameter version: This program's.
    package init(
        paths: RuntimePaths, images: ImageStore, version: String, nodeResources: ContainerResources = .init(),
        labelsEveryPod: Bool = false, dependencies: RuntimeDependencies
    ) {
        self.labelsEveryPod = labelsEveryPod
        self.nodeResources = nodeResources
        self.paths = paths
        self.images = images
        self.dependencies = dependencies
        versionText = version
        files = RecordFiles(paths: paths)
    }

    var kernel: any RuntimeKernel { dependencies.kernel }
    var threads: BlockingThreads { dependencies.threads }
    var logger: Logger { dependencies.logger }

    func reach(_ point: RuntimePoint) { dependencies.reach(point) }

    func now() -> UnixNanoseconds { dependencies.time.unixNanoseconds }

    func host() throws(CRIError) -> HostFeatures {
        guard let host = state.withLock({ $0.host }) else { throw .failed("the container runtime is not open yet") }
        return host
    }

    // MARK: Records

    /// Changes a record in memory and returns it.
    @discardableResult
    func change(container id: String, _ body: (inout ContainerRecord) -> Void) -> ContainerRecord? {
        state.withLock { state in
            guard var entry = state.containers.removeValue(forKey: id) else { return nil }
            body(&entry.record)
            state.containers[id] = entry
            return entry.record
        }
    }

    @discardableResult
    func change(sandbox id: String, _ body: (inout SandboxEntry) -> Void) -> SandboxRecord? {
        state.withLock { state in
            guard var entry = state.sandboxes.removeValue(forKey: id) else { return nil }
            body(&entry)
            state.sandboxes[id] = entry
            return entry.record
        }
    }

    /// Writes a container's record as it is when its turn to be written comes, so that the file never goes back in time.
    func persist(container id: String) async throws(CRIError) {
        guard let entry = state.withLock({ $0.containers[id] }),
            let writes = state.withLock({ $0.sandboxes[entry.record.sandbox]?.writes })
        else { return }
        try await writes.take { [self] () async throws(CRIError) in
            try await threads.perform("write record") { [self] () throws(CRIError) in
                guard let record = state.withLock({ $0.containers[id]?.record }) else { return }
                try attempt("record of container \(id)") { () throws(KernelError) in
                    try Self.passingOverMissing { () throws(KernelError) in try files.write(record) }
                }
            }
        }
    }

    /// Writes a container's record without holding anybody up: for what a later daemon would learn from the monitor anyway.
    func persistSoon(container id: String) {
        state.withLock { state in
            state.lastWrite += 1
            let number = state.lastWrite
            state.pendingWrites[number] = Task {
                do throws(CRIError) {
                    try await persist(container: id)
                } catch {
                    logger.error("container not recorded", metadata: ["container": "\(id)", "cause": "\(error)"])
                }
                self.state.withLock { $0.pendingWrites[number] = nil }
            }
        }
    }

    /// Forgets a container and then its record: no write that waits can bring the file back.
    func forget(_ record: ContainerRecord) async throws(CRIError) {
        let writes = state.withLock { state in
            state.containers[record.id] = nil
            return state.sandboxes[record.sandbox]?.writes
        }
        try await (writes ?? Turn()).take { [self] () async throws(CRIError) in
            try await threads.perform("remove record") { [self] () throws(CRIError) in
                try attempt("record of container \(record.id)") { () throws(KernelError) in try files.remove(record) }
            }
        }
    }

    func persist(sandbox id: String) async throws(CRIError) {
        guard let entry = state.withLock({ $0.sandboxes[id] }) else { return }
        try await entry.writes.take { [self] () async throws(CRIError) in
            try await threads.perform("write record") { [self] () throws(CRIError) in
                guard let record = state.withLock({ $0.sandboxes[id]?.record }) else { return }
                try attempt("record of sandbox \(id)") { () throws(KernelError) in
                    try Self.passingOverMissing { () throws(KernelError) in try files.write(record) }
                }
            }
        }
    }

    /// A sandbox whose directory was never made, or is gone again, needs no record.
    private static func passingOverMissing(_ body: () throws(KernelError) -> Void) throws(KernelError) {
        do throws(KernelError) {
            try body()
        } catch  where error.code == ENOENT {
            return
        }
    }

    func emit(_ kind: ContainerEvent.Kind, container: String, sandbox: String) {
        let time = now()
        state.withLock { $0.emit(kind, container: container, sandbox: sandbox, at: time) }
    }

    // MARK: The timeline

    /// Runs a step of a pod's way and records how long it took, failed or not.
    func step<Value: Sendable>(
        _ name: String, pod uid: String, container: String? = nil,
        _ body: @Sendable () async throws(CRIError) -> Value
    ) async throws(CRIError) -> Value {
        let time = dependencies.time
        let start = time.now()
        let began = time.uptime()
        var failure: String?
        defer {
            dependencies.steps.record(
                RuntimeStep(
                    podUID: uid, container: container, name: name, start: start, duration: time.uptime() - began,
                    failure: failure))
        }
        do throws(CRIError) { return try await body() } catch {
            failure = error.description
            throw error
        }
    }

    /// Waits for an end, at most `timeout` and no longer than the task is cancelled. Whether it came.
    func wait(for exit: ExitLatch, upTo timeout: Duration) async -> Bool {
        if exit.exitCode != nil { return true }
        let time = dependencies.time
        return await withTaskGroup(of: Bool.self) { group in
            group.addTask { await exit.wait() != nil }
            group.addTask {
                try? await time.sleep(for: timeout)
                return exit.exitCode != nil
            }
            let first = await group.next() ?? false
            group.cancelAll()
            return first
        }
    }

    /// The same to the end also where the task is cancelled: of what comes at once, unless something is stuck.
    func waitOut(for exit: ExitLatch, upTo timeout: Duration) async -> Bool {
        await Task { [self] in await wait(for: exit, upTo: timeout) }.value
    }
}
