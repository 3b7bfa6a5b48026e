import CRI
import ContainerRuntime
import JSONTree
import OCI

/// What the program of a `RunSpec` may not do.
package struct RunConfinement: Sendable, Hashable {
    package var isPrivileged = false
    /// Beside those of the default set, and without those; names, or ALL.
    package var addCapabilities: [String] = []
    package var dropCapabilities: [String] = []
    /// Empty: the default; `unconfined`, or the absolute path of a profile.
    package var seccomp = ""
    /// Empty: the default; `unconfined`, or the name of a profile that is loaded.
    package var appArmor = ""
    /// No SELinux label on a node that gives all one.
    package var isUnlabelled = false
    package var noNewPrivileges = false
    /// /proc and /sys as they are.
    package var isProcUnmasked = false

    package init() {}

    /// Takes one `--security-opt`, as docker and podman write them: `NAME=VALUE`, or with a colon.
    /// - Parameter directory: the caller's, absolute; nil where it is gone.
    package mutating func take(_ option: String, from directory: String?) throws(DaemonError) {
        let parts = option.split(maxSplits: 1) { "=:".contains($0) }.map(String.init)
        switch (parts.first ?? "", parts.count > 1 ? parts[1] : "") {
        case ("no-new-privileges", ""), ("no-new-privileges", "true"): noNewPrivileges = true
        case ("no-new-privileges", "false"): noNewPrivileges = false
        case ("seccomp", "builtin"): seccomp = ""
        case ("seccomp", let profile) where !profile.isEmpty:
            guard profile != "unconfined", !profile.hasPrefix("/") else {
                seccomp = profile
                break
            }
            guard let directory else {
                throw DaemonError("--security-opt \(option): the directory it would be in is gone; write /PATH")
            }
            seccomp = directory + "/" + profile
        case ("apparmor", let profile) where !profile.isEmpty: appArmor = profile
        case ("systempaths", "unconfined"), ("unmask", "ALL"), ("unmask", "all"): isProcUnmasked = true
        case ("label", "disable"): isUnlabelled = true
        default:
            throw DaemonError(
                "--security-opt \(option): there are no-new-privileges, seccomp=builtin, =unconfined and =PROFILE.json, "
                    + "apparmor=unconfined, apparmor=PROFILE, label=disable and systempaths=unconfined")
        }
    }

    var security: ContainerSecurity {
        var security = ContainerSecurity()
        security.isPrivileged = isPrivileged
        security.addCapabilities = addCapabilities
        security.dropCapabilities = dropCapabilities
        if !seccomp.isEmpty { security.seccomp = seccomp == "unconfined" ? .unconfined : .localhost(path: seccomp) }
        if !appArmor.isEmpty { security.appArmor = appArmor == "unconfined" ? .unconfined : .localhost(appArmor) }
        security.isUnlabelled = isUnlabelled
        security.noNewPrivileges = noNewPrivileges
        security.isProcUnmasked = isProcUnmasked
        return security
    }

    // MARK: On its way to the daemon

    var json: JSONValue {
        [
            "privileged": .bool(isPrivileged), "addCapabilities": .list(addCapabilities),
            "dropCapabilities": .list(dropCapabilities), "seccomp": .string(seccomp), "appArmor": .string(appArmor),
            "noNewPrivileges": .bool(noNewPrivileges), "unmasked": .bool(isProcUnmasked),
            "unlabelled": isUnlabelled ? .bool(true) : .null,
        ]
    }

    init(_ reader: SpecificationReader) throws(OCIError) {
        isPrivileged = try reader.bool("privileged") ?? false
        addCapabilities = try reader.strings("addCapabilities") ?? []
        dropCapabilities = try reader.strings("dropCapabilities") ?? []
        seccomp = try reader.required("seccomp")
        appArmor = try reader.required("appArmor")
        noNewPrivileges = try reader.bool("noNewPrivileges") ?? false
        isProcUnmasked = try reader.bool("unmasked") ?? false
        isUnlabelled = try reader.bool("unlabelled") ?? false
    }
}
