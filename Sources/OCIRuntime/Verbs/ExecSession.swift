import CLaunch
import Glibc
import JSONTree
import Launch
import OCISpecification

/// The options of `exec`.
enum ExecOptions {
    static let grammar = Arguments.Grammar(
        values: [
            ["console-socket"], ["pidfd-socket"], ["cwd"], ["env", "e"], ["user", "u"], ["additional-gids", "g"],
            ["process", "p"], ["pid-file"], ["process-label"], ["apparmor"], ["cap", "c"], ["preserve-fds"], ["cgroup"],
        ],
        flags: [["tty", "t"], ["detach", "d"], ["no-new-privs"], ["no-subreaper"], ["ignore-paused"]],
        stopsAtWord: true)
}

/// A further process in a container.
struct ExecSession {
    let invocation: Invocation
    let arguments: Arguments
    let directory: ContainerDirectory
    let state: ContainerState
    let specification: RuntimeSpecification
    /// As it was compiled at the creation.
    private let filter: CompiledSeccomp?
    private let preserved: UInt32
    /// The container's first process. The descriptor lives as long as this one.
    private let first: Int32
    /// OOM kills in the container that were before this session.
    private let earlierKills: UInt64

    init(_ arguments: Arguments, _ invocation: Invocation) throws(OCIRuntimeError) {
        self.invocation = invocation
        self.arguments = arguments
        guard let id = arguments.words.first else { throw .noContainer }
        directory = try invocation.directory(id)
        state = try directory.load()
        (specification, filter) = try directory.sessionConfiguration()
        if let group = arguments["cgroup"], group.split(whereSeparator: { $0 == "/" || $0 == ":" }).contains("..") {
            throw .usage("--cgroup \(group): it must be a group beneath the container's own")
        }
        preserved = try arguments.number("preserve-fds") ?? 0
        try CreateOptions.check(preserved)
        var opened = try state.openProcess()
        earlierKills = Self.memoryKills(of: state)
        let status = opened == nil ? .stopped : try directory.statusOfLiving(state)
        first = opened.take()?.release() ?? -1
        guard status == .running || status == .created || status == .paused && arguments.has("ignore-paused") else {
            throw .state(container: id, cause: "it is \(status.rawValue); exec needs a running one")
        }
    }

    func run() throws(OCIRuntimeError) -> Int32 {
        let process = try process()
        let console = arguments["console-socket"]
        let isDetached = arguments.has("detach")
        if process.hasTerminal && isDetached && console == nil {
            throw .usage("a terminal and --detach need --console-socket, which takes the terminal over")
        }
        let plan = try plan(process)
        let signals = isDetached ? nil : try Foreground.takeSignals().release()
        let launched = try enter(plan, process)
        do throws(OCIRuntimeError) {
            let terminal = try bringUp(launched, process, console)
            guard let signals else { return 0 }
            return try Foreground(handle: launched.handle.raw, terminal: terminal, signals: signals).attend()
        } catch {
            launched.discard()
            throw launched.lastWords() ?? reason(error)
        }
    }

    /// Whole from a file, or the container's own with what the options say.
    private func process() throws(OCIRuntimeError) -> ProcessSpecification {
        if let path = arguments["process"] {
            let bytes = try kernel { () throws(KernelError) in try WholeFile.read(path, limit: 16 << 20) }
            var process = try ContainerDirectory.parse(bytes, path) { value throws(OCIError) in
                try ProcessSpecification(try SpecificationReader(value, file: path))
            }
            if arguments.has("tty") { process.hasTerminal = true }
            if let own = specification.process { process.confine(like: own) }
            return process
        }
        var process = specification.process ?? ProcessSpecification()
        process.arguments = Array(arguments.words.dropFirst())
        if process.arguments.isEmpty { throw .usage("a program is missing: exec CONTAINER PROGRAM [ARGUMENTS]") }
        process.hasTerminal = arguments.has("tty")
        process.environment += arguments.all("env")
        if let folder = arguments["cwd"] { process.workingDirectory = folder }
        if arguments.has("no-new-privs") { process.noNewPrivileges = true }
        if let profile = arguments["apparmor"] { process.appArmorProfile = profile }
        if let label = arguments["process-label"] { process.selinuxLabel = label }
        try readUser(&process)
        for name in arguments.all("cap") { process.add(capability: name) }
        guard process.workingDirectory.hasPrefix("/") else { throw .usage("--cwd must be an absolute path") }
        return process
    }

