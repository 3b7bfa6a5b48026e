import APIMachinery
import JSONTree

/// Checks that containers and ephemeral containers share.
enum CommonFaults {
    static func image(_ image: String?, at path: String) -> [FieldError] {
        guard let image, !image.isEmpty else { return [.required(path + ".image")] }
        let isTrimmed = image.first?.isWhitespace == false && image.last?.isWhitespace == false
        return isTrimmed
            ? [] : [.invalid(path + ".image", .string(image), "must not have leading or trailing whitespace")]
    }

    static func mounts(
        _ mounts: [VolumeMount], at path: String, volumes: Set<String>, security: SecurityContext?
    ) -> [FieldError] {
        var paths: Set<String> = []
        return mounts.enumerated().flatMap { index, mount in
            let path = "\(path).volumeMounts[\(index)]"
            var faults = mount.faults(at: path, isPrivileged: security?.privileged == true)
            if !volumes.contains(mount.name) { faults.append(.notFound(path + ".name", .string(mount.name))) }
            if !paths.insert(mount.mountPath).inserted {
                faults.append(.invalid(path + ".mountPath", .string(mount.mountPath), "must be unique"))
            }
            return faults
        }
    }

    static func environment(_ variables: [EnvVar], _ sources: [EnvFromSource], at path: String) -> [FieldError] {
        let first = variables.enumerated().flatMap { $1.faults(at: "\(path).env[\($0)]") }
        return first + sources.enumerated().flatMap { $1.faults(at: "\(path).envFrom[\($0)]") }
    }

    /// A path below something else: relative and without "..".
    static func relativePath(_ text: String, at path: String) -> [FieldError] {
        if text.hasPrefix("/") { return [.invalid(path, .string(text), "must be a relative path")] }
        let steps = text.split(separator: "/", omittingEmptySubsequences: false)
        return steps.contains("..") ? [.invalid(path, .string(text), "must not contain '..'")] : []
    }

    /// Names of those of `fields` that the object has.
    static func present(_ fields: [String], in object: JSONObject) -> [String] {
        fields.filter { object[$0] != nil }
    }
}

extension VolumeMount {
    fileprivate func faults(at path: String, isPrivileged: Bool) -> [FieldError] {
        var faults: [FieldError] = []
        if self.mountPath.contains(":") {
            faults.append(.invalid(path + ".mountPath", .string(self.mountPath), "must not contain ':'"))
        }
        if let sub = self.subPath, !sub.isEmpty {
            faults += CommonFaults.relativePath(sub, at: path + ".subPath")
            if self.subPathExpr ?? "" != "" {
                faults.append(
                    .invalid(path + ".subPathExpr", .string(sub), "subPathExpr and subPath are mutually exclusive"))
            }
        }
        if let sub = self.subPathExpr, !sub.isEmpty {
            faults += CommonFaults.relativePath(sub, at: path + ".subPathExpr")
        }
        if self.mountPropagation == "Bidirectional", !isPrivileged {
            faults.append(
                .forbidden(
                    path + ".mountPropagation",
                    "Bidirectional mount propagation is available only to privileged containers"))
        }
        if let recursive = self.recursiveReadOnly, recursive != "Disabled", !self.readOnly {
            faults.append(.forbidden(path + ".recursiveReadOnly", "may only be specified when readOnly is true"))
        }
        return faults
    }
}

extension EnvVar {
    fileprivate func faults(at path: String) -> [FieldError] {
        guard let source = self.valueFrom else { return [] }
        let path = path + ".valueFrom"
        var faults: [FieldError] = []
        if let value = self.value, !value.isEmpty {
            faults.append(.invalid(path, "", "may not be specified when `value` is not empty"))
        }
        let kinds = ["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef"]
        if CommonFaults.present(kinds, in: source.storage).isEmpty {
            faults.append(
                .invalid(
                    path, "",
                    "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef`, or `fileKeyRef`"
                ))
        }
        if let field = source.fieldRef, !Self.isKnown(field.fieldPath) {
            faults.append(.notSupported(path + ".fieldRef.fieldPath", .string(field.fieldPath), Self.fieldPaths))
        }
        return faults
    }

    private static let fieldPaths = [
        "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName",
        "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs",
    ]

    private static func isKnown(_ path: String) -> Bool {
        fieldPaths.contains(path)
            || ["metadata.labels['", "metadata.annotations['"].contains { path.hasPrefix($0) && path.hasSuffix("']") }
    }
}

extension EnvFromSource {
    fileprivate func faults(at path: String) -> [FieldError] {
        CommonFaults.present(["configMapRef", "secretRef"], in: storage).isEmpty
            ? [.invalid(path, "", "must specify one of: `configMapRef` or `secretRef`")] : []
    }
}
