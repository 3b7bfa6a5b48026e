import CRI
import Glibc
import Linux
import Logging
import OCI

extension NodeRuntime {
    package func createContainer(
        sandbox: String, config: ContainerConfig, sandboxConfig: PodSandboxConfig
    ) async throws(CRIError) -> String {
        let entry = try state.withLock { state throws(CRIError) in try state.sandbox(sandbox) }
        return try await entry.turn.take { [self] () async throws(CRIError) in
            try await create(config, in: sandbox)
        }
    }

    /// The sandbox's turn is held.
    private func create(_ config: ContainerConfig, in sandbox: String) async throws(CRIError) -> String {
        let entry = try state.withLock { state throws(CRIError) in try state.sandbox(sandbox) }
        let monitor = try launcher(in: sandbox)
        try await clearEarlier(config.metadata, in: sandbox)
        let id = try Identifier.random()
        do throws(CRIError) {
            var config = config
            let image = try await use(config.imageID, config.image, by: id)
            var volumes: [Int: ImageRecord] = [:]
            for index in config.mounts.indices {
                guard let name = config.mounts[index].image else { continue }
                let volume = try await use(config.mounts[index].imageID, name, by: id)
                config.mounts[index].imageID = volume.id.description
                volumes[index] = volume
            }
            let uid = entry.record.metadata.uid
            let name = config.metadata.name
            let plan = try await step("container.prepare", pod: uid, container: name) {
                [self, config, volumes] () async throws(CRIError) in
                var (plan, input) = try await threads.perform("prepare container") { [self] () throws(CRIError) in
                    try prepare(id, config, entry.record, image, volumes)
                }
                let labelled = try await relabel(plan.launch.plan.mountLabel, input)
                if !labelled.isEmpty {
                    input.trees.merge(labelled) { first, _ in first }
                    plan.launch.plan.mounts = MountDecision.mounts(input)
                }
                try await give(input.networkDevices, to: input.sandbox)
                return plan
            }
            let report = try await step("container.create", pod: uid, container: name) {
                [self] () async throws(CRIError) in
                let launcher = try launcher(in: sandbox)
                let end = dependencies.time.uptime() + ContainerPlan.hookPatience
                do throws(PodMonitorError) {
                    let report = try await launcher.create(plan.launch)
                    guard plan.launch.plan.awaitsHooks else { return report }
                    change(container: id) { $0.processID = report.processID }
                } catch {
                    throw Self.creationFailure(error, name, plan.hooks)
                }
                do throws(CRIError) { try await runHooks([.prestart, .createRuntime], of: id, until: end) } catch {
                    throw .failed("container \(name): \(error)")
                }
                do throws(PodMonitorError) {
                    return try await launcher.proceed(id)
                } catch {
                    throw Self.creationFailure(error, name, plan.hooks)
                }
            }
            reach(.containerCreated)
            change(container: id) { record in
                record.created(processID: report.processID)
                record.warnings += report.warnings.map { "container \(name): not held: \($0)" }
            }
            persistSoon(container: id)
        } catch {
            await discard(container: id, by: monitor)
            throw error
        }
        emit(.created, container: id, sandbox: sandbox)
        return id
    }

    private static func creationFailure(_ error: PodMonitorError, _ name: String, _ hooks: [String]) -> CRIError {
        .failed("container \(name): \(launchMessage(error.naming(hooks: hooks)))")
    }

    private func use(_ imageID: String?, _ name: String, by container: String) async throws(CRIError) -> ImageRecord {
        try await images.ready(imageID ?? name)
        return try images.use(imageID ?? name, called: name, by: container)
    }

    /// A container of the same name and attempt whose id its maker never learned gives way.
    private func clearEarlier(_ metadata: ContainerMetadata, in sandbox: String) async throws(CRIError) {
        let twins = state.withLock { $0.containers(in: sandbox) }.filter { $0.metadata == metadata }
        for twin in twins {
            guard twin.phase != .running else {
                throw .invalid("container \(metadata.name), attempt \(metadata.attempt), runs already: \(twin.id)")
            }
            try await erase(twin.id)
        }
    }

