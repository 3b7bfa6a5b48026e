import APIMachinery
import JSONTree

extension Pod {
    /// What is wrong with a new pod, or with a change of one.
    static func faults(new: Pod, old: Pod?) -> [FieldError] {
        if let old { return changeFaults(from: old, to: new) }
        let spec = new.spec
        var faults = new.annotationFaults() + spec.faults(at: "spec", isTemplate: false)
        for (index, volume) in spec.volumes.enumerated() where volume.image?.reference.isEmpty ?? false {
            faults.append(.required("spec.volumes[\(index)].image.reference"))
        }
        for (index, container) in spec.containers.enumerated() {
            faults += container.podFaults(at: "spec.containers[\(index)]")
        }
        for (index, container) in spec.initContainers.enumerated() {
            faults += container.podFaults(at: "spec.initContainers[\(index)]")
        }
        if !spec.ephemeralContainers.isEmpty {
            faults.append(.forbidden("spec.ephemeralContainers", "cannot be set on create"))
        }
        if !spec.schedulingGates.isEmpty, spec.nodeName ?? "" != "" {
            faults.append(.forbidden("spec.nodeName", "cannot be set until all schedulingGates have been cleared"))
        }
        return faults
    }

    static let mirrorAnnotation = "kubernetes.io/config.mirror"

    func annotationFaults() -> [FieldError] {
        let annotations = self.metadata.annotations
        var faults: [FieldError] = []
        if let mirrored = annotations[Self.mirrorAnnotation], self.spec.nodeName ?? "" == "" {
            faults.append(
                .invalid(
                    "metadata.annotations[\(Self.mirrorAnnotation)]", .string(mirrored),
                    "must set spec.nodeName if mirror pod annotation is set"))
        }
        return faults + appArmorFaults() + DeletionCost.faults(annotations, at: "metadata.annotations")
    }

    /// The older form of profiles: of a container that is there, readable, and the same as the field.
    private func appArmorFaults() -> [FieldError] {
        let spec = self.spec
        var fields: [String: (path: String, profile: AppArmorProfile?)] = [:]
        let lists = [("initContainers", spec.initContainers), ("containers", spec.containers)]
        for (list, containers) in lists {
            for (index, container) in containers.enumerated() {
                let path = "spec.\(list)[\(index)].securityContext.appArmorProfile"
                fields[container.name] = (path, container.securityContext?.appArmorProfile)
            }
        }
        return self.metadata.annotations.sorted { $0.key < $1.key }.flatMap { key, value -> [FieldError] in
            guard key.hasPrefix(Self.appArmorAnnotation) else { return [] }
            let path = "metadata.annotations[\(key)]"
            let name = String(key.dropFirst(Self.appArmorAnnotation.count))
            let form =
                value.isEmpty || value == "localhost/" || AppArmorProfile(annotation: value) != nil
                ? [] : [FieldError.invalid(path, .string(value), "invalid AppArmor profile name: \"\(value)\"")]
            guard let field = fields[name] else { return [.invalid(path, .string(name), "container not found")] + form }
            return form + (field.profile?.mismatches(with: value, at: field.path) ?? [])
        }
    }
}

/// Which pod of a ReplicaSet should go first.
private enum DeletionCost {
    static func faults(_ annotations: [String: String], at path: String) -> [FieldError] {
        let name = "controller.kubernetes.io/pod-deletion-cost"
        guard let cost = annotations[name], Int32(cost) == nil else { return [] }
        return [.invalid("\(path)[\(name)]", .string(cost), "must be a 32bit integer")]
    }
}

extension PodTemplateSpec {
    func faults(at path: String) -> [FieldError] {
        let metadata = self.metadata
        var faults = CommonFaults.labels(metadata.labels, at: path + ".metadata.labels")
        faults += CommonFaults.annotations(metadata.annotations, at: path + ".metadata.annotations")
        faults += DeletionCost.faults(metadata.annotations, at: path + ".metadata.annotations")
        faults += self.spec.faults(at: path + ".spec", isTemplate: true)
        if !self.spec.ephemeralContainers.isEmpty {
            faults.append(
                .forbidden(path + ".spec.ephemeralContainers", "ephemeral containers not allowed in pod template"))
        }
        return faults
    }
}

