import CRI
import Linux
import Logging

extension NodeRuntime {
    package func runPodSandbox(_ config: PodSandboxConfig) async throws(CRIError) -> String {
        let host = try host()
        try SysctlDecision.check(config)
        try await checkUsers(config)
        let record = try newRecord(config)
        try register(record)
        do throws(CRIError) {
            try await establish(record, config, host)
        } catch {
            logger.warning("sandbox not made", metadata: ["pod": "\(record.podName)", "cause": "\(error)"])
            await discard(record.id)
            throw error
        }
        emit(.created, container: record.id, sandbox: record.id)
        emit(.started, container: record.id, sandbox: record.id)
        return record.id
    }

    private func newRecord(_ config: PodSandboxConfig) throws(CRIError) -> SandboxRecord {
        let id = try Identifier.random()
        let hostname = config.network == .node || config.hostname.isEmpty ? kernel.hostName() : config.hostname
        return SandboxRecord(
            id: id, config: config, hostname: hostname, bootID: state.withLock { $0.bootID }, createdAt: now(),
            cgroup: try cgroup(of: config, sandbox: id))
    }

    private func cgroup(of config: PodSandboxConfig, sandbox: String) throws(CRIError) -> String {
        let parent = config.cgroupParent
        if parent.isEmpty { return paths.podCgroup(config.cgroupClass, uid: config.metadata.uid, sandbox: sandbox) }
        guard parent.hasPrefix("/"), !parent.contains("..") else {
            throw .invalid("cgroup_parent \"\(parent)\" must be a path from the top of the hierarchy")
        }
        guard !parent.hasSuffix(".slice") else {
            throw .unsupported(
                "cgroup_parent \"\(parent)\" is a name of systemd's: set the kubelet's cgroupDriver to cgroupfs")
        }
        return paths.foreignCgroup(parent, sandbox: sandbox)
    }

    /// Refuses a second sandbox of the same attempt while the first may run.
    private func register(_ record: SandboxRecord) throws(CRIError) {
        try state.withLock { state throws(CRIError) in
            let twin = state.sandboxes.values.first {
                $0.record.metadata == record.metadata && ($0.record.phase == .ready || $0.record.phase == .creating)
            }
            if let twin {
                throw .invalid(
                    "pod \(record.podName) has sandbox \(twin.record.id) already, attempt \(record.metadata.attempt)")
            }
            state.sandboxes[record.id] = SandboxEntry(record)
        }
    }

    /// Makes all that a sandbox has. Where it fails, what is there already is for the caller to give back.
    func establish(
        _ record: SandboxRecord, _ config: PodSandboxConfig, _ host: HostFeatures
    ) async throws(CRIError) {
        let uid = record.metadata.uid
        try await step("sandbox.record", pod: uid) { [self] () async throws(CRIError) in
            try await threads.perform("make sandbox") { [self] () throws(CRIError) in
                try prepare(record, config, host)
            }
        }
        async let files = makeShared(record, config)
        let monitor = try await step("sandbox.monitor", pod: uid) { [self] () async throws(CRIError) in
            try await spawnMonitor(record, config)
        }
        change(sandbox: record.id) { $0.monitor = monitor }
        reach(.monitorSpawned)
        try await files.get()
        var addresses: [String] = []
        if config.network == .pod && !config.hasLink {
            try await dependencies.network.isolate(networkNamespace: "/proc/\(monitor.processID)/ns/net")
        } else if config.network == .pod {
            addresses = try await step("sandbox.network", pod: uid) { [self] () async throws(CRIError) in
                try await dependencies.network.attach(
                    sandbox: record.id, networkNamespace: "/proc/\(monitor.processID)/ns/net",
                    ports: config.portMappings)
            }
            reach(.sandboxAttached)
        }
        try await step("sandbox.ready", pod: uid) { [self, addresses] () async throws(CRIError) in
            try await finish(record.id, config, addresses)
        }
        reach(.sandboxReady)
        watch(monitor, of: record.id)
    }

    /// The record first: whatever is made after it can be found again.
    private func prepare(
        _ record: SandboxRecord, _ config: PodSandboxConfig, _ host: HostFeatures
    ) throws(CRIError) {
        try attempt("sandbox of pod \(record.podName)") { () throws(KernelError) in
            try files.create(record)
            reach(.sandboxRecorded)
            try makeCgroup(record, config, host)
            for bound in CgroupSettings.nesting {
                try kernel.writeCgroup(record.cgroup, file: bound.file, value: bound.value)
            }
            try weighClasses()
            reach(.sandboxGrouped)
        }
    }

    /// Under another's cgroup it is that one that holds the pod: what a kubelet tells here is the sum of what its containers have limits for, though
    /// others in the pod have none.
    private func makeCgroup(
        _ record: SandboxRecord, _ config: PodSandboxConfig, _ host: HostFeatures
    ) throws(KernelError) {
        guard paths.isOurs(record.cgroup) else { return try kernel.makeDeepCgroup(record.cgroup) }
        try kernel.makeParentCgroup(record.cgroup)
        let settings = CgroupSettings(
            config.resources, object: "pod \(config.metadata.name)", controllers: host.controllers, scope: .group)
        try apply(settings, to: record.cgroup)
    }

