import CLaunch
import Glibc
import Launch
import OCISpecification

/// The way from a ready process to its program, with the hooks on both sides.
struct Starting {
    let session: Session
    let directory: ContainerDirectory
    let state: ContainerState
    let specification: RuntimeSpecification

    /// What runs in the container before its program.
    func prepare(handle: Int32) throws(OCIRuntimeError) {
        try HookRunner(state: state).runInside(
            specification.hooks.startContainer, "startContainer", .created, handle: handle)
    }

    /// Follows the process until its program runs; then what runs after it.
    func follow(_ launched: borrowing LaunchedProcess) throws(OCIRuntimeError) {
        var isExecuting = false
        while let message = try launched.next() {
            switch consume message {
            case .warning(let text): session.log.warning(text)
            case .executing: isExecuting = true
            case .listener(let listener):
                guard let section = specification.linux.seccomp else { continue }
                try ConsoleSocket.sendListener(listener, of: launched.processID, state, .running, section)
            default: break
            }
        }
        guard isExecuting else {
            throw .state(container: state.id, cause: "its process ended before it executed its program")
        }
        HookRunner(state: state).runAll(specification.hooks.poststart, "poststart", .running, log: session.log)
    }
}

extension Session {
    func start(_ arguments: Arguments) throws(OCIRuntimeError) -> Int32 {
        let directory = try directory(try arguments.container())
        let state = try directory.load()
        let status = directory.status(state)
        guard status == .created else {
            throw .state(
                container: state.id, cause: "it is \(status.rawValue); only a created container can be started")
        }
        let starting = Starting(
            session: self, directory: directory, state: state, specification: try directory.configuration())
        let launched = try connect(to: directory, state, starting.specification)
        do throws(OCIRuntimeError) {
            try starting.prepare(handle: launched.handle.raw)
            try launched.proceed()
            try starting.follow(launched)
        } catch {
            cs_pidfd_signal(launched.handle.raw, SIGKILL)
            unlink(directory.path + "/" + ContainerDirectory.gate)
            if case .hook = error {
                HookRunner(state: state).runAll(starting.specification.hooks.poststop, "poststop", .stopped, log: log)
            }
            throw error
        }
        unlink(directory.path + "/" + ContainerDirectory.gate)
        return 0
    }

    /// The process at its gate.
    private func connect(
        to directory: ContainerDirectory, _ state: ContainerState, _ specification: RuntimeSpecification
    ) throws(OCIRuntimeError) -> LaunchedProcess {
        let handle = cs_pidfd_open(state.processID)
        guard handle >= 0 else { throw .kernel(KernelError("pidfd_open", "\(state.processID)", -handle)) }
        let process = Descriptor(owning: handle)
        let own = specification.process ?? ProcessSpecification()
        let names = PlanNames(
            program: own.arguments.first ?? "", directory: own.workingDirectory, limits: own.limits.map(\.type))
        let gate = try kernel { () throws(KernelError) in try directory.connectToGate().duplicate() }
        return LaunchedProcess(processID: state.processID, handle: process, control: gate, names: names)
    }
}
