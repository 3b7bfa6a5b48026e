import ContainerRuntime
import Glibc
import HTTP
import JSONTree
import Linux
import OCI
import PodNetwork
import Store

/// All that the doctor judges. What is on the node is listed first and the books are asked after that, so that nothing that is being made is taken
/// for something that belongs to nobody.
struct Survey: Sendable {
    /// A directory of a pod's files or logs.
    struct PodFiles: Sendable, Hashable {
        var uid: String
        var path: String
    }

    var instance: InstanceName
    var paths: RuntimePaths
    var runtime = RuntimeInventory()
    var network = PodNetworkInventory(owned: OwnedNetworkObjects())
    var podFiles: [PodFiles] = []
    /// The logs of `swiftlet run`'s containers.
    var runLogs: [PodFiles] = []
    /// What is mounted in our directories besides the runtime's mounts: pods' volumes.
    var podMounts: [FilePath] = []
    var books = RuntimeBooks()
    var isDaemonRunning = false
    /// What the daemon says of the machine, a line each.
    var hostTroubles: [String] = []
    /// The uids that the kubelet has to do with; nil where nobody can say, and then pods' files are not judged.
    var pods: Set<String>?
    /// Of the store; nil on an agent.
    var revision: Int64?
    var seenRevision: Int64?

    init(instance: InstanceName, paths: RuntimePaths) {
        self.instance = instance
        self.paths = paths
    }

    /// Looks at this machine.
    /// - Parameter client: Nil where no daemon runs.
    init(
        _ configuration: DaemonConfiguration, instance: InstanceName, daemon client: NodeClient?
    ) async throws(DaemonError) {
        let kernel = SystemKernel()
        let hierarchy = try DaemonError.wrapping("cgroups") { () throws(CgroupError) in try CgroupHierarchy.find() }
        let paths = RuntimePaths(configuration, instance: instance.id, in: hierarchy)
        self.init(instance: instance, paths: paths)
        seenRevision = RevisionMark(configuration).revision
        runtime = try DaemonError.wrapping("what the runtime has") { () throws(KernelError) in
            try RuntimeInventory(paths, kernel: kernel)
        }
        network = try DaemonError.wrapping("what the pod network has") { () throws(PodNetworkError) in
            try PodNetworkInventory(instance: instance, stateDirectory: configuration.networkState)
        }
        try DaemonError.wrapping("pods' files") { () throws(KernelError) in try findPodFiles(configuration) }
        if let client {
            try await ask(client)
        } else {
            try readBooks(configuration, kernel)
        }
    }

    private mutating func findPodFiles(_ configuration: DaemonConfiguration) throws(KernelError) {
        for root in OwnFiles.podFileRoots(configuration) {
            podFiles += try OwnFiles.names(in: root).map { PodFiles(uid: $0, path: "\(root)/\($0)") }
        }
        runLogs = try OwnFiles.names(in: configuration.runLogs)
            .map { PodFiles(uid: $0, path: "\(configuration.runLogs)/\($0)") }
        podMounts = try OwnFiles.mounts(configuration).filter { mount in
            ![paths.state, paths.data].contains { mount.isBeneath($0) }
        }
        podFiles += try OwnFiles.podLogs(configuration).map { path in
            PodFiles(uid: path.split { $0 == "_" || $0 == "/" }.last.map(String.init) ?? path, path: path)
        }
    }

    private mutating func ask(_ client: NodeClient) async throws(DaemonError) {
        isDaemonRunning = true
        let answer = try await client.get("/v1/books")
        books = try DaemonError.wrapping("the daemon's books") { () throws(OCIError) in
            try RuntimeBooks(answer["runtime"] ?? .null)
        }
        hostTroubles = (answer["host"]?.array ?? []).map {
            "\($0["type"]?.string ?? ""): \($0["message"]?.string ?? "")"
        }
        pods = (answer["pods"]?.array).map { Set($0.compactMap(\.string)) }
        revision = try? await client.storeRevision()
    }

    private mutating func readBooks(
        _ configuration: DaemonConfiguration, _ kernel: SystemKernel
    ) throws(DaemonError) {
        let paths = paths
        books = try DaemonError.wrapping("records") { () throws(KernelError) in
            try RuntimeBooks(recordsIn: paths, bootID: try kernel.bootID())
        }
        revision = try DaemonError.wrapping("store") { () throws(StoreError) in
            try SQLiteStore.lastRevision(in: configuration.storeDirectory)
        }
    }
}

extension NodeClient {
    /// The newest revision of this server's store. Throws on an agent.
    func storeRevision() async throws(DaemonError) -> Int64 {
        let list = try await get("/api/v1/namespaces", [QueryItem("limit", "1")])
        guard let revision = list["metadata"]?["resourceVersion"]?.string.flatMap({ Int64($0) }) else {
            throw DaemonError("the API server told no revision")
        }
        return revision
    }
}