    /// What containers of a sandbox can be held to: under another's cgroup, what that one has been given. Blocks.
    func host(of sandbox: SandboxRecord) throws(CRIError) -> HostFeatures {
        var host = try host()
        if paths.isOurs(sandbox.cgroup) { return host }
        let passedOn = (try? kernel.readCgroup(sandbox.cgroup, file: "cgroup.subtree_control")) ?? ""
        host.controllers = Set(passedOn.split(whereSeparator: \.isWhitespace).map(String.init))
        return host
    }

    /// What all containers share and needs no address: made while the monitor starts.
    private func makeShared(_ record: SandboxRecord, _ config: PodSandboxConfig) async -> Result<Void, CRIError> {
        do throws(CRIError) {
            try await threads.perform("make shared files") { [self] () throws(CRIError) in
                try attempt("shared files of pod \(record.podName)") { () throws(KernelError) in
                    try kernel.mountSharedMemory(
                        paths.sharedMemory(of: record.id), bytes: config.sharedMemory ?? 64 << 20)
                    reach(.sharedMemoryMounted)
                    let resolvConf = config.dns.map(PodFiles.resolvConf) ?? kernel.hostFile("/etc/resolv.conf")
                    try WholeFile.makeDirectories(paths.podFiles(of: record))
                    try write(resolvConf, PodFiles.resolvConfName, of: record)
                    try write(record.hostname + "\n", PodFiles.hostnameName, of: record)
                }
            }
            return .success(())
        } catch {
            return .failure(error)
        }
    }

    private func write(_ text: String, _ name: String, of sandbox: SandboxRecord) throws(KernelError) {
        try WholeFile.replace(
            paths.podFiles(of: sandbox) + "/" + name, with: Array(text.utf8), mode: 0o644, durable: false)
    }

    private func spawnMonitor(
        _ record: SandboxRecord, _ config: PodSandboxConfig
    ) async throws(CRIError) -> any PodMonitoring {
        var namespaces: PodNamespaces = []
        // A pod on the host's network has the host's name too.
        if config.network != .node { namespaces.formUnion([.network, .uts]) }
        if config.ipc != .node { namespaces.insert(.ipc) }
        var configuration = PodMonitorConfiguration(
            pod: record.podName, directory: paths.monitor(of: record.id), cgroup: record.cgroup,
            hostname: config.network == .node ? nil : record.hostname, namespaces: namespaces,
            kernelParameters: SysctlDecision.parameters(config, groups: kernel.hostFile("/proc/self/gid_map")))
        configuration.users = config.users.map { UserMaps($0) }
        configuration.environment = dependencies.monitorEnvironment()
        do throws(PodMonitorError) {
            return BoundedMonitor(
                base: try await dependencies.monitors.spawn(configuration), time: dependencies.time)
        } catch {
            throw .failed("pod \(record.podName): \(error)")
        }
    }

    private func finish(_ id: String, _ config: PodSandboxConfig, _ addresses: [String]) async throws(CRIError) {
        guard
            let record = change(
                sandbox: id,
                { entry in
                    entry.record.addresses = addresses
                    entry.record.phase = .ready
                })
        else { throw .notFound("sandbox \(id) was removed while it was made") }
        try await threads.perform("write pod files") { [self] () throws(CRIError) in
            let hosts =
                config.network == .node
                ? PodFiles.hosts(ofHost: kernel.hostFile("/etc/hosts"), config.hosts)
                : PodFiles.hosts(record.hostname, addresses, config.hosts)
            try attempt("files of pod \(record.podName)") { () throws(KernelError) in
                try write(hosts, PodFiles.hostsName, of: record)
                try files.write(record)
            }
        }
    }

    /// Writes what a cgroup is to hold. What is optional may be missing.
    func apply(_ settings: CgroupSettings, to cgroup: String) throws(KernelError) {
        for value in settings.values {
            do throws(KernelError) {
                try kernel.writeCgroup(cgroup, file: value.file, value: value.value)
            } catch  where value.isOptional {
                continue
            }
        }
    }
}

extension RuntimePaths {
    /// Named for the pod where its uid is a plain name, and always for the sandbox.
    func podCgroup(_ quality: CgroupClass, uid: String, sandbox: String) -> String {
        let plain = uid.utf8.allSatisfy { byte in
            (48...57).contains(byte) || (97...122).contains(byte) || (65...90).contains(byte) || byte == 45
        }
        let prefix = plain && (1...64).contains(uid.utf8.count) ? uid + "_" : ""
        return podCgroups(quality) + "/" + prefix + sandbox.prefix(12)
    }
}
