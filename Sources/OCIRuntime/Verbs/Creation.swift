import CLaunch
import Glibc
import JSONTree
import Launch
import OCISpecification

/// The options of `create` and `run`.
struct CreateOptions {
    static let grammar = Arguments.Grammar(
        values: [
            ["bundle", "b"], ["config", "f"], ["console-socket"], ["pidfd-socket"], ["pid-file"], ["preserve-fds"],
        ],
        flags: [["no-pivot"], ["no-new-keyring"], ["no-subreaper"]])

    static let runGrammar = Arguments.Grammar(
        values: grammar.values, flags: grammar.flags + [["detach", "d"], ["keep"]])

    var container: String
    var bundle: String
    var configuration: String
    var consoleSocket: String?
    var handleSocket: String?
    var pidFile: String?
    var preservedDescriptors: UInt32
    var activationSockets: UInt32
    var keepsKeyring: Bool

    init(_ arguments: Arguments) throws(OCIRuntimeError) {
        container = try arguments.container()
        bundle = CreateOptions.absolute(arguments["bundle"] ?? ".")
        configuration = CreateOptions.absolute(arguments["config"] ?? bundle + "/config.json")
        consoleSocket = arguments["console-socket"]
        handleSocket = arguments["pidfd-socket"]
        pidFile = arguments["pid-file"]
        activationSockets = getenv("LISTEN_FDS").flatMap { UInt32(String(cString: $0)) } ?? 0
        let asked: UInt32 = try arguments.number("preserve-fds") ?? 0
        preservedDescriptors = UInt32(clamping: UInt64(asked) + UInt64(activationSockets))
        keepsKeyring = arguments.has("no-new-keyring")
        if arguments.has("no-pivot") {
            throw .usage("--no-pivot is not supported: a container must not reach the tree it came from")
        }
        try CreateOptions.check(preservedDescriptors)
    }

    static func absolute(_ path: String) -> String {
        if path.hasPrefix("/") { return path == "/" ? path : path.hasSuffix("/") ? String(path.dropLast()) : path }
        guard let folder = getcwd(nil, 0) else { return path }
        defer { free(folder) }
        let here = String(cString: folder)
        return path == "." ? here : here + "/" + (path.hasSuffix("/") ? String(path.dropLast()) : path)
    }

    /// What is to be handed on must be there, or descriptors of our own would take its place.
    static func check(_ preserved: UInt32) throws(OCIRuntimeError) {
        guard preserved <= UInt32(CL_MAX_PRESERVED) else { throw .usage("--preserve-fds \(preserved): at most 1024") }
        // What has come with our own execve has no FD_CLOEXEC, what we opened has.
        for number in 3..<(3 + Int32(preserved)) where fcntl(number, F_GETFD) != 0 {
            throw .usage("--preserve-fds: descriptor \(number) is not open")
        }
    }
}

/// Makes a container: everything up to the point where its program is executed.
struct Creation {
    let invocation: Invocation
    let options: CreateOptions
    let directory: ContainerDirectory
    let isDetached: Bool
    let keeps: Bool
    /// Who calls: a name for root alone, since others' names are not this program's to look up.
    let owner = geteuid() == 0 ? "root" : "\(geteuid())"
    let specification: RuntimeSpecification
    private let source: [UInt8]

    init(_ arguments: Arguments, _ invocation: Invocation) throws(OCIRuntimeError) {
        self.invocation = invocation
        options = try CreateOptions(arguments)
        directory = try invocation.directory(options.container)
        isDetached = arguments.has("detach")
        keeps = arguments.has("keep")
        let file = options.configuration
        source = try Creation.read(file)
        specification = try ContainerDirectory.parse(source, file) { value throws(OCIError) in
            try RuntimeSpecification(value, file: file)
        }
    }

    private static func read(_ file: String) throws(OCIRuntimeError) -> [UInt8] {
        do throws(KernelError) {
            return try WholeFile.read(file, limit: 16 << 20)
        } catch {
            guard error.code == ENOENT else { throw .kernel(error) }
            throw .usage(
                "there is no \(file): --bundle names the bundle, and `swiftlet-oci spec` writes one to begin with")
        }
    }

    /// Leaves the first process waiting at its gate.
    func create() throws(OCIRuntimeError) -> Int32 {
        if specification.process?.hasTerminal == true && options.consoleSocket == nil {
            throw .usage("process.terminal needs --console-socket, which takes the terminal over")
        }
        try make(isGated: true) { _, _, _ throws(OCIRuntimeError) in }
        return 0
    }

    /// Starts at once; stays with the process unless detached.
    func run() throws(OCIRuntimeError) -> Int32 {
        guard specification.process != nil else {
            throw .unsupported(field: "process", cause: "it is not set, so there is nothing to run")
        }
        if isDetached && specification.process?.hasTerminal == true && options.consoleSocket == nil {
            throw .usage("process.terminal and --detach need --console-socket, which takes the terminal over")
        }
        let signals = isDetached ? nil : try Foreground.takeSignals().release()
        var code: Int32 = 0
        var made: ContainerState?
        try make(isGated: false) { launched, state, terminal throws(OCIRuntimeError) in
            made = state
            let starting = Starting(
                invocation: invocation, directory: directory, state: state, specification: specification)
            try starting.follow(launched)
            guard let signals else { return }
            code = try Foreground(handle: launched.handle.raw, terminal: terminal, signals: signals).attend()
        }
        // By now the id may be another's, whom this one's removal by somebody else made room for.
        if let made, !isDetached, !keeps {
            do throws(OCIRuntimeError) {
                try invocation.end(made)
                try invocation.remove(directory, made)
            } catch {
                // The program's own end is what the caller asked for.
                invocation.log.warning("it is not taken away: \(error)")
            }
        }
        return code
    }

