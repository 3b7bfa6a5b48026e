import APIMachinery
import JSONTree

extension Volume {
    func faults(at path: String) -> [FieldError] {
        var faults: [FieldError] = []
        if let source = self.configMap {
            if source.name.isEmpty { faults.append(.required(path + ".configMap.name")) }
            faults += keyFaults(source.items, at: path + ".configMap")
        }
        if let source = self.secret {
            if source.secretName.isEmpty { faults.append(.required(path + ".secret.secretName")) }
            faults += keyFaults(source.items, at: path + ".secret")
        }
        if let source = self.hostPath { faults += source.faults(at: path + ".hostPath") }
        if let limit = self.emptyDir?.sizeLimit, limit < .zero {
            faults.append(.forbidden(path + ".emptyDir.sizeLimit", "SizeLimit field must be a valid resource quantity"))
        }
        if let source = self.downwardAPI { faults += fileFaults(source.items, at: path + ".downwardAPI") }
        if let source = self.projected { faults += source.faults(at: path + ".projected") }
        return faults
    }
}

private func keyFaults(_ items: [KeyToPath], at path: String) -> [FieldError] {
    items.enumerated().flatMap { CommonFaults.relativePath($1.path, at: "\(path).items[\($0)].path") }
}

private func fileFaults(_ items: [DownwardAPIVolumeFile], at path: String) -> [FieldError] {
    items.enumerated().flatMap { index, item in
        let path = "\(path).items[\(index)]"
        let sources = CommonFaults.present(["fieldRef", "resourceFieldRef"], in: item.storage)
        let missing: [FieldError] =
            sources.isEmpty ? [.required(path, "one of fieldRef and resourceFieldRef is required")] : []
        return missing + CommonFaults.relativePath(item.path, at: path + ".path")
    }
}

extension HostPathVolumeSource {
    fileprivate func faults(at path: String) -> [FieldError] {
        if self.path.isEmpty { return [.required(path + ".path")] }
        return self.path.split(separator: "/").contains("..")
            ? [.invalid(path + ".path", .string(self.path), "must not contain '..'")] : []
    }
}

extension ProjectedVolumeSource {
    fileprivate func faults(at path: String) -> [FieldError] {
        self.sources.enumerated().flatMap { index, source in
            let path = "\(path).sources[\(index)]"
            var faults: [FieldError] = []
            if source.storage.isEmpty { faults.append(.required(path, "must specify one source")) }
            if let map = source.configMap {
                if map.name.isEmpty { faults.append(.required(path + ".configMap.name")) }
                faults += keyFaults(map.items, at: path + ".configMap")
            }
            if let secret = source.secret {
                if secret.name.isEmpty { faults.append(.required(path + ".secret.name")) }
                faults += keyFaults(secret.items, at: path + ".secret")
            }
            if let fields = source.downwardAPI { faults += fileFaults(fields.items, at: path + ".downwardAPI") }
            if let token = source.serviceAccountToken {
                faults += CommonFaults.relativePath(token.path, at: path + ".serviceAccountToken.path")
            }
            return faults
        }
    }
}
