import CRI
import Linux

extension NodeRuntime {
    /// A command's process beside its container's own. Blocks.
    func template(
        of container: ContainerRecord, in sandbox: SandboxRecord, with difference: ExecDifference
    ) throws(CRIError) -> ExecTemplate {
        var template = container.exec
        if !difference.user.isEmpty {
            var security = ContainerSecurity()
            security.take(user: difference.user)
            let database = try images.userDatabase(
                of: container.imageID, beneath: paths.writable(of: container.layer) + "/upper")
            // A group alone leaves the user as it is.
            var identity = try ProcessIdentity(
                security, imageUser: String(template.userID), database: database)
            identity.add(template.addedGroups)
            (template.userID, template.groupID) = (identity.userID, identity.groupID)
            template.supplementaryGroups = identity.supplementaryGroups
            template.set("HOME", identity.home)
        }
        for variable in difference.environment { template.set(variable.name, variable.value) }
        let directory = difference.workingDirectory
        if !directory.isEmpty { template.workingDirectory = directory.hasPrefix("/") ? directory : "/" + directory }
        if difference.isPrivileged {
            template.capabilities = try host(of: sandbox).capabilities
            (template.seccomp, template.noNewPrivileges) = (.unconfined, false)
            (template.appArmor, template.selinux) = (nil, nil)
        }
        return template
    }
}

extension ExecTemplate {
    fileprivate mutating func set(_ name: String, _ value: String) {
        environment.removeAll { $0.hasPrefix(name + "=") }
        environment.append(name + "=" + value)
    }
}
