import APIMachinery
import JSONTree

extension SecurityContext {
    func faults(at path: String, hasUsersOfTheNode: Bool) -> [FieldError] {
        var faults: [FieldError] = []
        if self.procMount == "Unmasked", hasUsersOfTheNode {
            faults.append(.invalid(path + ".procMount", "Unmasked", "`hostUsers` must be false to use `Unmasked`"))
        }
        if let profile = self.seccompProfile { faults += profile.faults(at: path + ".seccompProfile") }
        if self.allowPrivilegeEscalation == false {
            if self.privileged == true {
                let why = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"
                faults.append(.invalid(path, json, why))
            }
            if self.capabilities?.add.contains("CAP_SYS_ADMIN") ?? false {
                let why = "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN"
                faults.append(.invalid(path, json, why))
            }
        }
        if let profile = self.appArmorProfile { faults += profile.faults(at: path + ".appArmorProfile") }
        return faults
    }
}

extension PodSecurityContext {
    func faults(at path: String, in pod: PodSpec) -> [FieldError] {
        var faults = sysctlFaults(at: path + ".sysctls", in: pod)
        if let profile = self.seccompProfile { faults += profile.faults(at: path + ".seccompProfile") }
        if let profile = self.appArmorProfile { faults += profile.faults(at: path + ".appArmorProfile") }
        return faults
    }

    private func sysctlFaults(at path: String, in pod: PodSpec) -> [FieldError] {
        var names: Set<String> = []
        return self.sysctls.enumerated().flatMap { index, sysctl in
            let path = "\(path)[\(index)].name"
            let name = JSONValue.string(sysctl.name)
            var faults: [FieldError] = []
            if sysctl.name.isEmpty {
                faults.append(.required(path))
            } else if let why = Rule.Format.sysctl.mismatch(sysctl.name) {
                faults.append(.invalid(path, name, why))
            } else if !names.insert(sysctl.name).inserted {
                faults.append(.duplicate(path, name))
            }
            let dotted = sysctl.name.replacing("/", with: ".")
            if pod.hostNetwork, dotted.hasPrefix("net.") {
                faults.append(.invalid(path, name, "may not be specified when 'hostNetwork' is true"))
            }
            if pod.hostIPC, Self.isOfIPC(dotted) {
                faults.append(.invalid(path, name, "may not be specified when 'hostIPC' is true"))
            }
            return faults
        }
    }

    private static func isOfIPC(_ name: String) -> Bool {
        name == "kernel.sem" || ["kernel.shm", "kernel.msg", "fs.mqueue."].contains(where: name.hasPrefix)
    }
}

extension SeccompProfile {
    /// A file belongs to type Localhost and to no other.
    func faults(at path: String) -> [FieldError] {
        let file = self.localhostProfile ?? ""
        if self.type == "Localhost", file.isEmpty {
            return [.required(path + ".localhostProfile", "must be set when seccomp type is Localhost")]
        }
        if self.type != "Localhost", !file.isEmpty {
            return [
                .invalid(path + ".localhostProfile", .string(file), "can only be set when seccomp type is Localhost")
            ]
        }
        return file.isEmpty ? [] : CommonFaults.relativePath(file, at: path + ".localhostProfile")
    }
}

extension AppArmorProfile {
    /// A field and the older annotation beside it say the same.
    func mismatches(with annotation: String, at path: String) -> [FieldError] {
        let isLocal = self.type == "Localhost" && annotation.hasPrefix("localhost/")
        guard isLocal || annotation == self.annotation else {
            return [.forbidden(path + ".type", "apparmor type in annotation and field must match")]
        }
        guard annotation == self.annotation else {
            return [.forbidden(path + ".localhostProfile", "apparmor profile in annotation and field must match")]
        }
        return []
    }

    /// The name of a profile belongs to type Localhost and to no other.
    func faults(at path: String) -> [FieldError] {
        let path = path + ".localhostProfile"
        let name = self.localhostProfile ?? ""
        guard self.type == "Localhost" else {
            guard self.localhostProfile != nil else { return [] }
            return [.invalid(path, .string(name), "can only be set when AppArmor type is Localhost")]
        }
        if name.first?.isWhitespace == true || name.last?.isWhitespace == true {
            return [.invalid(path, .string(name), "must not be padded with whitespace")]
        }
        if name.isEmpty { return [.required(path, "must be set when AppArmor type is Localhost")] }
        return name.utf8.count > 4095 ? [.tooLong(path, 4095)] : []
    }
}