extension PodSpec {
    func faults(at path: String, isTemplate: Bool) -> [FieldError] {
        var faults = self.volumes.enumerated().flatMap { $1.faults(at: "\(path).volumes[\($0)]") }
        faults += self.resourceClaims.enumerated().flatMap { $1.faults(at: "\(path).resourceClaims[\($0)]") }
        faults += containerFaults(at: path) + duplicateNameFaults(at: path)
        if let resources = self.resources { faults += resources.faults(of: self, at: path) }
        faults += hostNetworkFaults(at: path, isTemplate: isTemplate)
        faults += CommonFaults.labels(self.nodeSelector, at: path + ".nodeSelector")
        faults += self.securityContext.faults(at: path + ".securityContext", in: self)
        faults += self.affinity?.faults(at: path + ".affinity") ?? []
        faults += resolverFaults(at: path + ".dnsConfig")
        faults += gateFaults(at: path + ".schedulingGates")
        let constraints = self.topologySpreadConstraints
        for (index, constraint) in constraints.enumerated() {
            faults += constraint.faults(
                at: "\(path).topologySpreadConstraints[\(index)]", before: constraints[(index + 1)...])
        }
        return faults + hostFaults(at: path) + nameFaults(at: path) + settingFaults(at: path)
    }

    private func containerFaults(at path: String) -> [FieldError] {
        var faults: [FieldError] = []
        var ports = HostPorts()
        for (index, container) in self.containers.enumerated() {
            let path = "\(path).containers[\(index)]"
            faults += container.faults(at: path, in: self) + container.lifeFaults(at: path, in: self)
            faults += ports.take(container, at: path)
        }
        for (index, container) in self.initContainers.enumerated() {
            let path = "\(path).initContainers[\(index)]"
            faults += container.faults(at: path, in: self) + container.initFaults(at: path, in: self)
        }
        for (index, container) in self.ephemeralContainers.enumerated() {
            faults += container.faults(at: "\(path).ephemeralContainers[\(index)]", in: self)
        }
        return faults
    }

    /// Init containers and ephemeral ones share the names of the others; within one list the schema tells duplicates.
    func duplicateNameFaults(at path: String) -> [FieldError] {
        var taken = Set(self.containers.map { $0.name })
        var faults: [FieldError] = []
        for (index, container) in self.initContainers.enumerated() where !taken.insert(container.name).inserted {
            faults.append(.duplicate("\(path).initContainers[\(index)].name", .string(container.name)))
        }
        for (index, container) in self.ephemeralContainers.enumerated() where !taken.insert(container.name).inserted {
            faults.append(.duplicate("\(path).ephemeralContainers[\(index)].name", .string(container.name)))
        }
        return faults
    }

    /// On the node's own network a container's port is the node's. A template can leave the node's port out: its pods get it.
    private func hostNetworkFaults(at path: String, isTemplate: Bool) -> [FieldError] {
        guard self.hostNetwork else { return [] }
        var faults: [FieldError] = []
        for (index, container) in self.containers.enumerated() {
            for (position, port) in container.ports.enumerated() {
                let host = port.hostPort ?? 0
                guard host != port.containerPort, !isTemplate || host != 0 else { continue }
                let why = "must match `containerPort` when `hostNetwork` is true"
                faults.append(
                    .invalid("\(path).containers[\(index)].ports[\(position)].hostPort", .integer(Int64(host)), why))
            }
        }
        return faults
    }

    private func resolverFaults(at path: String) -> [FieldError] {
        guard let config = self.dnsConfig else {
            let why = "must provide `dnsConfig` when `dnsPolicy` is None"
            return self.dnsPolicy == "None" ? [.required(path, why)] : []
        }
        if self.dnsPolicy == "None", config.nameservers.isEmpty {
            let why = "must provide at least one DNS nameserver when `dnsPolicy` is None"
            return [.required(path + ".nameservers", why)]
        }
        return config.faults(at: path)
    }

    private func gateFaults(at path: String) -> [FieldError] {
        var seen: Set<String> = []
        return self.schedulingGates.enumerated().compactMap { index, gate in
            seen.insert(gate.name).inserted ? nil : .duplicate("\(path)[\(index)]", .string(gate.name))
        }
    }

