import CLaunch
import Glibc
import Launch
import OCISpecification

/// The making of one container, step by step with its first process.
struct Assembly {
    let creation: Creation
    let plan: BundlePlan
    let process: ProcessSpecification
    let cgroup: ContainerCgroup?
    /// Where the cgroup is systemd's: left as soon as the process is in it.
    let entry: ScopeEntry?
    let claim: Claim
    let ahead: NamespacesAhead
    let isGated: Bool
    private let created = timestamp()
    private let devices = GivenDevices()

    private var log: RuntimeLog { creation.invocation.log }
    private var specification: RuntimeSpecification { creation.specification }
    private var hasUserNamespace: Bool { plan.namespace(.user) != nil }

    /// Whether the process publishes its record itself and goes on to its program as soon as it is ready, with nothing left that is done for it from here: not
    /// where the directory of the record, which it closes before its program begins, would be in others' sight with it.
    private var isUnattended: Bool {
        let options = creation.options
        return !isGated && plan.isNew(.pid) && !hasUserNamespace && !plan.awaitsHooks && !process.hasTerminal
            && specification.linux.networkDevices.isEmpty && options.pidFile == nil && options.handleSocket == nil
    }

    func build(
        _ finish: (borrowing LaunchedProcess, ContainerState, Int32) throws(OCIRuntimeError) -> Void
    ) throws(OCIRuntimeError) {
        var plan = plan
        if !plan.startHooks.isEmpty { plan.bundle = try hookBundle() }
        // Inside a user namespace the right to raise a limit is gone: they are set from here.
        if hasUserNamespace { plan.process.resourceLimits = [] }
        let encoded = try kernel { () throws(KernelError) in try plan.encoded(isGated: isGated) }
        let group = try OptionalDescriptor(cgroup?.group.path)
        let gate = isGated ? try listen() : -1
        defer { if gate >= 0 { close(gate) } }
        let record = try OptionalDescriptor(isUnattended ? creation.directory.path : nil)
        let launched = try launch(encoded, group, gate, record.raw)
        ahead.letGo()
        do throws(OCIRuntimeError) {
            try entry?.leave()
            try settle(launched, finish)
        } catch {
            launched.discard()
            devices.takeBack(log)
            if case .hook = error { runStopHooks() }
            // Of a process that has ended much goes wrong: why it has comes before what that led to.
            throw launched.lastWords() ?? error
        }
    }

    private func launch(
        _ encoded: EncodedPlan, _ group: borrowing OptionalDescriptor, _ gate: Int32, _ record: Int32
    ) throws(OCIRuntimeError) -> LaunchedProcess {
        let trees = try kernel { () throws(KernelError) in try plan.openTrees(root: ahead.tree) }
        do throws(OCIRuntimeError) {
            return try LaunchedProcess(
                encoded, cgroup: group, trees: trees, ahead: ahead.kinds, gate: gate, record: record,
                isAlone: plan.isNew(.pid))
        } catch {
            throw SystemdScope.explained(error, unit: cgroup?.scope?.unit)
        }
    }

    private func listen() throws(OCIRuntimeError) -> Int32 {
        let folder = try kernel { () throws(KernelError) in
            try Descriptor.open(creation.directory.path, O_RDONLY | O_DIRECTORY)
        }
        let socket = cs_listen(folder.raw, ContainerDirectory.gate)
        guard socket >= 0 else { throw .kernel(KernelError("listen", creation.directory.path, -socket)) }
        return socket
    }

    private func settle(
        _ launched: borrowing LaunchedProcess,
        _ finish: (borrowing LaunchedProcess, ContainerState, Int32) throws(OCIRuntimeError) -> Void
    ) throws(OCIRuntimeError) {
        var state = unbegunState
        state.processID = launched.processID
        state.processStart = try ProcessFacts.start(of: launched.processID) ?? 0
        // While the process is at work, and before it is told to go on.
        try creation.directory.prepare(state)
        launched.letGoOfMounts()
        try OuterSettings(process, limits: hasUserNamespace ? plan.process.resourceLimits : []).apply(
            to: launched.processID, log)
        if plan.isNew(.user) {
            try writeMaps(launched.processID)
            try launched.proceed()
        }
        if plan.awaitsHooks {
            try follow(launched, to: "created")
            try devices.give(specification.linux.networkDevices, to: launched.processID)
            try runCreateHooks(state, launched.handle.raw)
            try launched.proceed()
        }
        if isUnattended { try launched.proceed() }
        let terminal = try follow(launched, to: "ready")
        defer { if terminal >= 0 { close(terminal) } }
        // Late, since what fails afterwards has to bring them back.
        if !plan.awaitsHooks { try devices.give(specification.linux.networkDevices, to: launched.processID) }
        if !isUnattended { try creation.directory.publish(state) }
        claim.letGo()
        do throws(OCIRuntimeError) {
            try writePidFile(launched)
            if !isUnattended { try launched.proceed() }
            try finish(launched, state, terminal)
        } catch {
            launched.discard()
            try? creation.directory.clear(state)
            throw error
        }
    }

