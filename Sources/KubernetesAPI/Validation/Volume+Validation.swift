import APIMachinery
import JSONTree

extension Volume {
    func faults(at path: String) -> [FieldError] {
        var faults: [FieldError] = []
        if let limit = self.emptyDir?.sizeLimit, limit < .zero {
            faults.append(.forbidden(path + ".emptyDir.sizeLimit", "SizeLimit field must be a valid resource quantity"))
        }
        if let source = self.hostPath { faults += source.faults(at: path + ".hostPath") }
        if let source = self.secret {
            if source.secretName.isEmpty { faults.append(.required(path + ".secret.secretName")) }
            faults += CommonFaults.fileMode(source.defaultMode, at: path + ".secret.defaultMode")
            faults += source.items.faults(at: path + ".secret")
        }
        if let source = self.configMap {
            if source.name.isEmpty { faults.append(.required(path + ".configMap.name")) }
            faults += CommonFaults.fileMode(source.defaultMode, at: path + ".configMap.defaultMode")
            faults += source.items.faults(at: path + ".configMap")
        }
        if let source = self.nfs, !source.path.hasPrefix("/") {
            faults.append(.invalid(path + ".nfs.path", .string(source.path), "must be an absolute path"))
        }
        if let source = self.persistentVolumeClaim, source.claimName.isEmpty {
            faults.append(.required(path + ".persistentVolumeClaim.claimName"))
        }
        if let source = self.downwardAPI {
            faults += CommonFaults.fileMode(source.defaultMode, at: path + ".downwardAPI.defaultMode")
            faults += source.items.faults(at: path + ".downwardAPI")
        }
        if let source = self.projected { faults += source.faults(at: path + ".projected") }
        if let source = self.csi, source.driver.isEmpty { faults.append(.required(path + ".csi.driver")) }
        if let source = self.ephemeral, source.volumeClaimTemplate == nil {
            faults.append(.required(path + ".ephemeral.volumeClaimTemplate"))
        }
        return faults
    }
}

extension [KeyToPath] {
    fileprivate func faults(at path: String) -> [FieldError] {
        enumerated().flatMap { index, item in
            let path = "\(path).items[\(index)]"
            let key: [FieldError] = item.key.isEmpty ? [.required(path + ".key")] : []
            return key + CommonFaults.filePath(item.path, at: path + ".path")
                + CommonFaults.fileMode(item.mode, at: path + ".mode")
        }
    }
}

extension [DownwardAPIVolumeFile] {
    fileprivate func faults(at path: String) -> [FieldError] {
        enumerated().flatMap { index, item in
            let path = "\(path).items[\(index)]"
            var faults = CommonFaults.filePath(item.path, at: path + ".path")
            if let field = item.fieldRef {
                faults += field.faults(at: path + ".fieldRef", supported: ObjectFieldSelector.ofFiles)
                if item.resourceFieldRef != nil {
                    let why = "fieldRef and resourceFieldRef can not be specified simultaneously"
                    faults.append(.invalid(path, "resource", why))
                }
            } else if let resource = item.resourceFieldRef {
                faults += resource.faults(at: path + ".resourceFieldRef", needsContainer: true)
            } else {
                faults.append(.required(path, "one of fieldRef and resourceFieldRef is required"))
            }
            return faults + CommonFaults.fileMode(item.mode, at: path + ".mode")
        }
    }
}

extension HostPathVolumeSource {
    fileprivate func faults(at path: String) -> [FieldError] {
        self.path.isEmpty
            ? [.required(path + ".path")] : CommonFaults.withoutBacksteps(self.path, at: path + ".path")
    }
}

extension ProjectedVolumeSource {
    fileprivate func faults(at path: String) -> [FieldError] {
        var faults = CommonFaults.fileMode(self.defaultMode, at: path + ".defaultMode")
        var files: Set<String> = []
        for (index, source) in self.sources.enumerated() {
            let place = "\(path).sources[\(index)]"
            faults += source.faults(at: place)
            for file in source.files where !file.isEmpty && !files.insert(file).inserted {
                faults.append(.invalid(path, .string(file), "conflicting duplicate paths"))
            }
            if source.storage.count > 1 {
                faults.append(.forbidden(place, "may not specify more than 1 volume type per source"))
            }
        }
        return faults
    }
}

extension VolumeProjection {
    /// Those that are known before the objects are read.
    fileprivate var files: [String] {
        let items = (self.secret?.items ?? []) + (self.configMap?.items ?? [])
        return items.map { $0.path } + (self.downwardAPI?.items ?? []).map { $0.path }
            + (self.clusterTrustBundle.map { [$0.path] } ?? [])
    }

    fileprivate func faults(at path: String) -> [FieldError] {
        var faults: [FieldError] = []
        if let secret = self.secret {
            if secret.name.isEmpty { faults.append(.required(path + ".secret.name")) }
            faults += secret.items.faults(at: path + ".secret")
        }
        if let map = self.configMap {
            if map.name.isEmpty { faults.append(.required(path + ".configMap.name")) }
            faults += map.items.faults(at: path + ".configMap")
        }
        if let fields = self.downwardAPI { faults += fields.items.faults(at: path + ".downwardAPI") }
        if let token = self.serviceAccountToken { faults += token.faults(at: path + ".serviceAccountToken") }
        if let bundle = self.clusterTrustBundle { faults += bundle.faults(at: path + ".clusterTrustBundle") }
        return faults
    }
}

extension ServiceAccountTokenProjection {
    fileprivate func faults(at path: String) -> [FieldError] {
        let seconds = self.expirationSeconds
        var faults: [FieldError] = []
        if seconds < 600 {
            let why = "may not specify a duration less than 10 minutes"
            faults.append(.invalid(path + ".expirationSeconds", .integer(seconds), why))
        }
        if seconds > 1 << 32 {
            let why = "may not specify a duration larger than 2^32 seconds"
            faults.append(.invalid(path + ".expirationSeconds", .integer(seconds), why))
        }
        return faults + CommonFaults.filePath(self.path, at: path + ".path")
    }
}

extension ClusterTrustBundleProjection {
    fileprivate func faults(at path: String) -> [FieldError] {
        var faults: [FieldError] = []
        switch (self.name, self.signerName) {
        case (_?, _?): faults.append(.invalid(path, json, "only one of name and signerName may be used"))
        case (nil, nil): faults.append(.required(path, "either name or signerName must be specified"))
        case (let name?, nil):
            if name.isEmpty { faults.append(.required(path + ".name", "must be a valid object name")) }
            if let selector = self.labelSelector {
                let why = "labelSelector must be unset if name is specified"
                faults.append(.invalid(path + ".labelSelector", selector.json, why))
            }
        case (nil, let signer?):
            if signer.isEmpty { faults.append(.required(path + ".signerName", "must be a valid signer name")) }
            faults += self.labelSelector?.faults(at: path + ".labelSelector") ?? []
        }
        return faults + CommonFaults.filePath(self.path, at: path + ".path")
    }
}