    /// Claims the id, makes the container and calls `finish` with the record written and the process told to go on. What fails leaves nothing behind.
    private func make(
        isGated: Bool,
        _ finish: (borrowing LaunchedProcess, ContainerState, Int32) throws(OCIRuntimeError) -> Void
    ) throws(OCIRuntimeError) {
        let process = specification.process ?? ProcessSpecification.unset
        var ahead = NamespacesAhead(for: specification.linux)
        let isRoot = try becomeRoot()
        var facts = gatheredFacts()
        facts.isRootOfBundle = isRoot
        let seccomp = try specification.linux.seccomp.map { section throws(OCIRuntimeError) in
            try ContainerDirectory.makeRoot(invocation.root)
            return try SeccompCache(root: invocation.root).program(for: section)
        }
        let planner = BundlePlanner(
            specification, bundle: options.bundle, container: options.container, facts: facts)
        var plan = try planner.plan(process, seccomp: seccomp)
        for text in ProcessPlanner(facts: facts).unheld(process) { invocation.log.warning(text) }
        if specification.linux.mountLabel != nil, !facts.hasSELinux {
            invocation.log.warning("linux.mountLabel cannot be held: this kernel runs without SELinux")
        }
        plan.root = try realPath(plan.root)
        let claim = try directory.claim(source)
        ahead.beginRoot(of: plan)
        do throws(OCIRuntimeError) {
            if plan.namespace(.mount) == nil { try directory.note("rootfs", plan.root) }
            if let seccomp { try directory.keep(seccomp) }
            let entry = try makeScope()
            let group = if let entry { entry.cgroup } else { try makeCgroup() }
            let assembly = Assembly(
                creation: self, plan: plan, process: process, cgroup: group, entry: entry, claim: claim,
                ahead: ahead, isGated: isGated)
            try assembly.build(finish)
        } catch {
            if claim.isHeld { try? directory.clear() }
            throw error
        }
    }

    /// The root as it is called without links, which is how it is taken away again.
    private func realPath(_ path: String) throws(OCIRuntimeError) -> String {
        guard let real = realpath(path, nil) else { throw .kernel(KernelError("find root.path", path)) }
        defer { free(real) }
        return String(cString: real)
    }

    /// A caller without rights makes the bundle's user namespace first and does the rest as its root.
    private func becomeRoot() throws(OCIRuntimeError) -> Bool {
        let linux = specification.linux
        guard geteuid() != 0, linux.isNew("user") else { return false }
        let code = crt_become_root(BundlePlanner.lines(linux.userMappings), BundlePlanner.lines(linux.groupMappings))
        guard code == 0 else {
            throw .unsupported(
                field: "linux.uidMappings",
                cause:
                    "\(KernelError.text(of: -code)); a user may map its own ids, and those of /etc/subuid by newuidmap")
        }
        return true
    }

    private func gatheredFacts() -> HostFacts {
        var facts = HostFacts.gathered(
            preservedDescriptors: options.preservedDescriptors, keepsKeyring: options.keepsKeyring)
        facts.activationSockets = options.activationSockets
        facts.notifySocket = HostFacts.serviceSocket
        let isUnlabelled = specification.process?.selinuxLabel.isEmpty ?? true
        facts.hasSELinux = (!isUnlabelled || specification.linux.mountLabel != nil) && SELinux.isEnabled
        return facts
    }

    /// The scope that systemd makes where it is asked to; what it has no property for is written beside it.
    private func makeScope() throws(OCIRuntimeError) -> ScopeEntry? {
        guard invocation.usesCgroups, invocation.isSystemdCgroup else { return nil }
        let name = try ScopeName(specification.linux.cgroupsPath, id: options.container, isUser: SystemdScope.isUser)
        let resources = specification.linux.resources ?? ResourceSpecification()
        let entry = try ScopeEntry.make(
            name, container: options.container, resources: resources, annotations: specification.annotations)
        // Not before it is known to be ours: what is noted is stopped.
        try directory.note("unit", name.unit)
        try directory.note("cgroup", entry.cgroup.group.path)
        for text in try entry.cgroup.apply(resources.withRoomForOneMore) { invocation.log.unheld(text) }
        return entry
    }

    /// Nil where there is to be none, or where an unprivileged caller can make none.
    private func makeCgroup() throws(OCIRuntimeError) -> ContainerCgroup? {
        guard invocation.usesCgroups else { return nil }
        let resources = specification.linux.resources
        do throws(OCIRuntimeError) {
            let group = try ContainerCgroup.named(
                try ContainerCgroup.name(for: specification.linux.cgroupsPath, id: options.container))
            try group.checkEmpty()
            try directory.note("cgroup", group.group.path)
            try group.make()
            if let resources { for text in try group.apply(resources) { invocation.log.unheld(text) } }
            return group
        } catch {
            guard case .kernel(let cause) = error, cause.code == EACCES || cause.code == EPERM || cause.code == EROFS,
                !HostFacts.isInitialUserNamespace || geteuid() != 0
            else { throw error }
            invocation.log.unheld("no cgroup for this container, so no limits: \(error)")
            return nil
        }
    }
}
