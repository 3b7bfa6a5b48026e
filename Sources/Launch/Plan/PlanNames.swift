import CLaunch

/// The plan's own words for the index that a failed stage reports.
package struct PlanNames: Sendable {
    let mounts: [(source: String, target: String)]
    /// In the place of `mounts` where the plan is a bundle's.
    package var bundleMounts: [BundleMount] = []
    package var namespaces: [BundlePlan.Namespace] = []
    /// Paths, of a bundle's plan.
    var hooks: [String] = []
    let masks: [String]
    let readOnly: [String]
    let devices: [String]
    let layers: [String]
    var parameters: [String] = []
    var limits: [String] = []
    var label: String?
    let program: String
    let directory: String

    /// What can fail of a process that was made ready before, by a call that has ended.
    package init(program: String, directory: String, limits: [String], hooks: [String] = []) {
        self.init(
            mounts: [], masks: [], readOnly: [], devices: [], layers: [], limits: limits, program: program,
            directory: directory)
        self.hooks = hooks
    }

    init(
        mounts: [(source: String, target: String)], masks: [String], readOnly: [String], devices: [String],
        layers: [String], parameters: [String] = [], limits: [String] = [], label: String? = nil, program: String,
        directory: String
    ) {
        self.mounts = mounts
        self.masks = masks
        self.readOnly = readOnly
        self.devices = devices
        self.layers = layers
        self.parameters = parameters
        self.limits = limits
        self.label = label
        self.program = program
        self.directory = directory
    }

    /// The path or mount a failure is about, where the stage has one.
    package func object(of stage: LaunchStage, index: UInt32) -> String? {
        let at = Int(index)
        func entry(_ list: [String]) -> String? { at < list.count ? list[at] : nil }
        switch Int(stage.rawValue) {
        case CL_STAGE_MOUNT_SOURCE: return entry(mounts.map { $0.source })
        case CL_STAGE_MOUNT, CL_STAGE_MOUNT_TARGET: return entry(mounts.map { $0.target })
        case CL_STAGE_MASK: return entry(masks)
        case CL_STAGE_HOOK: return entry(hooks)
        case CL_STAGE_READ_ONLY: return entry(readOnly) ?? "/"
        case CL_STAGE_DEVICES: return entry(devices) ?? "/dev"
        case CL_STAGE_OVERLAY, CL_STAGE_ROOT: return entry(layers)
        case CL_STAGE_IDENTITIES:
            let ofMount = Int(CL_IDENTITIES_OF_MOUNT)
            return at & ofMount == 0 ? entry(layers) : at - ofMount < mounts.count ? mounts[at - ofMount].source : nil
        case CL_STAGE_KERNEL_PARAMETER: return entry(parameters)
        case CL_STAGE_LIMITS: return entry(limits)
        case CL_STAGE_LABEL: return label
        case CL_STAGE_EXEC: return program
        case CL_STAGE_CWD: return directory
        default: return nil
        }
    }
}
