import APIMachinery
import JSONTree

extension Container {
    /// `volumes` are the names of the pod's volumes.
    func faults(at path: String, volumes: Set<String>, in pod: PodSpec) -> [FieldError] {
        var faults = CommonFaults.image(self.image, at: path)
        faults += CommonFaults.mounts(self.volumeMounts, at: path, volumes: volumes, security: self.securityContext)
        faults += CommonFaults.environment(self.env, self.envFrom, at: path)
        faults += deviceFaults(at: path, volumes: volumes)
        faults += portFaults(at: path)
        faults += probeFaults(at: path)
        if let resources = self.resources { faults += resources.faults(at: path + ".resources") }
        if let lifecycle = self.lifecycle { faults += lifecycle.faults(at: path + ".lifecycle") }
        if let security = self.securityContext { faults += security.faults(at: path + ".securityContext") }
        faults += restartFaults(at: path)
        return faults
    }

    /// An init container that ends has nothing to probe and no life to follow; one that stays does.
    func initFaults(at path: String) -> [FieldError] {
        guard self.restartPolicy != "Always" else { return [] }
        let present = ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"].filter { storage[$0] != nil }
        return present.map {
            .forbidden("\(path).\($0)", "may not be set for init containers without restartPolicy=Always")
        }
    }

    private func deviceFaults(at path: String, volumes: Set<String>) -> [FieldError] {
        self.volumeDevices.enumerated().compactMap { index, device in
            volumes.contains(device.name)
                ? nil : .notFound("\(path).volumeDevices[\(index)].name", .string(device.name))
        }
    }

    private func portFaults(at path: String) -> [FieldError] {
        var names: Set<String> = []
        return self.ports.enumerated().compactMap { index, port in
            guard let name = port.name, !name.isEmpty, !names.insert(name).inserted else { return nil }
            return .duplicate("\(path).ports[\(index)].name", .string(name))
        }
    }

    private func probeFaults(at path: String) -> [FieldError] {
        var faults: [FieldError] = []
        for (name, probe) in [("livenessProbe", self.livenessProbe), ("startupProbe", self.startupProbe)] {
            guard let probe else { continue }
            faults += probe.faults(at: "\(path).\(name)")
            if probe.successThreshold != 1 {
                let value = JSONValue.integer(Int64(probe.successThreshold))
                faults.append(.invalid("\(path).\(name).successThreshold", value, "must be 1"))
            }
        }
        if let probe = self.readinessProbe {
            faults += probe.faults(at: path + ".readinessProbe")
            if probe.terminationGracePeriodSeconds != nil {
                faults.append(
                    .invalid(
                        path + ".readinessProbe.terminationGracePeriodSeconds", .null,
                        "must not be set for readinessProbes"))
            }
        }
        return faults
    }

    private func restartFaults(at path: String) -> [FieldError] {
        guard !self.restartPolicyRules.isEmpty, self.restartPolicy == nil else { return [] }
        return [.required(path + ".restartPolicy", "must be set when restartPolicyRules are")]
    }
}

extension EphemeralContainer {
    func faults(at path: String, in pod: PodSpec) -> [FieldError] {
        var faults = CommonFaults.image(self.image, at: path)
        faults += CommonFaults.environment(self.env, self.envFrom, at: path)
        faults += CommonFaults.mounts(
            self.volumeMounts, at: path, volumes: Set(pod.volumes.map { $0.name }), security: self.securityContext)
        let forbidden = [
            "lifecycle", "livenessProbe", "readinessProbe", "startupProbe", "ports", "resources", "resizePolicy",
        ]
        for field in forbidden where storage[field].map({ !$0.isEmptyContainer }) ?? false {
            faults.append(.forbidden("\(path).\(field)", "cannot be set for an Ephemeral Container"))
        }
        for (index, mount) in self.volumeMounts.enumerated() where mount.subPath ?? mount.subPathExpr ?? "" != "" {
            faults.append(
                .forbidden("\(path).volumeMounts[\(index)].subPath", "cannot be set for an Ephemeral Container"))
        }
        if let target = self.targetContainerName, !target.isEmpty,
            !(pod.containers + pod.initContainers).contains(where: { $0.name == target })
        {
            faults.append(.notFound(path + ".targetContainerName", .string(target)))
        }
        return faults
    }
}

extension JSONValue {
    fileprivate var isEmptyContainer: Bool {
        switch self {
        case .array(let items): items.isEmpty
        case .object(let object): object.isEmpty
        case .null: true
        default: false
        }
    }
}
