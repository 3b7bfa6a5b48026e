import APIMachinery
import JSONTree

/// What a container mounts and which devices it gets, against the volumes of its pod.
struct MountFaults {
    let mounts: [VolumeMount]
    let devices: [VolumeDevice]
    let volumes: [Volume]
    let isPrivileged: Bool

    func faults(at path: String) -> [FieldError] {
        mountFaults(at: path + ".volumeMounts") + deviceFaults(at: path + ".volumeDevices")
    }

    private func mountFaults(at path: String) -> [FieldError] {
        let names = Set(volumes.map { $0.name })
        let deviceNames = Set(devices.map { $0.name })
        let devicePaths = Set(devices.map { $0.devicePath })
        var paths: Set<String> = []
        return mounts.enumerated().flatMap { index, mount in
            let path = "\(path)[\(index)]"
            let place = JSONValue.string(mount.mountPath)
            var faults: [FieldError] = []
            if !names.contains(mount.name) { faults.append(.notFound(path + ".name", .string(mount.name))) }
            if !paths.insert(mount.mountPath).inserted {
                faults.append(.invalid(path + ".mountPath", place, "must be unique"))
            }
            if deviceNames.contains(mount.name) {
                let why = "must not already exist in volumeDevices"
                faults.append(.invalid(path + ".name", .string(mount.name), why))
            }
            if devicePaths.contains(mount.mountPath) {
                let why = "must not already exist as a path in volumeDevices"
                faults.append(.invalid(path + ".mountPath", place, why))
            }
            return faults + mount.faults(at: path, isPrivileged: isPrivileged)
        }
    }

    private func deviceFaults(at path: String) -> [FieldError] {
        let volumes = Dictionary(self.volumes.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        var names: Set<String> = []
        var paths: Set<String> = []
        return devices.enumerated().flatMap { index, device in
            let path = "\(path)[\(index)]"
            let (name, place) = (JSONValue.string(device.name), JSONValue.string(device.devicePath))
            var faults: [FieldError] = []
            if !names.insert(device.name).inserted { faults.append(.invalid(path + ".name", name, "must be unique")) }
            if let volume = volumes[device.name] {
                if volume.persistentVolumeClaim == nil, volume.ephemeral == nil {
                    let why = "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode"
                    faults.append(.invalid(path + ".name", name, why))
                }
            } else {
                faults.append(.notFound(path + ".name", name))
            }
            if !paths.insert(device.devicePath).inserted {
                faults.append(.invalid(path + ".devicePath", place, "must be unique"))
            }
            if CommonFaults.hasBacksteps(device.devicePath) {
                faults.append(.invalid(path + ".devicePath", place, "can not contain backsteps ('..')"))
            }
            return faults
        }
    }
}

extension VolumeMount {
    fileprivate func faults(at path: String, isPrivileged: Bool) -> [FieldError] {
        var faults: [FieldError] = []
        let (sub, expression) = (self.subPath ?? "", self.subPathExpr ?? "")
        if !sub.isEmpty { faults += CommonFaults.relativePath(sub, at: path + ".subPath") }
        if !expression.isEmpty {
            if !sub.isEmpty {
                let why = "subPathExpr and subPath are mutually exclusive"
                faults.append(.invalid(path + ".subPathExpr", .string(expression), why))
            }
            faults += CommonFaults.relativePath(expression, at: path + ".subPathExpr")
        }
        if self.mountPropagation == "Bidirectional", !isPrivileged {
            let why = "Bidirectional mount propagation is available only to privileged containers"
            faults.append(.forbidden(path + ".mountPropagation", why))
        }
        guard let recursive = self.recursiveReadOnly, recursive != "Disabled" else { return faults }
        if !self.readOnly {
            faults.append(.forbidden(path + ".recursiveReadOnly", "may only be specified when readOnly is true"))
        }
        if self.mountPropagation ?? "None" != "None" {
            let why = "may only be specified when mountPropagation is None or not specified"
            faults.append(.forbidden(path + ".recursiveReadOnly", why))
        }
        return faults
    }
}
