import APIMachinery
import JSONTree

extension Pod {
    /// What is wrong with a new pod, or with a change of one.
    static func faults(new: Pod, old: Pod?) -> [FieldError] {
        if let old { return changeFaults(from: old, to: new) }
        var faults = new.spec.faults(at: "spec")
        if !new.spec.ephemeralContainers.isEmpty {
            faults.append(.forbidden("spec.ephemeralContainers", "cannot be set on create"))
        }
        if !new.spec.schedulingGates.isEmpty, new.spec.nodeName ?? "" != "" {
            faults.append(.forbidden("spec.nodeName", "cannot be set until all schedulingGates have been cleared"))
        }
        return faults
    }
}

extension PodTemplateSpec {
    func faults(at path: String) -> [FieldError] {
        var faults = self.spec.faults(at: path + ".spec")
        if !self.spec.ephemeralContainers.isEmpty {
            faults.append(
                .forbidden(path + ".spec.ephemeralContainers", "ephemeral containers not allowed in pod template"))
        }
        return faults
    }
}

extension PodSpec {
    func faults(at path: String) -> [FieldError] {
        let volumes = Set(self.volumes.map { $0.name })
        return containerFaults(at: path, volumes: volumes)
            + duplicateNameFaults(at: path)
            + volumeFaults(at: path)
            + hostFaults(at: path)
            + settingFaults(at: path)
            + placementFaults(at: path)
    }

    private func containerFaults(at path: String, volumes: Set<String>) -> [FieldError] {
        var faults: [FieldError] = []
        for (index, container) in self.initContainers.enumerated() {
            let path = "\(path).initContainers[\(index)]"
            faults += container.faults(at: path, volumes: volumes, in: self)
            faults += container.initFaults(at: path)
        }
        for (index, container) in self.containers.enumerated() {
            faults += container.faults(at: "\(path).containers[\(index)]", volumes: volumes, in: self)
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

    private func volumeFaults(at path: String) -> [FieldError] {
        self.volumes.enumerated().flatMap { $1.faults(at: "\(path).volumes[\($0)]") }
    }

    private func hostFaults(at path: String) -> [FieldError] {
        var faults: [FieldError] = []
        if self.shareProcessNamespace == true, self.hostPID {
            faults.append(
                .invalid(
                    path + ".shareProcessNamespace", true, "ShareProcessNamespace and HostPID cannot both be enabled"))
        }
        if self.hostUsers == false {
            let shared = [("hostNetwork", self.hostNetwork), ("hostPID", self.hostPID), ("hostIPC", self.hostIPC)]
            for (field, isShared) in shared where isShared {
                faults.append(.forbidden("\(path).\(field)", "when `hostUsers` is false"))
            }
        }
        return faults + hostPortFaults(at: path)
    }

    private func hostPortFaults(at path: String) -> [FieldError] {
        var taken: Set<String> = []
        var faults: [FieldError] = []
        for (index, container) in self.containers.enumerated() {
            for (position, port) in container.ports.enumerated() {
                guard let host = port.hostPort, host != 0 else { continue }
                let path = "\(path).containers[\(index)].ports[\(position)]"
                if !taken.insert("\(port.hostIP ?? "")/\(host)/\(port.protocol)").inserted {
                    faults.append(.duplicate(path + ".hostPort", .integer(Int64(host))))
                }
                if self.hostNetwork, host != port.containerPort {
                    faults.append(
                        .invalid(
                            path + ".containerPort", .integer(Int64(port.containerPort)),
                            "must match `hostPort` when `hostNetwork` is true"))
                }
            }
        }
        return faults
    }

    private func settingFaults(at path: String) -> [FieldError] {
        var faults: [FieldError] = []
        if self.dnsPolicy == "None", self.dnsConfig?.nameservers.isEmpty ?? true {
            faults.append(
                .required(
                    path + ".dnsConfig.nameservers", "must provide at least one DNS nameserver when `dnsPolicy` is None"
                ))
        }
        faults += self.securityContext.faults(at: path + ".securityContext")
        for (index, reference) in self.imagePullSecrets.enumerated() where reference.name.isEmpty {
            faults.append(.required("\(path).imagePullSecrets[\(index)].name"))
        }
        if let resources = self.resources { faults += resources.faults(at: path + ".resources") }
        return faults
    }
}