    private func writeMaps(_ processID: Int32) throws(OCIRuntimeError) {
        try kernel { () throws(KernelError) in
            try writeText(plan.userMap, to: "/proc/\(processID)/uid_map")
            try writeText(plan.groupMap, to: "/proc/\(processID)/gid_map")
        }
    }

    /// Goes through what the process says up to a station; gives back its terminal, -1 without.
    @discardableResult
    private func follow(_ launched: borrowing LaunchedProcess, to station: String) throws(OCIRuntimeError) -> Int32 {
        var terminal: Int32 = -1
        while let message = try launched.next() {
            switch consume message {
            case .warning(let text): log.warning(text)
            case .terminal(let master):
                if let path = creation.options.consoleSocket {
                    try DescriptorHandover.send(master, to: path)
                } else {
                    terminal = master.release()
                }
            case .created: if station == "created" { return -1 }
            case .ready: return terminal
            default: break
            }
        }
        throw .state(container: creation.options.container, cause: "its process ended while it was being made")
    }

    private func runCreateHooks(_ state: ContainerState, _ handle: Int32) throws(OCIRuntimeError) {
        let runner = HookRunner(state: state, userID: process.userID, groupID: process.groupID)
        let hooks = specification.hooks
        try runner.run(hooks.prestart, "prestart", .created)
        try runner.run(hooks.createRuntime, "createRuntime", .creating)
        try runner.runInside(hooks.createContainer, "createContainer", .creating, handle: handle)
        // What they leave running has the host's files: its own pid namespace's first process ends it, in others' it would be in their sight.
        let isInOthersSight = plan.namespace(.pid)?.path != nil && !hooks.createContainer.isEmpty
        if isInOthersSight { try cgroup?.endAll(but: state.processID) }
    }

    private func runStopHooks() {
        HookRunner(state: unbegunState).runAll(specification.hooks.poststop, "poststop", .stopped, log: log)
    }

    /// What the process that becomes the container is to tell its hooks.
    private func hookBundle() throws(OCIRuntimeError) -> HookBundle {
        let state = unbegunState.forOwnHooks
        guard state.utf8.count < HookBundle.stateLimit else {
            throw .unsupported(
                field: "hooks.startContainer",
                cause: "the state to be told has \(state.utf8.count) bytes: annotations are too long")
        }
        return HookBundle(directory: creation.options.bundle, root: plan.root, state: state)
    }

    /// The state but for the process.
    private var unbegunState: ContainerState {
        var state = ContainerState(
            id: creation.options.container, version: RuntimeSpecification.followedVersion,
            bundle: creation.options.bundle,
            rootfs: plan.root, processID: 0, processStart: 0, created: created, cgroup: cgroup?.group.path,
            annotations: specification.annotations)
        state.owner = creation.owner
        state.unit = cgroup?.scope?.unit
        state.isMountedHere = plan.namespace(.mount) == nil
        state.isPidNamespaceShared = !plan.isNew(.pid)
        state.keepsKeyring = creation.options.keepsKeyring
        let hooks = specification.hooks
        state.needsConfiguration =
            !(hooks.startContainer + hooks.poststart + hooks.poststop).isEmpty
            || specification.linux.seccomp?.listenerPath != nil
        return state
    }

    private func writePidFile(_ launched: borrowing LaunchedProcess) throws(OCIRuntimeError) {
        if let path = creation.options.pidFile { try PidFile.write(launched.processID, to: path) }
        if let path = creation.options.handleSocket {
            try DescriptorHandover.pass(launched.handle, to: path, Array(creation.options.container.utf8))
        }
    }
}

/// What is set on a process from outside, with rights that it does not have.
struct OuterSettings {
    private let oomScoreAdjustment: Int32?
    private let limits: [ResourceLimit]

    init(_ process: ProcessSpecification, limits: [ResourceLimit]) {
        oomScoreAdjustment = process.oomScoreAdjustment
        self.limits = limits
    }

    var isEmpty: Bool { oomScoreAdjustment == nil && limits.isEmpty }

    func apply(to processID: Int32, _ log: RuntimeLog) throws(OCIRuntimeError) {
        if let score = oomScoreAdjustment {
            do throws(KernelError) { try writeText("\(score)", to: "/proc/\(processID)/oom_score_adj") } catch {
                guard error.code == EACCES || error.code == EPERM else { throw .kernel(error) }
                log.warning("process.oomScoreAdj \(score) is beyond what this caller may set: \(error)")
            }
        }
        for limit in limits {
            let code = crt_limit(processID, limit.resource, limit.soft, limit.hard)
            guard code == 0 else {
                throw .unsupported(field: "process.rlimits", cause: "\(limit.name): \(KernelError.text(of: -code))")
            }
        }
    }
}