    /// All that has to be there before the monitor can launch: the record first. Blocks.
    private func prepare(
        _ id: String, _ config: ContainerConfig, _ sandbox: SandboxRecord, _ image: ImageRecord,
        _ volumes: [Int: ImageRecord]
    ) throws(CRIError) -> (ContainerPlan, ContainerPlanInput) {
        try Self.check(config.resources, "container \(config.metadata.name)")
        try Self.checkUsers(of: config, in: sandbox)
        let database = try images.userDatabase(of: image)
        var identity = try ProcessIdentity(
            config.security, imageUser: image.configuration.user, database: database)
        let edits = try deviceEdits(config, identity)
        identity.add(edits.groups)
        let stopSignal = try Self.stopSignal(config, image.configuration)
        let layer = try layer(of: config) ?? id
        var input = ContainerPlanInput(
            id: id, layer: layer, config: config, sandbox: sandbox, image: image.configuration,
            imageLayers: try layers(of: image, as: config.image, config), identity: identity,
            host: try host(of: sandbox), paths: paths)
        input.appArmor = appArmor(for: config.security)
        input.standardSELinux = labelsEveryPod ? .unspecified : nil
        if config.security.selinux ?? sandbox.selinux ?? input.standardSELinux != nil {
            input.selinux = try attempt("container \(config.metadata.name)") { () throws(KernelError) in
                try kernel.selinux()
            }
        }
        input.trees = try Self.subPaths(config)
        input.devices = try DeviceDecision.all(config) + edits.devices
        input.deviceMounts = edits.mounts
        input.hooks = edits.hooks
        input.hostHooks = edits.hostHooks
        input.networkDevices = edits.networkDevices
        input.config.environment += edits.environment
        var plan = try ContainerPlan(input)
        let seccomp = try dependencies.seccomp.program(
            for: plan.exec.seccomp, capabilities: plan.exec.capabilities)
        plan.launch.plan.process.seccomp = seccomp
        var record = ContainerRecord(
            id: id, sandbox: sandbox, config: config, imageID: image.id.description, stopSignal: stopSignal,
            exec: plan.exec, layer: layer, createdAt: now())
        record.warnings = plan.warnings
        record.take(command: plan.launch.plan.process.arguments)
        record.hooks = edits.hooks.map(\.name)
        record.hostHooks = edits.hostHooks
        record.layers = ([image] + volumes.values).flatMap(\.layers).map(\.key.description)
        state.withLock { $0.containers[id] = ContainerEntry(record) }
        try attempt("container \(config.metadata.name)") { () throws(KernelError) in
            // Before the record, so that what there is a record of has its filter.
            if case .localhost = record.exec.seccomp, let seccomp {
                try files.write(seccomp, of: record)
            }
            try files.write(record)
            reach(.containerRecorded)
            try makeWritableLayer(of: record, owner: sandbox.users)
            if let bundle = plan.launch.plan.bundle { try makeBundle(bundle, plan) }
        }
        if !volumes.isEmpty {
            let trees = try imageVolumes(
                id, config, volumes, users: sandbox.users, label: plan.launch.plan.mountLabel)
            input.trees.merge(trees) { first, _ in first }
            plan.launch.plan.mounts = MountDecision.mounts(input)
        }
        try attempt("container \(config.metadata.name)") { () throws(KernelError) in
            try kernel.makeCgroup(plan.launch.plan.cgroup)
            try apply(plan.cgroup, to: plan.launch.plan.cgroup)
            reach(.containerPrepared)
            if let log = plan.launch.log { try makeLogFile(log.path) }
        }
        return (plan, input)
    }

    /// Whose directory has the writable layer that it goes on with; nil where it gets one.
    private func layer(of config: ContainerConfig) throws(CRIError) -> String? {
        guard let predecessor = config.predecessor else { return nil }
        let record = try state.withLock { state throws(CRIError) in try state.container(predecessor) }.record
        guard record.phase == .exited else {
            throw .invalid("container \(config.metadata.name) goes on from \(predecessor), which has not ended")
        }
        return record.layer
    }

    /// Of the devices that it asks for by name.
    private func deviceEdits(_ config: ContainerConfig, _ identity: ProcessIdentity) throws(CRIError) -> DeviceEdits {
        let names = try DeviceFiles.names(config)
        if names.isEmpty { return DeviceEdits() }
        let files = DeviceFiles(directories: paths.deviceFiles)
        return try DeviceEdits(
            files.edits(for: names, object: "container \(config.metadata.name)"), identity: identity)
    }

