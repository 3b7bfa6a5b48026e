import APIMachinery
import JSONTree

extension Container {
    /// What every container must fulfil. `pod` is the spec that it is in.
    func faults(at path: String, in pod: PodSpec) -> [FieldError] {
        var faults: [FieldError] = []
        if self.image ?? "" == "" { faults.append(.required(path + ".image")) }
        faults += portFaults(at: path + ".ports")
        faults += self.env.enumerated().flatMap { $1.faults(at: "\(path).env[\($0)]") }
        faults += self.envFrom.enumerated().flatMap { $1.faults(at: "\(path).envFrom[\($0)]") }
        faults += MountFaults(
            mounts: self.volumeMounts, devices: self.volumeDevices, volumes: pod.volumes,
            isPrivileged: self.securityContext?.privileged == true
        ).faults(at: path)
        if let resources = self.resources { faults += resources.faults(at: path + ".resources") }
        faults += resizeFaults(at: path + ".resizePolicy", podPolicy: pod.restartPolicy)
        if let security = self.securityContext {
            faults += security.faults(at: path + ".securityContext", hasUsersOfTheNode: pod.hostUsers != false)
        }
        return faults
    }

    /// What holds of containers that stay: those of the pod, and init containers beside them.
    func lifeFaults(at path: String, in pod: PodSpec) -> [FieldError] {
        let grace = pod.terminationGracePeriodSeconds
        var faults = self.lifecycle?.faults(at: path + ".lifecycle", gracePeriod: grace) ?? []
        faults += self.livenessProbe?.faults(ofContainer: path + ".livenessProbe", gracePeriod: grace) ?? []
        if let probe = self.readinessProbe {
            faults += probe.faults(at: path + ".readinessProbe", gracePeriod: grace)
            if let seconds = probe.terminationGracePeriodSeconds {
                faults.append(
                    .invalid(
                        path + ".readinessProbe.terminationGracePeriodSeconds", .integer(seconds),
                        "must not be set for readinessProbes"))
            }
        }
        faults += self.startupProbe?.faults(ofContainer: path + ".startupProbe", gracePeriod: grace) ?? []
        if !self.restartPolicyRules.isEmpty, self.restartPolicy == nil {
            faults.append(.required(path + ".restartPolicy", "must be set when restartPolicyRules are"))
        }
        return faults
    }

    /// An init container that ends has nothing to probe and no life to follow; one that stays does.
    func initFaults(at path: String, in pod: PodSpec) -> [FieldError] {
        let own = HostPorts().faults(of: self, at: path)
        guard self.restartPolicy != "Always" else { return own + lifeFaults(at: path, in: pod) }
        let present = CommonFaults.present(
            ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"], in: storage)
        return own
            + present.map {
                .forbidden("\(path).\($0)", "may not be set for init containers without restartPolicy=Always")
            }
    }

    /// A pod's image is what the runtime is asked for, letter by letter; in a template it can be a mark that something else replaces.
    func podFaults(at path: String) -> [FieldError] {
        ImageName.faults(self.image ?? "", at: path + ".image")
    }

    private func portFaults(at path: String) -> [FieldError] {
        var names: Set<String> = []
        return self.ports.enumerated().flatMap { index, port in
            let path = "\(path)[\(index)]"
            var faults: [FieldError] = []
            if let name = port.name, !name.isEmpty, !names.insert(name).inserted {
                faults.append(.duplicate(path + ".name", .string(name)))
            }
            if let host = port.hostPort, host != 0 {
                faults += CommonFaults.portNumber(host, at: path + ".hostPort")
            }
            return faults
        }
    }

    private func resizeFaults(at path: String, podPolicy: String) -> [FieldError] {
        var names: Set<String> = []
        return self.resizePolicy.enumerated().flatMap { index, policy in
            var faults: [FieldError] = []
            if !names.insert(policy.resourceName).inserted {
                faults.append(.duplicate("\(path)[\(index)]", .string(policy.resourceName)))
            }
            if podPolicy == "Never", policy.restartPolicy != "NotRequired" {
                let why = "must be 'NotRequired' when `restartPolicy` is 'Never'"
                faults.append(.invalid(path, .string(policy.restartPolicy), why))
            }
            return faults
        }
    }
}

enum ImageName {
    static func faults(_ image: String, at path: String) -> [FieldError] {
        image.first?.isWhitespace == true || image.last?.isWhitespace == true
            ? [.invalid(path, .string(image), "must not have leading or trailing whitespace")] : []
    }
}

/// Ports of the node that containers ask for: each can be given once.
struct HostPorts {
    private var taken: Set<String> = []

    init() {}

    /// `path` is the container's.
    func faults(of container: Container, at path: String) -> [FieldError] {
        var ports = self
        return ports.take(container, at: path)
    }

    mutating func take(_ container: Container, at path: String) -> [FieldError] {
        var faults: [FieldError] = []
        for (index, port) in container.ports.enumerated() {
            guard let host = port.hostPort, host != 0 else { continue }
            let name = "\(port.protocol)/\(port.hostIP ?? "")/\(host)"
            if !taken.insert(name).inserted {
                faults.append(.duplicate("\(path).ports[\(index)].hostPort", .string(name)))
            }
        }
        return faults
    }
}

extension EphemeralContainer {
    func faults(at path: String, in pod: PodSpec) -> [FieldError] {
        var faults: [FieldError] = []
        if self.image ?? "" == "" { faults.append(.required(path + ".image")) }
        faults += self.env.enumerated().flatMap { $1.faults(at: "\(path).env[\($0)]") }
        faults += self.envFrom.enumerated().flatMap { $1.faults(at: "\(path).envFrom[\($0)]") }
        faults += MountFaults(
            mounts: self.volumeMounts, devices: self.volumeDevices, volumes: pod.volumes,
            isPrivileged: self.securityContext?.privileged == true
        ).faults(at: path)
        if let security = self.securityContext {
            faults += security.faults(at: path + ".securityContext", hasUsersOfTheNode: pod.hostUsers != false)
        }
        faults += ImageName.faults(self.image ?? "", at: path + ".image")
        return faults + fieldFaults(at: path, in: pod)
    }

    private func fieldFaults(at path: String, in pod: PodSpec) -> [FieldError] {
        var faults: [FieldError] = []
        if let target = self.targetContainerName, !target.isEmpty,
            !(pod.containers + pod.initContainers).contains(where: { $0.name == target })
        {
            faults.append(.notFound(path + ".targetContainerName", .string(target)))
        }
        let why = "cannot be set for an Ephemeral Container"
        let forbidden = [
            "ports", "resources", "resizePolicy", "restartPolicy", "restartPolicyRules", "livenessProbe",
            "readinessProbe", "startupProbe", "lifecycle",
        ]
        for field in forbidden where storage[field].map({ !$0.isEmptyContainer }) ?? false {
            faults.append(.forbidden("\(path).\(field)", why))
        }
        for (index, mount) in self.volumeMounts.enumerated() {
            for (field, text) in [("subPath", mount.subPath), ("subPathExpr", mount.subPathExpr)]
            where text ?? "" != "" {
                faults.append(.forbidden("\(path).volumeMounts[\(index)].\(field)", why))
            }
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
