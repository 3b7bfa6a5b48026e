import APIMachinery
import JSONTree

extension Pod {
    /// A pod's spec is fixed, but for images, deadlines, more tolerations and fewer scheduling gates; everything else is another pod.
    static func changeFaults(from old: Pod, to new: Pod) -> [FieldError] {
        var faults: [FieldError] = []
        faults += imageFaults(new.spec.containers, "spec.containers")
        faults += imageFaults(new.spec.initContainers, "spec.initContainers")
        faults += deadlineFaults(from: old.spec, to: new.spec)
        faults += tolerationFaults(from: old.spec, to: new.spec)
        faults += gateFaults(from: old.spec, to: new.spec)
        guard new.spec.withoutChangeables(like: old.spec) != old.spec.json else { return faults }
        faults.append(
            .forbidden(
                "spec",
                "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
                    + "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
                    + "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"))
        return faults
    }

    /// Ephemeral containers are only ever added, through their own subresource.
    package static func ephemeralContainerFaults(from old: Pod, to new: Pod) -> [FieldError] {
        let path = "spec.ephemeralContainers"
        guard new.metadata.annotations["kubernetes.io/config.mirror"] == nil else {
            return [.forbidden(path, "static pods do not support ephemeral containers")]
        }
        let before = old.spec.ephemeralContainers
        let after = new.spec.ephemeralContainers
        for container in before where !after.contains(where: { $0.name == container.name }) {
            return [.forbidden(path, "existing ephemeral containers \"\(container.name)\" may not be removed")]
        }
        var faults = new.spec.duplicateNameFaults(at: "spec")
        for (index, container) in after.enumerated() {
            let place = "\(path)[\(index)]"
            guard let same = before.first(where: { $0.name == container.name }) else {
                faults += container.faults(at: place, in: new.spec)
                continue
            }
            if same != container {
                faults.append(
                    .forbidden(place, "existing ephemeral containers \"\(container.name)\" may not be changed"))
            }
        }
        return faults
    }

    private static func imageFaults(_ containers: [Container], _ path: String) -> [FieldError] {
        containers.enumerated().flatMap { CommonFaults.image($1.image, at: "\(path)[\($0)]") }
    }

    private static func deadlineFaults(from old: PodSpec, to new: PodSpec) -> [FieldError] {
        guard let before = old.activeDeadlineSeconds else { return [] }
        let path = "spec.activeDeadlineSeconds"
        guard let after = new.activeDeadlineSeconds else {
            return [.invalid(path, .null, "must not update from a positive integer to nil value")]
        }
        return after <= before
            ? [] : [.invalid(path, .integer(after), "must be less than or equal to previous value")]
    }

    private static func tolerationFaults(from old: PodSpec, to new: PodSpec) -> [FieldError] {
        // The time a toleration lasts may change, the toleration itself not.
        let kept = Set(new.tolerations.map { $0.withoutSeconds })
        guard old.tolerations.allSatisfy({ kept.contains($0.withoutSeconds) }) else {
            return [
                .forbidden("spec.tolerations", "existing toleration can not be modified except its tolerationSeconds")
            ]
        }
        let before = Set(old.tolerations)
        return new.tolerations.enumerated().filter { !before.contains($1) }.flatMap {
            $1.faults(at: "spec.tolerations[\($0)]")
        }
    }

    private static func gateFaults(from old: PodSpec, to new: PodSpec) -> [FieldError] {
        let before = Set(old.schedulingGates.map { $0.name })
        return new.schedulingGates.enumerated().compactMap { index, gate in
            before.contains(gate.name)
                ? nil
                : .forbidden(
                    "spec.schedulingGates[\(index)].name",
                    "only deletion is allowed, but found new scheduling gate '\(gate.name)'")
        }
    }
}

extension PodSpec {
    /// This spec with everything that may change taken from `old`.
    fileprivate func withoutChangeables(like old: PodSpec) -> JSONValue {
        var spec = self
        spec.containers = Self.withImages(of: old.containers, spec.containers)
        if !old.initContainers.isEmpty {
            spec.initContainers = Self.withImages(of: old.initContainers, spec.initContainers)
        }
        var fields = ["activeDeadlineSeconds", "tolerations", "schedulingGates"]
        if old.terminationGracePeriodSeconds < 0, spec.terminationGracePeriodSeconds == 1 {
            fields.append("terminationGracePeriodSeconds")
        }
        // While gates hold the pod back, where it may go can still be narrowed.
        if !old.schedulingGates.isEmpty { fields += ["nodeSelector", "affinity"] }
        for field in fields { spec.storage[field] = old.storage[field] }
        return spec.json
    }

    private static func withImages(of old: [Container], _ new: [Container]) -> [Container] {
        guard old.count == new.count else { return new }
        return zip(old, new).map { old, new in
            var container = new
            container.storage["image"] = old.storage["image"]
            return container
        }
    }
}

extension Toleration {
    fileprivate var withoutSeconds: Toleration {
        var toleration = self
        toleration.tolerationSeconds = nil
        return toleration
    }
}
