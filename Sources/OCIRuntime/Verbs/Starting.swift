import CLaunch
import Glibc
import Launch
import OCISpecification

/// The way from a ready process to its program, and the hooks that follow.
struct Starting {
    let invocation: Invocation
    let directory: ContainerDirectory
    let state: ContainerState
    /// Nil where it says nothing that is still to be done.
    let specification: RuntimeSpecification?

    /// Follows the process until its program runs; then what runs after it.
    func follow(_ launched: borrowing LaunchedProcess, isExecuting: Bool = false) throws(OCIRuntimeError) {
        var isExecuting = isExecuting
        var hasHooks = false
        while let message = try launched.next() {
            switch consume message {
            case .warning(let text): invocation.log.warning(text)
            case .ready: hasHooks = true
            case .executing: isExecuting = true
            case .listener(let listener):
                guard let section = specification?.linux.seccomp else { continue }
                try DescriptorHandover.sendListener(listener, of: launched.processID, state, .running, section)
            default: break
            }
        }
        guard isExecuting else {
            // Nobody else has let it go: it is on its way to its end, which waits for that of its hooks.
            if hasHooks { try invocation.end(state) }
            throw .state(
                container: state.id, cause: "its process ended before it executed its program; " + LaunchStage.ofKilled)
        }
        HookRunner(state: state).runAll(
            specification?.hooks.poststart ?? [], "poststart", .running, log: invocation.log)
    }
}

extension Invocation {
    func start(_ arguments: Arguments) throws(OCIRuntimeError) -> Int32 {
        let directory = try directory(try arguments.container())
        var isExecuting: Int32 = 0
        var folder: Int32 = -1
        let opened = crt_opened_gate(&isExecuting, &folder)
        // By now: when the program has been executed, another container may be there under the id.
        let held = folder >= 0 ? Descriptor(owning: folder) : try directory.held()
        let state = try directory.load()
        try directory.check(held)
        let specification = try directory.remainingConfiguration(state)
        let launched = opened >= 0 ? try letGo(state, opened) : try atTheGate(directory, state, specification)
        let starting = Starting(invocation: self, directory: directory, state: state, specification: specification)
        do throws(OCIRuntimeError) {
            if opened < 0 { try launched.proceed() }
            try starting.follow(launched, isExecuting: isExecuting != 0)
        } catch {
            // Whoever came first has let it go, and it is theirs.
            if case .state = error, try directory.status(state) != .stopped { throw try notCreated(directory, state) }
            cs_pidfd_signal(launched.handle.raw, SIGKILL)
            directory.removeGate(in: held)
            throw directory.named(error)
        }
        directory.removeGate(in: held)
        return 0
    }

    private func notCreated(
        _ directory: ContainerDirectory, _ state: ContainerState
    ) throws(OCIRuntimeError) -> OCIRuntimeError {
        let status = try directory.status(state).rawValue
        return .state(container: state.id, cause: "it is \(status); only a created container can be started")
    }

    /// The process that this call's first instructions have let go. It may have ended already: then there is nobody to signal.
    private func letGo(_ state: ContainerState, _ gate: Int32) throws(OCIRuntimeError) -> LaunchedProcess {
        LaunchedProcess(
            processID: state.processID, handle: try state.openProcess() ?? Descriptor(owning: -1),
            control: Descriptor(owning: gate), names: nil)
    }

    /// The process that waits for this call; an error where it waits no more.
    private func atTheGate(
        _ directory: ContainerDirectory, _ state: ContainerState, _ specification: RuntimeSpecification?
    ) throws(OCIRuntimeError) -> LaunchedProcess {
        guard let handle = try state.openProcess(), !directory.isFrozen(state),
            let gate = try? directory.connectToGate().duplicate()
        else {
            throw try notCreated(directory, state)
        }
        return LaunchedProcess(
            processID: state.processID, handle: handle, control: gate, names: specification.flatMap { PlanNames($0) })
    }
}

extension ContainerDirectory {
    /// What failed in the container's own words, which only its configuration has.
    fileprivate func named(_ error: OCIRuntimeError) -> OCIRuntimeError {
        guard case .launch(let stage, nil, let code, let index) = error,
            let specification = try? configuration()
        else { return error }
        guard let names = PlanNames(specification) else {
            return .unsupported(field: "process", cause: "it is not set, so there is nothing to start")
        }
        return .launch(stage, object: names.object(of: stage, index: index), code: code, index: index)
    }
}

extension PlanNames {
    /// Nil where no process is set.
    fileprivate init?(_ specification: RuntimeSpecification) {
        guard let process = specification.process else { return nil }
        self.init(
            program: process.arguments.first ?? "", directory: process.workingDirectory,
            limits: process.limits.map { $0.type }, hooks: specification.hooks.startContainer.map { $0.path })
    }
}
