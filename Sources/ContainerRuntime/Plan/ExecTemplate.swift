import CRI
import Linux

/// What every process of a container has in common: kept in its record, so that an exec after a restart of the daemon is the same as before.
struct ExecTemplate: Sendable, Hashable {
    /// `NAME=value`.
    var environment: [String]
    var workingDirectory: String
    var userID: UInt32
    var groupID: UInt32
    var supplementaryGroups: [UInt32]
    /// Those of them that every user in the container has.
    var addedGroups: [UInt32] = []
    /// A mask.
    var capabilities: UInt64
    /// Those of them that are kept over an exec as a user other than root. A mask.
    var ambientCapabilities: UInt64 = 0
    var noNewPrivileges: Bool
    /// Unconfined for a privileged container, whatever it asked for.
    var seccomp: ContainerSecurity.Seccomp
    /// The name of a profile that is loaded on the node; nil without one.
    var appArmor: String?
    /// The SELinux label; nil without one.
    var selinux: String?
    var processLimits: [ProcessLimit] = []

    /// A process that runs `arguments` like the container's own, but for its terminal.
    func process(_ arguments: [String], seccomp: SeccompProgram?, terminal: Linux.TerminalSize?) -> ProcessPlan {
        let user = ProcessUser(userID: userID, groupID: groupID, supplementaryGroups: supplementaryGroups)
        var environment = environment
        if terminal != nil && !environment.contains(where: { $0.hasPrefix("TERM=") }) {
            environment.append("TERM=xterm")
        }
        var plan = ProcessPlan(
            arguments: arguments, environment: environment, workingDirectory: workingDirectory, user: user,
            capabilities: CapabilitySets(capabilities, ambient: ambientCapabilities), noNewPrivileges: noNewPrivileges,
            seccomp: seccomp,
            resourceLimits: processLimits.map {
                ResourceLimit(resource: $0.resource, soft: $0.soft, hard: $0.hard)
            },
            terminal: terminal)
        plan.traits.label = selinux.map(SELinux.label) ?? appArmor.map(AppArmor.label)
        return plan
    }
}
