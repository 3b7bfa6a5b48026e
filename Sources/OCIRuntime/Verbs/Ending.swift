import CLaunch
import Glibc
import Launch
import OCISpecification

extension Invocation {
    func kill(_ arguments: Arguments) throws(OCIRuntimeError) -> Int32 {
        let directory = try directory(try arguments.container(1))
        let number = try Invocation.signal(arguments.words.count > 1 ? arguments.words[1] : "SIGTERM")
        let state = try directory.load()
        let handle = try state.openProcess()
        // Without a pid namespace of its own the others do not die with the first process.
        let reachesAll = arguments.has("all") || state.isPidNamespaceShared && number == SIGKILL
        if reachesAll { try killAll(state, number) }
        guard let handle else {
            if reachesAll { return 0 }
            throw .state(container: state.id, cause: "it is stopped: there is nothing to send a signal to")
        }
        let code = cs_pidfd_signal(handle.raw, number)
        // It may have died of what all got.
        guard code == 0 || code == -ESRCH && reachesAll else {
            throw .kernel(KernelError("signal \(number)", "container \(state.id)", -code))
        }
        return 0
    }

    /// As `SignalNames` has it, or 0, which only tries whether one could be sent.
    static func signal(_ text: String) throws(OCIRuntimeError) -> Int32 {
        if text == "0" { return 0 }
        guard let number = SignalNames.number(text) else { throw .usage("\"\(text)\" is no signal") }
        return number
    }

    private func killAll(_ state: ContainerState, _ number: Int32) throws(OCIRuntimeError) {
        guard let path = state.cgroup, let group = try ContainerCgroup.existing(path),
            access(path, F_OK) == 0 || errno != ENOENT
        else {
            return
        }
        if number == SIGKILL {
            try cgroups { () throws(CgroupError) in try group.group.kill() }
            return
        }
        for process in group.processes() where process != state.processID { Glibc.kill(process, number) }
    }

    func delete(_ arguments: Arguments) throws(OCIRuntimeError) -> Int32 {
        let directory = try directory(try arguments.container())
        try remove(directory, force: arguments.has("force"))
        return 0
    }

    /// Takes away all that is left of a container. `force`: also one that runs, was never finished, or is not there.
    private func remove(_ directory: ContainerDirectory, force: Bool) throws(OCIRuntimeError) {
        guard let state = try finished(directory, force: force) else { return }
        let status = try directory.status(state)
        if status != .stopped {
            guard force else {
                throw .state(
                    container: state.id, cause: "it is \(status.rawValue); stop it first, or use --force to kill it")
            }
            try end(state)
        }
        try remove(directory, state)
    }

    /// The record of what is to be removed; nil where there was none and nothing is left, with `force` also of what is being made.
    private func finished(_ directory: ContainerDirectory, force: Bool) throws(OCIRuntimeError) -> ContainerState? {
        // More than once, because what is being made may be finished meanwhile, and another be begun; for a second, because whoever is at it may be held up.
        for round in 0..<110 {
            if round >= 10 { usleep(10_000) }
            do throws(OCIRuntimeError) { return try directory.load() } catch {
                if force && access(directory.path, F_OK) != 0 { return nil }
                guard access(directory.path, F_OK) == 0 else { throw error }
                if try directory.clearUnfinished(force: force) { return nil }
                guard force else { throw error }
            }
        }
        return try directory.load()
    }

    /// Takes away the container that has this record, which is stopped, and no other that has come in its place.
    func remove(_ directory: ContainerDirectory, _ state: ContainerState) throws(OCIRuntimeError) {
        // Before the lock: to close the configuration's file would let go of that.
        let hooks = try stopHooks(directory, state)
        guard let lock = try directory.waitForLock(of: state) else { return }
        try ContainerCgroup.noted(state.cgroup, unit: state.unit)?.end()
        if state.isMountedHere { cmnt_detach(state.rootfs) }
        // As long as the record is there, a call that follows one that was killed runs them.
        HookRunner(state: state).runAll(hooks, "poststop", .stopped, log: log)
        try directory.remove()
        _ = consume lock
    }

    /// Of a configuration that says nothing any more there are none, which is told; an error where it cannot be read at this moment.
    private func stopHooks(
        _ directory: ContainerDirectory, _ state: ContainerState
    ) throws(OCIRuntimeError) -> [HookSpecifications.Hook] {
        do throws(OCIRuntimeError) { return try directory.remainingConfiguration(state)?.hooks.poststop ?? [] } catch {
            if case .kernel(let cause) = error, [EMFILE, ENFILE, ENOMEM].contains(cause.code) { throw error }
            log.warning("container \(state.id) ends without poststop hooks: \(error)")
            return []
        }
    }

    /// Kills it and waits up to ten seconds for its end.
    func end(_ state: ContainerState) throws(OCIRuntimeError) {
        guard let handle = try state.openProcess() else { return }
        cs_pidfd_signal(handle.raw, SIGKILL)
        var event = pollfd(fd: handle.raw, events: Int16(POLLIN), revents: 0)
        guard poll(&event, 1, 10_000) == 1 else {
            throw .state(
                container: state.id, cause: "its process \(state.processID) did not end within 10 s of SIGKILL")
        }
    }
}