    static func check(_ resources: ContainerResources, _ object: String) throws(CRIError) {
        for file in resources.unified.keys.sorted() where file.contains("/") || file.hasPrefix("cgroup.") {
            throw .invalid("\(object): \"\(file)\" is no file of a controller")
        }
    }

    private static func stopSignal(
        _ config: ContainerConfig, _ image: ImageConfiguration
    ) throws(CRIError) -> Int32 {
        guard let name = config.stopSignal ?? image.stopSignal, !name.isEmpty else { return SIGTERM }
        guard let number = SignalNames.number(name) else {
            throw .invalid("container \(config.metadata.name): stop signal \"\(name)\" is not known")
        }
        return number
    }

    package func startContainer(_ id: String) async throws(CRIError) {
        let (_, sandbox) = try lookUp(container: id)
        try await sandbox.turn.take { [self] () async throws(CRIError) in try await start(id) }
    }

    /// The sandbox's turn is held.
    private func start(_ id: String) async throws(CRIError) {
        let (container, sandbox) = try lookUp(container: id)
        let record = container.record
        guard record.phase == .created else {
            throw .invalid("container \(id) is \(record.phase.rawValue) and cannot be started")
        }
        let monitor = try launcher(in: record.sandbox)
        do throws(CRIError) {
            let report = try await step(
                "container.start", pod: sandbox.record.metadata.uid, container: record.metadata.name
            ) { () async throws(CRIError) in
                do throws(PodMonitorError) {
                    return try await monitor.start(id)
                } catch {
                    let program = record.command.first ?? ""
                    throw Self.startFailure(
                        error.naming(program, in: record.exec.workingDirectory).naming(hooks: record.hooks))
                }
            }
            reach(.containerStarted)
            change(container: id) { record in
                record.started(at: UnixNanoseconds(clamping: report.startedAt))
                let warnings = report.warnings.map { "container \(record.metadata.name): not held: \($0)" }
                // What held at its creation already is said once.
                record.warnings += warnings.filter { !record.warnings.contains($0) }
            }
            persistSoon(container: id)
            await runHooksAfterStart(of: id)
            emit(.started, container: id, sandbox: record.sandbox)
        } catch {
            try await recordFailedStart(id, error)
            throw error
        }
    }

    /// Its exit code is 128, as containerd has it, whatever a shell would give; 137 where the monitor died.
    private func recordFailedStart(_ id: String, _ error: CRIError) async throws(CRIError) {
        guard case .startFailed(let message, let exitCode) = error else { return }
        let time = now()
        let record = change(container: id) { $0.failedToStart(message, exitCode: max(128, exitCode), at: time) }
        guard let record else { return }
        try await persist(container: id)
        settle(record)
    }

    /// What the container itself is at fault for, with the exit code that a shell gives. One whose monitor died before the answer may have run: it
    /// counts as killed, so that nobody starts it again who does not want it twice.
    static func startFailure(_ error: PodMonitorError) -> CRIError {
        if case .monitorGone = error {
            return .startFailed(message: "the pod's monitor died as the container started", exitCode: 137)
        }
        if case .hook = error { return .startFailed(message: error.description, exitCode: 128) }
        guard case .launch = error else { return .failed(error.description) }
        let code: Int32 = error.isCommandNotFound ? 127 : error.isPermissionDenied ? 126 : 128
        return .startFailed(message: launchMessage(error), exitCode: code)
    }

    static func missingSource(_ path: String) -> String {
        "the mount source \(path) does not exist on this node; create it, or correct the volume"
    }

    /// A message without the long identifier, which the reader has already.
    static func launchMessage(_ error: PodMonitorError) -> String {
        guard case .launch(let id, let stage, let code, let detail) = error else { return error.description }
        if stage == .mountSource && code == ENOENT { return missingSource(detail ?? "") }
        if stage == .identities {
            return
                "the ids of \(detail ?? "files") cannot be mapped into the pod's user namespace: \(KernelError.text(of: code)); use a "
                + "volume on ext4, xfs, btrfs or tmpfs, or leave hostUsers out"
        }
        let prefix = id + ": "
        let text = error.description
        return text.hasPrefix(prefix) ? String(text.dropFirst(prefix.count)) : text
    }
}