    private func readUser(_ process: inout ProcessSpecification) throws(OCIRuntimeError) {
        if let user = arguments["user"] {
            let parts = user.split(separator: ":", omittingEmptySubsequences: false).map { Int32($0) }
            guard parts.count <= 2, let id = parts[0], id >= 0, parts.count < 2 || (parts[1] ?? -1) >= 0 else {
                throw .usage("--user \(user): it must be a number, or two with \":\" between them")
            }
            process.userID = UInt32(id)
            if parts.count == 2, let group = parts[1] { process.groupID = UInt32(group) }
        }
        for text in arguments.all("additional-gids") {
            guard let group = UInt32(text), group < UInt32.max else {
                throw .usage("--additional-gids \(text): no number")
            }
            process.additionalGroups.append(group)
        }
    }

    private func plan(_ process: ProcessSpecification) throws(OCIRuntimeError) -> ProcessPlan {
        let facts = HostFacts.ofSession(process, preservedDescriptors: preserved, keepsKeyring: state.keepsKeyring)
        let seccomp = try specification.linux.seccomp.map { section throws(OCIRuntimeError) in
            if let filter { return filter }
            return try SeccompCache(root: invocation.root).program(for: section)
        }
        let planner = ProcessPlanner(
            facts: facts, version: specification.version, personality: specification.linux.personality,
            memoryPolicy: specification.linux.memoryPolicy, userMappings: specification.linux.userMappings)
        let plan = try planner.plan(process, seccomp: seccomp)
        for text in planner.unheld(process) { invocation.log.warning(text) }
        return plan
    }

    private func enter(
        _ plan: ProcessPlan, _ process: ProcessSpecification
    ) throws(OCIRuntimeError) -> LaunchedProcess {
        do throws(OCIRuntimeError) { return try launch(plan, process) } catch { throw reason(error) }
    }

    /// Much goes wrong on the way into a container that ends meanwhile: then its end is the reason.
    private func reason(_ error: OCIRuntimeError) -> OCIRuntimeError {
        if error.canBeOfKilled && isEndedForMemory {
            let cause =
                "it was killed for want of memory (OOM), as one with this session; memory.max of its cgroup, or of one above, is too low for both"
            return .killed(container: state.id, cause: cause)
        }
        guard (try? state.openProcess() == nil) == true else { return error }
        return .state(container: state.id, cause: "it has stopped; exec needs a running one")
    }

    /// Whether there was a kill since this session began, in a group that is ended as one.
    private var isEndedForMemory: Bool {
        guard Self.memoryKills(of: state) > earlierKills, let path = groupPath else { return false }
        return (try? ContainerCgroup.existing(path))?.endsAsOne ?? false
    }

    private static func memoryKills(of state: ContainerState) -> UInt64 {
        state.cgroup.map(ContainerCgroup.memoryKills) ?? 0
    }

    private func launch(
        _ plan: ProcessPlan, _ process: ProcessSpecification
    ) throws(OCIRuntimeError) -> LaunchedProcess {
        var kinds = try namespaces()
        let entersUsers = kinds & NamespaceKind.user.rawValue != 0
        // A caller without rights of its own gets them by entering the user namespace first, for good.
        if entersUsers && geteuid() != 0 {
            let code = crt_join(first, NamespaceKind.user.rawValue)
            guard code == 0 else { throw .kernel(KernelError("join", "the container's user namespace", -code)) }
            kinds &= ~NamespaceKind.user.rawValue
        }
        var plan = plan
        let limits = plan.resourceLimits
        if entersUsers { plan.resourceLimits = [] }
        let root = try OptionalDescriptor(state.isMountedHere ? "/proc/\(state.processID)/root" : nil)
        let own = try kernel { () throws(KernelError) in try Descriptor.open("/proc/self/ns/pid", O_RDONLY) }
        let encoded = try kernel { () throws(KernelError) in try plan.encodedForSession(becomesRoot: entersUsers) }
        let target = ExecTarget(
            processID: state.processID, handle: first, kinds: kinds & ~NamespaceKind.pid.rawValue, root: root.raw,
            ownPidNamespace: own.raw)
        try setAffinity(process.initialAffinity)
        let settings = OuterSettings(process, limits: entersUsers ? limits : [])
        let launched = try launch(encoded, joining: target, waits: isTold || !settings.isEmpty)
        try settings.apply(to: launched.processID, invocation.log)
        if !isTold && !settings.isEmpty { try letGo(launched) }
        return launched
    }

    /// Those that the container was given, and of the others those that are not ours: it has its creator's. With a user namespace among the given ones all are
    /// compared: what is one's own cannot be entered there.
    private func namespaces() throws(OCIRuntimeError) -> UInt32 {
        var given: UInt32 = 0
        if specification.linux.namespace("user") == nil {
            for one in specification.linux.namespaces { given |= NamespaceKind(name: one.type)?.rawValue ?? 0 }
        }
        var different: UInt32 = 0
        let code = crt_different_namespaces(state.processID, ~given, &different)
        guard code == 0 else { throw .kernel(KernelError("read", "/proc/\(state.processID)/ns", -code)) }
        return given | different
    }

