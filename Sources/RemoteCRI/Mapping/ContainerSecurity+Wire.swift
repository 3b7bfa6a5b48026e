import CRI
import Launch
import Protobuf

extension ContainerSecurity {
    init(_ wire: Message<Wire.LinuxContainerSecurityContext>) throws(CRIError) {
        self.init()
        isPrivileged = wire.privileged
        addCapabilities = wire.capabilities?.addCapabilities ?? []
        dropCapabilities = wire.capabilities?.dropCapabilities ?? []
        ambientCapabilities = wire.capabilities?.addAmbientCapabilities ?? []
        user = wire.runAsUser?.value
        userName = wire.runAsUsername
        group = wire.runAsGroup?.value
        guard user == nil || userName.isEmpty else {
            throw .invalid("run_as_user and run_as_username exclude each other")
        }
        guard group == nil || user != nil || !userName.isEmpty else {
            throw .invalid("run_as_group needs run_as_user or run_as_username")
        }
        supplementalGroups = wire.supplementalGroups
        hasStrictGroups = wire.supplementalGroupsPolicy == .strict
        hasReadOnlyRoot = wire.readonlyRootfs
        noNewPrivileges = wire.noNewPrivs
        // Empty lists and none are the same in this format: both mean the runtime's own.
        maskedPaths = wire.maskedPaths.isEmpty ? nil : wire.maskedPaths
        readOnlyPaths = wire.readonlyPaths.isEmpty ? nil : wire.readonlyPaths
        seccomp = try Seccomp(wire.seccomp, path: wire.seccompProfilePath)
        appArmor = try Self.appArmor(wire.apparmor, name: wire.apparmorProfile)
        selinux = wire.selinuxOptions.flatMap(SELinuxOptions.init)
    }

    func wire(_ namespaces: Message<Wire.NamespaceOption>) -> Message<Wire.LinuxContainerSecurityContext> {
        Message { context in
            context.privileged = isPrivileged
            context.namespaceOptions = namespaces
            context.capabilities = Message {
                $0.addCapabilities = addCapabilities
                $0.dropCapabilities = dropCapabilities
                $0.addAmbientCapabilities = ambientCapabilities
            }
            context.runAsUser = user.map { user in Message { $0.value = user } }
            context.runAsUsername = userName
            context.runAsGroup = group.map { group in Message { $0.value = group } }
            context.supplementalGroups = supplementalGroups
            context.supplementalGroupsPolicy = hasStrictGroups ? .strict : .merge
            context.readonlyRootfs = hasReadOnlyRoot
            context.noNewPrivs = noNewPrivileges
            context.seccomp = seccomp.wire
            context.apparmor = appArmor?.wire
            context.selinuxOptions = selinux?.wire
            if !isPrivileged && !isProcUnmasked {
                // Kubelets say what they ask for where a container does not say otherwise.
                context.maskedPaths = maskedPaths ?? LaunchPlan.defaultMaskedPaths
                context.readonlyPaths = readOnlyPaths ?? LaunchPlan.defaultReadOnlyPaths
            }
        }
    }
}

extension ContainerSecurity {
    /// - Parameter name: the older field, which counts where the newer is not set.
    fileprivate static func appArmor(
        _ profile: Message<Wire.SecurityProfile>?, name: String
    ) throws(CRIError) -> AppArmor? {
        let prefix = "localhost/"
        func loaded(_ name: String) throws(CRIError) -> AppArmor {
            let name = name.hasPrefix(prefix) ? String(name.dropFirst(prefix.count)) : name
            guard !name.isEmpty else { throw .invalid("an AppArmor profile of type Localhost needs a name") }
            return .localhost(name)
        }
        switch profile?.profileType {
        case .runtimeDefault: return .runtimeDefault
        case .unconfined: return .unconfined
        case .localhost: return try loaded(profile?.localhostRef ?? "")
        case nil: break
        }
        switch name {
        case "": return nil
        case "unconfined": return .unconfined
        case "runtime/default": return .runtimeDefault
        case let text where text.hasPrefix(prefix): return try loaded(text)
        case let text: throw .invalid("AppArmor profile \"\(text)\" is not known")
        }
    }
}

extension SELinuxOptions {
    init?(_ wire: Message<Wire.SELinuxOption>) {
        self.init(user: wire.user, role: wire.role, type: wire.type, level: wire.level)
    }

    var wire: Message<Wire.SELinuxOption> {
        Message {
            $0.user = user
            $0.role = role
            $0.type = type
            $0.level = level
        }
    }
}

extension ContainerSecurity.AppArmor {
    fileprivate var wire: Message<Wire.SecurityProfile> {
        Message {
            switch self {
            case .runtimeDefault: $0.profileType = .runtimeDefault
            case .unconfined: $0.profileType = .unconfined
            case .localhost(let name):
                $0.profileType = .localhost
                $0.localhostRef = name
            }
        }
    }
}

extension ContainerSecurity.Seccomp {
    /// - Parameter path: the older field, which counts where the newer is not set. Neither: unconfined, as the CRI has it.
    init(_ profile: Message<Wire.SecurityProfile>?, path: String) throws(CRIError) {
        switch profile?.profileType {
        case .runtimeDefault: self = .runtimeDefault
        case .unconfined: self = .unconfined
        case .localhost: self = .localhost(path: profile?.localhostRef ?? "")
        case nil:
            switch path {
            case "", "unconfined": self = .unconfined
            case "runtime/default", "docker/default": self = .runtimeDefault
            case let text where text.hasPrefix("localhost/"):
                self = .localhost(path: String(text.dropFirst("localhost/".count)))
            case let text: throw .invalid("seccomp profile \"\(text)\" is not known")
            }
        }
    }

    var wire: Message<Wire.SecurityProfile> {
        Message {
            switch self {
            case .runtimeDefault: $0.profileType = .runtimeDefault
            case .unconfined: $0.profileType = .unconfined
            case .localhost(let path):
                $0.profileType = .localhost
                $0.localhostRef = path
            }
        }
    }
}
