import CRI
import Glibc
import Linux

/// What the runtime knows of the pods on this node: from the daemon's memory, or from the records on disk where no daemon runs.
package struct RuntimeBooks: Sendable, Hashable {
    package struct Container: Sendable, Hashable {
        package var id: String
        package var name: String
        package var phase: String
        package var process: Int32
        /// The container whose directory has its writable layer.
        package var layer: String
        /// The cgroup of its hooks that a daemon runs now.
        package var hookGroup: String?

        package var isRunning: Bool { phase == ContainerRecord.Phase.running.rawValue }
        package var hasEnded: Bool { phase == ContainerRecord.Phase.exited.rawValue }
        package var cgroupName: String { String(id.prefix(32)) }
    }

    /// What a sandbox's monitor says. Only a daemon asks it.
    package struct Monitor: Sendable, Hashable {
        /// 0 where only it could tell.
        package var process: Int32
        /// Whether it answered.
        package var answers = false
        package var unacknowledged = UnacknowledgedExits()
        /// Containers that have ended.
        package var ended: [String] = []

        package init(process: Int32) {
            self.process = process
        }
    }

    package struct Sandbox: Sendable, Hashable {
        package var id: String
        package var podUID: String
        /// `namespace/name`.
        package var pod: String
        package var phase: String
        package var createdAt: UnixNanoseconds
        package var cgroup: String
        /// Whether it has a link and an address of its own.
        package var hasNetwork: Bool
        package var hasSharedMemory: Bool
        package var addresses: [String]
        /// Its own user namespace; nil: the host's.
        package var users: PodUsers?
        package var containers: [Container] = []
        /// Nil where there is none, and where no daemon was asked.
        package var monitor: Monitor?

        package var isReady: Bool { phase == SandboxRecord.Phase.ready.rawValue }
        package var isLeaving: Bool { phase == SandboxRecord.Phase.removing.rawValue }
        /// Whether it may have anything besides its directory.
        package var isHolding: Bool {
            let phases: [SandboxRecord.Phase] = [.creating, .ready, .resuming]
            return phases.contains { $0.rawValue == phase }
        }
    }

    package var sandboxes: [Sandbox] = []

    package init() {}

    /// - Parameter hookGroups: of containers, by their ids.
    init(_ records: [(SandboxRecord, [ContainerRecord])], hookGroups: [String: String] = [:]) {
        sandboxes = records.map { Sandbox($0, $1, hookGroups) }.sorted { $0.createdAt < $1.createdAt }
    }

    /// As the records on disk have it. Blocks.
    /// - Parameter bootID: what was made in another boot holds nothing any more.
    package init(recordsIn paths: RuntimePaths, bootID: String) throws(KernelError) {
        let found: [RecordFiles.Found]
        do throws(KernelError) {
            found = try RecordFiles(paths: paths).load()
        } catch  where error.code == ENOENT {
            found = []
        }
        self.init(
            found.compactMap { found in
                guard var sandbox = found.sandbox else { return nil }
                if sandbox.bootID != bootID { sandbox.phase = .notReady }
                return (sandbox, found.containers)
            })
    }

    package var holding: [Sandbox] { sandboxes.filter(\.isHolding) }

    /// The sandboxes that may have an address.
    package var holders: Set<String> { Set(holding.map(\.id)) }
}

extension RuntimeBooks.Sandbox {
    init(_ record: SandboxRecord, _ containers: [ContainerRecord], _ hookGroups: [String: String]) {
        self.init(
            id: record.id, podUID: record.metadata.uid, pod: record.podName, phase: record.phase.rawValue,
            createdAt: record.createdAt, cgroup: record.cgroup, hasNetwork: record.network == .pod,
            hasSharedMemory: record.ipc != .node || record.areFilesBounded, addresses: record.addresses)
        users = record.users
        self.containers = containers.map {
            RuntimeBooks.Container(
                id: $0.id, name: $0.metadata.name, phase: $0.phase.rawValue, process: $0.processID,
                layer: $0.layer, hookGroup: hookGroups[$0.id])
        }
    }
}