    /// In the container's group, or where that may have no process because it lets groups beneath use its controllers, in that of the
    /// container's first process, which has made them; runc knows the same way.
    private func launch(
        _ plan: EncodedPlan, joining target: ExecTarget, waits: Bool
    ) throws(OCIRuntimeError) -> LaunchedProcess {
        do throws(OCIRuntimeError) {
            return try LaunchedProcess(
                plan, cgroup: try OptionalDescriptor(groupPath), trees: [], joining: target, goes: !waits)
        } catch {
            guard case .launch(.clone, _, let code, _) = error else { throw error }
            guard code == EBUSY || code == EOPNOTSUPP, arguments["cgroup"] == nil, let own = firstGroupPath else {
                throw SystemdScope.explained(error, unit: state.unit)
            }
            return try LaunchedProcess(
                plan, cgroup: try OptionalDescriptor(own), trees: [], joining: target, goes: !waits)
        }
    }

    private var firstGroupPath: String? {
        guard let text = try? readText("/proc/\(state.processID)/cgroup") else { return nil }
        return (try? state.cgroup.flatMap(ContainerCgroup.existing))?.beneath(text)
    }

    private var groupPath: String? {
        guard let path = state.cgroup, access(path, F_OK) == 0 else { return nil }
        guard let below = arguments["cgroup"], below != "/" else { return path }
        return path + "/" + (below.split(separator: ":").last.map(String.init) ?? "")
    }

    private func setAffinity(_ list: String) throws(OCIRuntimeError) {
        let mask = try SchedulingNames.processorMask(list)
        if mask.isEmpty { return }
        let code = mask.withUnsafeBytes { crt_set_affinity($0.baseAddress, UInt64($0.count)) }
        guard code == 0 else { throw .kernel(KernelError("sched_setaffinity", list, -code)) }
    }

    /// Up to its program; gives back its terminal, -1 without.
    private func bringUp(
        _ launched: borrowing LaunchedProcess, _ process: ProcessSpecification, _ console: String?
    ) throws(OCIRuntimeError) -> Int32 {
        var terminal: Int32 = -1
        var isExecuting = false
        while let message = try launched.next() {
            switch consume message {
            case .warning(let text): invocation.log.warning(text)
            case .terminal(let master):
                if let console { try DescriptorHandover.send(master, to: console) } else { terminal = master.release() }
            case .ready:
                guard isTold else { continue }
                if let path = arguments["pid-file"] { try PidFile.write(launched.processID, to: path) }
                if let path = arguments["pidfd-socket"] {
                    try DescriptorHandover.pass(launched.handle, to: path, Array(state.id.utf8))
                }
                try launched.proceed()
            case .listener(let listener):
                guard let section = specification.linux.seccomp else { continue }
                try DescriptorHandover.sendListener(listener, of: launched.processID, state, .running, section)
            case .executing: isExecuting = true
            default: break
            }
        }
        guard isExecuting else {
            throw .state(container: state.id, cause: "the process ended before its program; " + LaunchStage.ofKilled)
        }
        return terminal
    }

    /// Whether somebody is to know who it is before it runs. Otherwise it need not wait for us: we need not wake each other, twice.
    private var isTold: Bool { arguments["pid-file"] != nil || arguments["pidfd-socket"] != nil }

    /// If it has ended already, it says why.
    private func letGo(_ launched: borrowing LaunchedProcess) throws(OCIRuntimeError) {
        do throws(OCIRuntimeError) { try launched.proceed() } catch {
            guard case .kernel(let cause) = error, [EPIPE, ECONNRESET, ENOTCONN].contains(cause.code) else {
                throw error
            }
        }
    }
}

extension ProcessSpecification {
    /// What it says nothing of, security modules hold as for the other.
    fileprivate mutating func confine(like other: ProcessSpecification) {
        if appArmorProfile.isEmpty { appArmorProfile = other.appArmorProfile }
        if selinuxLabel.isEmpty { selinuxLabel = other.selinuxLabel }
    }

    /// In every set that lets a program use it.
    fileprivate mutating func add(capability name: String) {
        var sets = capabilities ?? Capabilities()
        sets.bounding.append(name)
        sets.effective.append(name)
        sets.permitted.append(name)
        if userID != 0 {
            sets.inheritable.append(name)
            sets.ambient.append(name)
        }
        capabilities = sets
    }
}
