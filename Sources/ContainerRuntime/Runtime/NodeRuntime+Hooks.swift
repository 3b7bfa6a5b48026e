import CRI
import Glibc
import Linux
import Logging

/// The hooks that the daemon runs itself.
extension NodeRuntime {
    /// In which those after a container's end must be over.
    private static let endPatience = Duration.seconds(30)

    /// Those of a launch, in turn, in a group of the pod's, and with them ends what they leave running. Throws what the first that fails says, and once the
    /// pod's stop has begun.
    /// - Parameter end: by when all must be over, in uptime.
    func runHooks(_ stations: [HostHook.Station], of id: String, until end: Duration) async throws(CRIError) {
        let (container, sandbox) = try lookUp(container: id)
        let hooks = stations.flatMap { station in container.record.hostHooks.filter { $0.station == station } }
        if hooks.isEmpty { return }
        let group = paths.hookCgroup(of: id, in: sandbox.record)
        try await make(group, of: id)
        var failure: CRIError?
        do throws(CRIError) {
            for hook in hooks {
                try beginHook(of: id)
                try await run(hook, of: container.record, group, until: end)
            }
        } catch {
            failure = error
        }
        await clear(group, of: id)
        state.withLock { $0.containers[id]?.isHooked = false }
        if let failure { throw failure }
    }

    /// With the word that there is a hook to be ended: a stop looks for it from when it has begun.
    private func beginHook(of id: String) throws(CRIError) {
        try state.withLock { state throws(CRIError) in
            guard let container = state.containers[id], let sandbox = state.sandboxes[container.record.sandbox],
                !sandbox.isStopping
            else { throw .failed("its pod is being stopped") }
            state.containers[id]?.isHooked = true
        }
    }

    /// What fails after a program has begun is told and passed over.
    func runHooksAfterStart(of id: String) async {
        do throws(CRIError) {
            try await runHooks([.poststart], of: id, until: dependencies.time.uptime() + ContainerPlan.hookPatience)
        } catch {
            change(container: id) { $0.warnings.append("container \($0.metadata.name): \(error)") }
            persistSoon(container: id)
        }
    }

    /// Once a container's processes are gone, and before its files are, in a group of their own, and with them ends what they leave running. What fails is
    /// logged and passed over. They run again where a daemon died meanwhile, and not where the rest of a removal failed.
    func runHooksAfterEnd(of record: ContainerRecord) async throws(CRIError) {
        let hooks = record.hostHooks.filter { $0.station == .poststop }
        if hooks.isEmpty { return }
        // The pod's own may be gone by now.
        let group = paths.endHookCgroup(of: record.id)
        try await make(group, of: record.id)
        let end = dependencies.time.uptime() + Self.endPatience
        for hook in hooks {
            do throws(CRIError) { try await run(hook, of: record, group, until: end) } catch {
                logger.warning("hook failed", metadata: ["container": "\(record.id)", "cause": "\(error)"])
            }
        }
        await clear(group, of: record.id)
        change(container: record.id) { $0.hostHooks.removeAll { $0.station == .poststop } }
        try await persist(container: record.id)
    }

    private func run(
        _ hook: HostHook, of record: ContainerRecord, _ group: String, until end: Duration
    ) async throws(CRIError) {
        let left = end - dependencies.time.uptime()
        let limit = hook.timeout.map { min(left, .seconds(min($0, 1 << 20))) } ?? left
        let directory = paths.bundle(of: record.id)
        var state = ContainerPlan.hookState(of: record.id, bundle: directory)
        // The pid is the host's.
        switch hook.station {
        case .prestart, .createRuntime: state += #","status":"creating","pid":\#(record.processID)}"#
        case .poststart: state += #","status":"running","pid":\#(record.processID)}"#
        case .poststop: state += #","status":"stopped"}"#
        }
        let milliseconds = limit / .milliseconds(1)
        let program = HookProgram(
            path: hook.path, arguments: hook.arguments, environment: hook.environment, directory: directory,
            input: Array(state.utf8), cgroup: group, milliseconds: Int32(clamping: Int64(max(0, milliseconds))))
        let failure: (code: Int32, said: String)?
        do throws(KernelError) {
            guard program.milliseconds > 0 else { throw KernelError("run", hook.path, ETIMEDOUT) }
            failure = try await BlockingThreads.alone("run hook") { [kernel] () throws(KernelError) in
                try kernel.run(program)
            }
        } catch {
            throw .failed("\(hook.name): \(LaunchStage.hook.cause(error.code))")
        }
        guard let failure else { return }
        let lines = failure.said.split(whereSeparator: \.isNewline).joined(separator: "; ").printable
        throw .failed(
            "\(hook.name): \(LaunchStage.hook.cause(-failure.code))\(lines.isEmpty ? "" : ": " + lines)")
    }

    /// Ends those of a launch that is under way, with all that they have begun.
    func endHooks(of record: ContainerRecord, in sandbox: SandboxRecord) async {
        let group = paths.hookCgroup(of: record.id, in: sandbox)
        do throws(CRIError) {
            try await threads.perform("end hooks") { [self] () throws(CRIError) in
                try attempt("hooks of \(record.id)") { () throws(KernelError) in
                    try kernel.killCgroup(group, deadline: Self.killDeadline)
                }
            }
        } catch {
            logger.warning("hooks not ended", metadata: ["container": "\(record.id)", "cause": "\(error)"])
        }
    }

    /// From before it is there until it is cleared away, or cannot be, the books speak of the group.
    private func make(_ group: String, of id: String) async throws(CRIError) {
        state.withLock { $0.containers[id]?.hookGroup = group }
        try await threads.perform("make group") { [self] () throws(CRIError) in
            try attempt("hooks of \(id)") { () throws(KernelError) in try kernel.makeCgroup(group) }
        }
    }

    private func clear(_ group: String, of id: String) async {
        do throws(CRIError) {
            try await threads.perform("clear hooks") { [self] () throws(CRIError) in
                try attempt("hooks of \(id)") { () throws(KernelError) in
                    try kernel.killCgroup(group, deadline: Self.killDeadline)
                    try kernel.removeCgroup(group)
                }
            }
        } catch {
            logger.warning("hooks not cleared away", metadata: ["container": "\(id)", "cause": "\(error)"])
        }
        state.withLock { $0.containers[id]?.hookGroup = nil }
    }
}
