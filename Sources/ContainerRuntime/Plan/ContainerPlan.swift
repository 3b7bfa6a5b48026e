import CRI
import Linux
import OCI

/// All that is known when a container is to be created.
struct ContainerPlanInput: Sendable {
    var id: String
    /// The container whose directory has its writable layer.
    var layer: String
    var config: ContainerConfig
    var sandbox: SandboxRecord
    var image: ImageConfiguration
    /// The image's layers on the host, topmost first.
    var imageLayers: [String]
    var identity: ProcessIdentity
    /// Nil where the kernel runs without it.
    var appArmor: AppArmorMeans?
    /// Nil where the kernel runs without it, or nothing is asked for.
    var selinux: SELinuxContexts?
    /// What counts where neither pod nor container asks for any.
    var standardSELinux: SELinuxOptions?
    /// The sources of mounts of an image, or of a path within their volume, resolved, by the mount's place in the configuration.
    var trees: [Int: SharedDescriptor] = [:]
    /// Those that the configuration names, as they are on the host.
    var devices: [DeviceDecision] = []
    /// Those that come with devices by name.
    var deviceMounts: [Linux.Mount] = []
    var hooks: [NamedHook] = []
    var hostHooks: [HostHook] = []
    var networkDevices: [NamedNetworkDevice] = []
    var host: HostFeatures
    var paths: RuntimePaths
}

/// A container as the monitor is to launch it, but for the program of its seccomp profile (`exec.seccomp`): a pure function of its configuration, its
/// image and the node.
struct ContainerPlan: Sendable {
    var launch: ContainerLaunch
    var exec: ExecTemplate
    var cgroup: CgroupSettings
    /// The names of the hooks of its launch.
    var hooks: [String]
    /// In sentences for an event.
    var warnings: [String]

    init(_ input: ContainerPlanInput) throws(CRIError) {
        let config = input.config
        let security = config.security
        let object = "container \(config.metadata.name)"
        let capabilities = try CapabilityDecision(security, host: input.host, object: object)
        let appArmor = try AppArmorDecision(security, means: input.appArmor, object: object)
        let selinux = try SELinuxDecision(
            security, sandbox: input.sandbox, standard: Self.standardSELinux(input), contexts: input.selinux,
            object: object)
        exec = ExecTemplate(
            environment: try ProcessDecision.environment(input),
            workingDirectory: ProcessDecision.workingDirectory(config, input.image),
            userID: input.identity.userID, groupID: input.identity.groupID,
            supplementaryGroups: input.identity.supplementaryGroups, capabilities: capabilities.mask,
            ambientCapabilities: capabilities.ambient,
            noNewPrivileges: security.noNewPrivileges && !security.isPrivileged,
            seccomp: security.isPrivileged ? .unconfined : security.seccomp, appArmor: appArmor.profile)
        exec.selinux = selinux.process
        exec.addedGroups = input.identity.addedGroups
        exec.processLimits = config.processLimits
        cgroup = CgroupSettings(config.resources, object: object, controllers: input.host.controllers)
        warnings = capabilities.warnings + appArmor.warnings + selinux.warnings + cgroup.warnings
        var process = exec.process(
            try ProcessDecision.arguments(config, input.image),
            seccomp: nil, terminal: config.terminal ? Linux.TerminalSize() : nil)
        process.streamOwner = input.sandbox.users?.host(exec.userID)
        launch = ContainerLaunch(
            id: input.id, plan: Self.launchPlan(process, input), log: Self.log(input), keepsInput: config.standardInput)
        let mounts = launch.plan.effectiveMounts.count
        guard mounts <= LaunchPlan.mountLimit else {
            throw .unsupported(
                "\(object) has \(mounts) mounts with those that every container has, and at most \(LaunchPlan.mountLimit) can be made; "
                    + "mount directories in the place of what is in them")
        }
        launch.plan.mountLabel = selinux.files
        launch.plan.hasOwnQueues = input.sandbox.ipc != .node
        if Self.processNamespace(input) == .container { launch.processTarget = config.processTarget }
        hooks = input.hooks.map(\.name)
        try addHooks(input)
    }

    private static func launchPlan(_ process: ProcessPlan, _ input: ContainerPlanInput) -> LaunchPlan {
        let security = input.config.security
        let (upper, own) = (input.paths.writable(of: input.layer), input.paths.writable(of: input.id))
        var plan = LaunchPlan(
            process: process,
            root: .overlay(
                lower: input.imageLayers, upper: upper + "/upper", work: own + "/work",
                readOnly: security.hasReadOnlyRoot),
            cgroup: input.paths.cgroup(of: input.id, in: input.sandbox))
        plan.mounts = MountDecision.mounts(input)
        plan.processNamespace =
            switch processNamespace(input) {
            case .node: .host
            case .pod: .pod
            default: input.config.processTarget == nil ? .own : .pod
            }
        plan.oomScoreAdjustment = input.config.resources.oomScoreAdjustment
        if security.isPrivileged {
            plan.devices = input.host.devices.map(\.node)
            plan.deviceRules = nil
        }
        for device in input.devices {
            if !plan.devices.contains(where: { $0.path == device.node.path }) { plan.devices.append(device.node) }
            plan.deviceRules?.append(device.rule)
        }
        if security.isPrivileged || security.isProcUnmasked {
            plan.maskedPaths = []
            plan.readOnlyPaths = []
        } else {
            plan.maskedPaths = security.maskedPaths ?? plan.maskedPaths
            plan.readOnlyPaths = security.readOnlyPaths ?? plan.readOnlyPaths
        }
        return plan
    }

    private static func processNamespace(_ input: ContainerPlanInput) -> NamespaceMode {
        input.config.processNamespace ?? input.sandbox.pid
    }

    /// None for what shares the node's processes or queues, as docker, podman and CRI-O have it: a label would keep it from them. containerd gives it one.
    private static func standardSELinux(_ input: ContainerPlanInput) -> SELinuxOptions? {
        processNamespace(input) == .node || input.sandbox.ipc == .node ? nil : input.standardSELinux
    }

    private static func log(_ input: ContainerPlanInput) -> LogFile? {
        let path = input.sandbox.logPath(of: input.config)
        return path.isEmpty ? nil : LogFile(path: path)
    }
}
