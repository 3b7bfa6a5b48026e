import APIMachinery
import JSONTree

extension EnvVar {
    func faults(at path: String) -> [FieldError] {
        guard let source = self.valueFrom else { return [] }
        let path = path + ".valueFrom"
        let kinds = ["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef"]
        let given = CommonFaults.present(kinds, in: source.storage)
        let faults = source.faults(at: path)
        if given.isEmpty {
            return [
                .invalid(
                    path, "",
                    "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef`, or `fileKeyRef`"
                )
            ]
        }
        if self.value ?? "" != "" {
            return faults + [.invalid(path, "", "may not be specified when `value` is not empty")]
        }
        guard given.count > 1 else { return faults }
        return faults + [.invalid(path, "", "may not have more than one field specified at a time")]
    }
}

extension EnvVarSource {
    fileprivate func faults(at path: String) -> [FieldError] {
        var faults: [FieldError] = []
        if let field = self.fieldRef {
            faults += field.faults(at: path + ".fieldRef", supported: ObjectFieldSelector.ofVariables)
        }
        if let resource = self.resourceFieldRef { faults += resource.faults(at: path + ".resourceFieldRef") }
        if let map = self.configMapKeyRef {
            faults += Self.keyFaults(map.name, map.key, at: path + ".configMapKeyRef")
        }
        if let secret = self.secretKeyRef {
            faults += Self.keyFaults(secret.name, secret.key, at: path + ".secretKeyRef")
        }
        if let file = self.fileKeyRef {
            faults += file.faults(at: path + ".fileKeyRef")
        }
        return faults
    }

    private static func keyFaults(_ name: String, _ key: String, at path: String) -> [FieldError] {
        let faults = CommonFaults.form(name, .dnsSubdomain, at: path + ".name")
        return faults
            + (key.isEmpty ? [.required(path + ".key")] : CommonFaults.form(key, .configKey, at: path + ".key"))
    }
}

extension FileKeySelector {
    fileprivate func faults(at path: String) -> [FieldError] {
        let (key, volume) = (self.key, self.volumeName)
        var faults: [FieldError] =
            key.isEmpty
            ? [.required(path + ".key")] : CommonFaults.form(key, .environmentName, at: path + ".key")
        faults +=
            volume.isEmpty
            ? [.required(path + ".volumeName")] : CommonFaults.form(volume, .dnsLabel, at: path + ".volumeName")
        return faults + CommonFaults.filePath(self.path, at: path + ".path")
    }
}

extension EnvFromSource {
    func faults(at path: String) -> [FieldError] {
        var faults: [FieldError] = []
        if let prefix = self.prefix, !prefix.isEmpty {
            faults += CommonFaults.form(prefix, .environmentName, at: path + ".prefix")
        }
        let sources = [("configMapRef", self.configMapRef?.name), ("secretRef", self.secretRef?.name)]
        for case (let field, let name?) in sources {
            let path = "\(path).\(field).name"
            faults += name.isEmpty ? [.required(path)] : CommonFaults.form(name, .dnsSubdomain, at: path)
        }
        switch sources.count(where: { $0.1 != nil }) {
        case 0: return faults + [.invalid(path, "", "must specify one of: `configMapRef` or `secretRef`")]
        case 1: return faults
        default: return faults + [.invalid(path, "", "may not have more than one field specified at a time")]
        }
    }
}

extension ObjectFieldSelector {
    /// What a variable can be.
    static let ofVariables = [
        "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName",
        "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs",
    ]
    /// What a file can hold.
    static let ofFiles = [
        "metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid",
    ]
    private static let known = Set(
        ofVariables + ofFiles + ["spec.restartPolicy", "spec.schedulerName", "status.phase"])

    func faults(at path: String, supported: [String]) -> [FieldError] {
        let field = self.fieldPath
        let place = path + ".fieldPath"
        func unreadable(_ why: String) -> [FieldError] {
            [.invalid(place, .string(field), "error converting fieldPath: \(why)")]
        }
        guard !field.isEmpty else { return [.required(place)] }
        guard self.apiVersion == "v1" else { return unreadable("unsupported pod version: \(self.apiVersion)") }
        guard let (name, key) = Self.subscripted(field) else {
            guard Self.known.contains(field) else { return unreadable("field label not supported: \(field)") }
            return supported.contains(field) ? [] : [.notSupported(place, .string(field), supported)]
        }
        switch name {
        case "metadata.annotations": return CommonFaults.form(key.lowercased(), .qualifiedName, at: path)
        case "metadata.labels": return CommonFaults.form(key, .qualifiedName, at: path)
        default: return unreadable("field label does not support subscript: \(field)")
        }
    }

    /// `metadata.labels['a']` in two; nil where it has no such end.
    private static func subscripted(_ field: String) -> (name: String, key: String)? {
        guard field.hasSuffix("']"), let start = field.firstIndex(of: "[") else { return nil }
        let rest = field[field.index(after: start)...]
        guard rest.hasPrefix("'"), rest.utf8.count >= 3 else { return nil }
        return (String(field[..<start]), String(rest.dropFirst().dropLast(2)))
    }
}

extension ResourceFieldSelector {
    private static let supported = [
        "limits.cpu", "limits.ephemeral-storage", "limits.memory", "requests.cpu", "requests.ephemeral-storage",
        "requests.memory",
    ]
    private static let units = ["1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"]

    /// A file of a volume belongs to no container: it names the one meant.
    func faults(at path: String, needsContainer: Bool = false) -> [FieldError] {
        let resource = self.resource
        let isOfHugePages = ["limits.hugepages-", "requests.hugepages-"].contains(where: resource.hasPrefix)
        if needsContainer, self.containerName ?? "" == "" { return [.required(path + ".containerName")] }
        if resource.isEmpty { return [.required(path + ".resource")] }
        guard isOfHugePages || Self.supported.contains(resource) else {
            return [.notSupported(path + ".resource", .string(resource), Self.supported)]
        }
        let isOfCPU = resource.hasSuffix(".cpu")
        let units = isOfCPU ? ["1m", "1"] : Self.units
        guard !self.divisor.isZero, !units.contains(self.divisor.description) else { return [] }
        let list = isOfCPU ? "1m and 1" : units.joined(separator: ", ")
        let name = isOfHugePages ? "hugepages" : isOfCPU ? "cpu" : resource.hasSuffix("memory") ? "memory" : nil
        return [
            .invalid(
                path + ".divisor", .string(resource),
                "only divisor's values \(list) are supported with the \(name ?? "local ephemeral storage") resource")
        ]
    }
}
