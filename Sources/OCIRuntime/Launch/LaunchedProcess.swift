import CLaunch
import Glibc
import Launch

/// A process on its way from clone to execve, seen from the outside: what it says over its control socket.
///
/// Owns its descriptors. The process itself goes on without this value once it was told to.
struct LaunchedProcess: ~Copyable {
    enum Message: ~Copyable {
        case warning(String)
        case terminal(Descriptor)
        case listener(Descriptor)
        case created
        case ready
        case executing
    }

    let processID: Int32
    let handle: Descriptor
    let control: Descriptor
    private let names: PlanNames?
    private let mounts: LateMounts?

    init(
        processID: Int32, handle: consuming Descriptor, control: consuming Descriptor, names: PlanNames?,
        mounts: LateMounts? = nil
    ) {
        self.processID = processID
        self.handle = handle
        self.control = control
        self.names = names
        self.mounts = mounts
    }

    /// Clones. `cgroup`, `trees`, `gate` and `record` are the caller's. `ahead`: the new namespaces that `NamespacesAhead` makes. `record`: the directory whose
    /// record the process publishes itself, once it is ready and
    /// was told to proceed. `goes`: it need not be told to proceed. `isAlone`: its pid namespace is a new one, so that nobody in there sees it on its way; the
    /// caller is to let go of mounts before it tells it to proceed.
    init(
        _ plan: EncodedPlan, cgroup: borrowing OptionalDescriptor, trees: [SharedDescriptor],
        ahead: [NamespaceKind] = [], gate: Int32 = -1, record: Int32 = -1, joining target: ExecTarget? = nil,
        goes: Bool = false, isAlone: Bool = false
    ) throws(OCIRuntimeError) {
        var raw: [Int32] = []
        defer { for number in raw { close(number) } }
        for tree in trees { raw.append(try kernel { () throws(KernelError) in try tree.duplicate() }.release()) }
        var parsed = cl_plan()
        var launched = cl_launched()
        var stage: UInt32 = UInt32(CL_STAGE_PLAN)
        let bytes = plan.bytes
        let mounts = LateMounts()
        if !isAlone { mounts.letGo() }
        // The plan points into the bytes, which an allocation of the array's keeps aligned to eight and in place.
        let code = bytes.withUnsafeBytes { buffer -> Int32 in
            let read = cl_plan_read(buffer.baseAddress, UInt64(buffer.count), &parsed)
            if read != 0 { return read }
            defer { cl_plan_free(&parsed) }
            return withUnsafePointer(to: &parsed) { parsed in
                raw.withUnsafeBufferPointer { trees in
                    var order = cl_launch()
                    order.plan = parsed
                    order.cgroup = cgroup.raw
                    order.join_pidfd = target?.handle ?? -1
                    order.join_pid = target?.processID ?? 0
                    order.join_kinds = target?.kinds ?? 0
                    order.join_root = target?.root ?? -1
                    order.own_pid_ns = target?.ownPidNamespace ?? -1
                    order.pod_pidfd = -1
                    order.stdio = (0, 1, 2)
                    order.trees = trees.baseAddress
                    order.tree_count = UInt32(trees.count)
                    order.gate = gate
                    order.record = record
                    order.ahead = ahead.reduce(0) { $0 | $1.rawValue }
                    order.goes = goes ? 1 : 0
                    order.own_mount = mounts.own
                    order.null_mount = isAlone ? mounts.nullDevice(for: &order) : -1
                    return cl_launch_start(&order, &launched, &stage)
                }
            }
        }
        guard code == 0 else { throw LaunchedProcess.failure(stage, launched.index, -code, plan.names) }
        self.init(
            processID: launched.pid, handle: Descriptor(owning: launched.pidfd),
            control: Descriptor(owning: launched.control), names: plan.names, mounts: mounts)
    }