    private func hostFaults(at path: String) -> [FieldError] {
        var faults: [FieldError] = []
        if self.shareProcessNamespace, self.hostPID {
            let why = "ShareProcessNamespace and HostPID cannot both be enabled"
            faults.append(.invalid(path + ".shareProcessNamespace", true, why))
        }
        guard self.hostUsers == false else { return faults }
        let shared = [("hostNetwork", self.hostNetwork), ("hostPID", self.hostPID), ("hostIPC", self.hostIPC)]
        for (field, isShared) in shared where isShared {
            faults.append(.forbidden("\(path).\(field)", "when `hostUsers` is false"))
        }
        return faults
    }

    private func nameFaults(at path: String) -> [FieldError] {
        [("serviceAccountName", self.serviceAccountName), ("priorityClassName", self.priorityClassName)]
            .flatMap { field, name -> [FieldError] in
                guard let name, !name.isEmpty else { return [] }
                return CommonFaults.form(name, .dnsSubdomain, at: "\(path).\(field)")
            }
    }

    /// It is the pod's name on its own network, as it is.
    private func hostnameOverrideFaults(at path: String) -> [FieldError] {
        guard let name = self.hostnameOverride else { return [] }
        var faults = CommonFaults.form(name, .dnsSubdomain, at: path + ".hostnameOverride")
        for (field, isSet) in [("hostNetwork", self.hostNetwork), ("setHostnameAsFQDN", self.setHostnameAsFQDN)]
        where isSet {
            faults.append(.forbidden("\(path).\(field)", "when `hostnameOverride` is set"))
        }
        return faults
    }

    private func settingFaults(at path: String) -> [FieldError] {
        var faults = hostnameOverrideFaults(at: path)
        faults += self.tolerations.enumerated().flatMap { $1.faults(at: "\(path).tolerations[\($0)]") }
        for (index, alias) in self.hostAliases.enumerated() {
            for (position, name) in alias.hostnames.enumerated() {
                let path = "\(path).hostAliases[\(index)].hostnames[\(position)]"
                faults += CommonFaults.form(name, .dnsSubdomain, at: path)
            }
        }
        for (name, amount) in self.overhead.sorted(by: { $0.key < $1.key }) {
            faults += ContainerResource.faults(name, amount, at: "\(path).overhead.limits[\(name)]")
        }
        return faults
    }
}

extension PodDNSConfig {
    private static let (maxServers, maxSearches, maxSearchBytes) = (3, 32, 2048)

    fileprivate func faults(at path: String) -> [FieldError] {
        let (servers, searches) = (self.nameservers, self.searches)
        var faults: [FieldError] = []
        if servers.count > Self.maxServers {
            let why = "must not have more than \(Self.maxServers) nameservers"
            faults.append(.invalid(path + ".nameservers", servers.json, why))
        }
        faults += servers.enumerated().flatMap { CommonFaults.form($1, .ip, at: "\(path).nameservers[\($0)]") }
        if searches.count > Self.maxSearches {
            let why = "must not have more than \(Self.maxSearches) search paths"
            faults.append(.invalid(path + ".searches", searches.json, why))
        }
        if searches.joined(separator: " ").utf8.count > Self.maxSearchBytes {
            let why = "must not have more than \(Self.maxSearchBytes) characters (including spaces) in the search list"
            faults.append(.invalid(path + ".searches", searches.json, why))
        }
        for (index, search) in searches.enumerated() where search != "." {
            let name = search.hasSuffix(".") ? String(search.dropLast()) : search
            faults += CommonFaults.form(name, .searchDomain, at: "\(path).searches[\(index)]")
        }
        for (index, option) in self.options.enumerated() where option.name ?? "" == "" {
            faults.append(.required("\(path).options[\(index)]", "must not be empty"))
        }
        return faults
    }
}

extension PodResourceClaim {
    fileprivate func faults(at path: String) -> [FieldError] {
        let names = [
            ("resourceClaimName", self.resourceClaimName),
            ("resourceClaimTemplateName", self.resourceClaimTemplateName),
        ]
        let count = names.count { $0.1 != nil }
        var faults: [FieldError] = []
        if count == 0 {
            let why = "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`"
            faults.append(.invalid(path, json, why))
        } else if count > 1 {
            let why = "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified"
            faults.append(.invalid(path, json, why))
        }
        for case (let field, let name?) in names {
            faults += CommonFaults.form(name, .dnsSubdomain, at: "\(path).\(field)")
        }
        return faults
    }
}
