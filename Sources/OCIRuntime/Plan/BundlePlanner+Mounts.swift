import CLaunch
import Glibc
import Launch
import OCISpecification

extension BundlePlanner {
    func mounts() throws(OCIRuntimeError) -> [BundleMount] {
        var list: [BundleMount] = []
        for (index, mount) in specification.mounts.enumerated() {
            list.append(try plan(mount, field: "mounts[\(index)]"))
        }
        return list
    }

    private func plan(_ mount: MountSpecification, field: String) throws(OCIRuntimeError) -> BundleMount {
        let options = MountOptions(mount.options)
        let type = mount.type ?? ""
        if !options.isRemount, mount.destination.split(separator: "/").allSatisfy({ $0 == "." }) {
            throw .unsupported(
                field: field + ".destination", cause: "over the container's root it would be seen by nobody in it")
        }
        let isBind = options.isBind || type == "bind" || type == "rbind"
        var planned: BundleMount
        if options.isRemount {
            planned = BundleMount(.change, at: mount.destination)
        } else if isBind {
            guard let source = mount.source, !source.isEmpty else {
                throw .unsupported(field: field + ".source", cause: "a bind mount needs it")
            }
            let isRecursive = options.isRecursive || type == "rbind"
            planned = BundleMount(.bind(absolute(source), recursive: isRecursive), at: mount.destination)
        } else {
            planned = try filesystem(mount, type, options, field: field)
        }
        planned.set = options.set | (isBind ? 0 : options.setBeneath)
        planned.clear = options.clear
        planned.setBeneath = options.setBeneath
        planned.clearBeneath = options.clearBeneath
        planned.propagation = options.propagation
        planned.spreadsBeneath = options.spreadsBeneath
        planned.copiesUp = options.copiesUp && type == "tmpfs"
        planned.field = field
        try addMaps(mount, options, to: &planned, field: field)
        return planned
    }

    private func filesystem(
        _ mount: MountSpecification, _ type: String, _ options: MountOptions, field: String
    ) throws(OCIRuntimeError) -> BundleMount {
        guard !type.isEmpty, type != "none" else {
            throw .unsupported(field: field + ".type", cause: "it is missing, and no option says bind")
        }
        if let stand = standIn(for: type) {
            return BundleMount(.bind(stand, recursive: true), at: mount.destination)
        }
        let isCgroup = type == "cgroup" || type == "cgroup2"
        var planned = BundleMount(
            .filesystem(type: isCgroup ? "cgroup2" : type, source: mount.source ?? type), at: mount.destination)
        planned.options = isCgroup ? [] : options.data.filter { !(type == "devpts" && isUnmappedGroup($0)) }
        // A filesystem of the kernel's follows no link that an image laid in its way, nor does what makes up /dev.
        let isUnderDev = mount.destination == "/dev" || mount.destination.hasPrefix("/dev/")
        planned.targetHasNoLinks = type != "tmpfs" || isUnderDev
        planned.isOptional = isCgroup && hasOwnUsers
        return planned
    }

    var hasOwnUsers: Bool { specification.linux.namespace("user") != nil || !facts.canMakeNodes }

    /// In a user namespace the kernel shows sysfs and message queues only with a network or ipc namespace of it: the host's then stand in.
    private func standIn(for type: String) -> String? {
        guard hasOwnUsers else { return nil }
        if type == "sysfs" && !ownsOne("network") { return "/sys" }
        if type == "mqueue" && !ownsOne("ipc") { return "/dev/mqueue" }
        return nil
    }

    /// Whether the namespace of the kind is the user namespace's: made with it, or joined as it is, as those of a pod are.
    private func ownsOne(_ kind: String) -> Bool {
        let linux = specification.linux
        return linux.isNew(kind) || linux.namespace(kind) != nil && linux.namespace("user")?.path != nil
    }

    private func isUnmappedGroup(_ option: String) -> Bool {
        guard option.hasPrefix("gid="), let group = UInt32(option.dropFirst(4)), hasOwnUsers else { return false }
        let maps = specification.linux.groupMappings
        return maps.isEmpty || !maps.contains { group >= $0.container && group - $0.container < $0.size }
    }

    private func addMaps(
        _ mount: MountSpecification, _ options: MountOptions, to planned: inout BundleMount, field: String
    ) throws(OCIRuntimeError) {
        guard options.idmap || !mount.userMappings.isEmpty else { return }
        guard case .bind = planned.source else {
            throw .unsupported(field: field + ".uidMappings", cause: "only bind mounts can be idmapped")
        }
        let own = mount.userMappings.isEmpty
        var users = own ? specification.linux.userMappings : mount.userMappings
        var groups = own ? specification.linux.groupMappings : mount.groupMappings
        if let text = options.mappings {
            users = try mappings("uids", in: text, field: field)
            groups = try mappings("gids", in: text, field: field)
        }
        guard !users.isEmpty, !groups.isEmpty else {
            throw .unsupported(
                field: field + ".options", cause: "idmap needs mappings of the mount or of a user namespace")
        }
        planned.userMap = BundlePlanner.lines(users)
        planned.groupMap = BundlePlanner.lines(groups)
        planned.mapsBeneath = options.mapsBeneath
    }

    /// Of one kind in the text of an `idmap=`.
    private func mappings(_ kind: String, in text: String, field: String) throws(OCIRuntimeError) -> [IDMapping] {
        var list: [IDMapping] = []
        for part in text.split(separator: ";") where part.hasPrefix(kind + "=") {
            for triple in part.dropFirst(kind.utf8.count + 1).split(separator: "#") {
                let numbers = triple.split(separator: "-", omittingEmptySubsequences: false).compactMap { UInt32($0) }
                guard numbers.count == 3, numbers[2] > 0 else {
                    throw .unsupported(
                        field: field + ".options",
                        cause: "idmap: \(kind) are INSIDE-OUTSIDE-SIZE, several with # between, not \"\(triple)\"")
                }
                list.append(IDMapping(container: numbers[0], host: numbers[1], size: numbers[2]))
            }
        }
        guard !list.isEmpty else {
            throw .unsupported(field: field + ".options", cause: "idmap=\(text) has no \(kind)=")
        }
        return list
    }
}
