import APIMachinery
import JSONTree

extension PodSecurityContext {
    func faults(at path: String) -> [FieldError] {
        let groups = self.supplementalGroups.enumerated().filter { !(0...2_147_483_647).contains($1) }
        let faults: [FieldError] = groups.map {
            .invalid(
                "\(path).supplementalGroups[\($0)]", .integer($1), "must be between 0 and 2147483647, inclusive")
        }
        return faults + (self.seccompProfile?.faults(at: path + ".seccompProfile") ?? [])
    }
}

extension SecurityContext {
    func faults(at path: String) -> [FieldError] {
        var faults: [FieldError] = []
        if self.allowPrivilegeEscalation == false {
            let field = path + ".allowPrivilegeEscalation"
            if self.privileged == true {
                faults.append(
                    .invalid(field, false, "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"))
            }
            let added = self.capabilities?.add ?? []
            if added.contains("CAP_SYS_ADMIN") || added.contains("SYS_ADMIN") {
                faults.append(
                    .invalid(
                        field, false,
                        "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN"))
            }
        }
        if let profile = self.seccompProfile { faults += profile.faults(at: path + ".seccompProfile") }
        return faults
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