    private static func failure(
        _ number: UInt32, _ index: UInt32, _ code: Int32, _ names: PlanNames?, said: String = ""
    ) -> OCIRuntimeError {
        let stage = LaunchStage(rawValue: number)
        if stage == .mount || stage == .mountTarget, let mounts = names?.bundleMounts, Int(index) < mounts.count {
            return MountFailure(mount: mounts[Int(index)], code: code, said: said, isOfTarget: stage == .mountTarget)
                .error
        }
        if stage == .join, let namespaces = names?.namespaces, Int(index) < namespaces.count {
            return NamespaceFailure(namespace: namespaces[Int(index)], code: code).error
        }
        if stage == .hook {
            let words = said.isEmpty ? "" : ": " + LaunchHook.line(of: said.utf8)
            return .hook(
                name: "startContainer", path: names?.object(of: stage, index: index) ?? "\(index)",
                cause: stage.cause(code) + words)
        }
        // A warning of capabilities says which, as a mask.
        let missing = stage == .capabilities ? UInt64(said, radix: 16).map(Capability.names) : nil
        return .launch(
            stage, object: missing?.joined(separator: ", ") ?? names?.object(of: stage, index: index), code: code,
            index: index)
    }

    /// The next thing it says; nil at the end. Throws what went wrong with it.
    borrowing func next() throws(OCIRuntimeError) -> Message? {
        while true {
            var status = cl_status()
            var descriptor: Int32 = -1
            var said = ""
            let got = LaunchedProcess.read(control.raw, &status, &descriptor, &said)
            if got == -EAGAIN {
                var event = pollfd(fd: control.raw, events: Int16(POLLIN), revents: 0)
                _ = poll(&event, 1, -1)
                continue
            }
            guard got >= 0 else { throw .kernel(KernelError("read", "the process's report", -got)) }
            if got == 0 { return nil }
            switch Int(status.kind) {
            case CL_STATUS_ERROR:
                throw LaunchedProcess.failure(status.stage, status.index, status.code, names, said: said)
            case CL_STATUS_WARNING:
                let error = LaunchedProcess.failure(status.stage, status.index, status.code, names, said: said)
                return .warning(error.description)
            case CL_STATUS_TERMINAL: return .terminal(Descriptor(owning: descriptor))
            case CL_STATUS_LISTENER: return .listener(Descriptor(owning: descriptor))
            case CL_STATUS_CREATED: return .created
            case CL_STATUS_READY: return .ready
            default: return .executing
            }
        }
    }

    /// What went wrong with it by its own account, where it has ended and nobody asked; nil where it has said nothing of that.
    borrowing func lastWords() -> OCIRuntimeError? {
        var status = cl_status()
        var descriptor: Int32 = -1
        var said = ""
        while LaunchedProcess.read(control.raw, &status, &descriptor, &said) > 0 {
            if descriptor >= 0 { close(descriptor) }
            guard Int(status.kind) != CL_STATUS_ERROR else {
                return LaunchedProcess.failure(status.stage, status.index, status.code, names, said: said)
            }
        }
        return nil
    }

    private static func read(
        _ control: Int32, _ status: inout cl_status, _ descriptor: inout Int32, _ said: inout String
    ) -> Int32 {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(CL_WORDS) + 1) { words -> Int32 in
            let got = cl_status_read_words(control, &status, &descriptor, words.baseAddress)
            if got > 0, words[0] != 0, let start = words.baseAddress { said = String(cString: start) }
            return got
        }
    }

    /// Lets it go on from where it waits.
    borrowing func proceed() throws(OCIRuntimeError) {
        let code = cl_go(control.raw)
        guard code == 0 else { throw .kernel(KernelError("tell", "the process to go on", -code)) }
    }

    /// To be called before it is told to go on: until then they are as `LateMounts` says.
    borrowing func letGoOfMounts() { mounts?.letGo() }

    /// Kills and collects it.
    borrowing func discard() {
        cs_pidfd_signal(handle.raw, SIGKILL)
        var event = pollfd(fd: handle.raw, events: Int16(POLLIN), revents: 0)
        while poll(&event, 1, 5000) < 0 && errno == EINTR {}
        var code: Int32 = 0
        var value: Int32 = 0
        _ = cl_reap(handle.raw, &code, &value)
    }
}

/// A descriptor or none.
struct OptionalDescriptor: ~Copyable {
    let raw: Int32

    init(_ path: String?) throws(OCIRuntimeError) {
        guard let path else {
            raw = -1
            return
        }
        raw = try kernel { () throws(KernelError) in try Descriptor.open(path, O_RDONLY | O_DIRECTORY) }.release()
    }

    deinit { if raw >= 0 { close(raw) } }
}

/// Whose namespaces an exec session joins. Descriptors are the caller's.
struct ExecTarget {
    var processID: Int32
    var handle: Int32
    var kinds: UInt32
    var root: Int32
    var ownPidNamespace: Int32
}
