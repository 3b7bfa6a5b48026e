import APIMachinery
import JSONTree

extension Pod {
    /// A pod's spec is fixed, but for images, deadlines, more tolerations and fewer scheduling gates; everything else is another pod.
    static func changeFaults(from old: Pod, to new: Pod) -> [FieldError] {
        var faults = new.annotationFaults() + mirrorFaults(from: old, to: new)
        let lists = [
            ("containers", old.spec.containers, new.spec.containers),
            ("initContainers", old.spec.initContainers, new.spec.initContainers),
        ]
        for (field, before, after) in lists {
            guard before.count == after.count else {
                return faults + [.forbidden("spec.\(field)", "pod updates may not add or remove containers")]
            }
            for (index, container) in after.enumerated() {
                let path = "spec.\(field)[\(index)]"
                if container.image ?? "" == "" { faults.append(.required(path + ".image")) }
                faults += container.podFaults(at: path)
            }
        }
        faults += deadlineFaults(from: old.spec, to: new.spec)
        faults += tolerationFaults(from: old.spec, to: new.spec)
        faults += gateFaults(from: old.spec, to: new.spec)
        if !old.spec.schedulingGates.isEmpty { faults += new.spec.narrowingFaults(from: old.spec) }
        let rest = new.spec.withoutChangeables(like: old.spec)
        guard rest != old.spec.json else { return faults }
        let changed = FieldDifference.paths(from: old.spec.json, to: rest, at: "spec").joined(separator: ", ")
        faults.append(
            .forbidden(
                "spec",
                "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
                    + "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
                    + "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
                    + "\nchanged: \(changed)"))
        return faults
    }

    /// Whether a pod is a mirror of its node's own is settled when it is made.
    private static func mirrorFaults(from old: Pod, to new: Pod) -> [FieldError] {
        let path = "metadata.annotations[\(mirrorAnnotation)]"
        let before = old.metadata.annotations[mirrorAnnotation]
        let after = new.metadata.annotations[mirrorAnnotation]
        if before == after { return [] }
        return [
            .forbidden(
                path,
                before == nil ? "may not add mirror pod annotation" : "may not remove or update mirror pod annotation")
        ]
    }

    /// Ephemeral containers are only ever added, through their own subresource.
    package static func ephemeralContainerFaults(from old: Pod, to new: Pod) -> [FieldError] {
        let path = "spec.ephemeralContainers"
        guard new.metadata.annotations[mirrorAnnotation] == nil else {
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
        if !old.schedulingGates.isEmpty {
            fields.append("nodeSelector")
            spec.takeNodeAffinity(of: old)
        }
        for field in fields { spec.storage[field] = old.storage[field] }
        return spec.json
    }

    private mutating func takeNodeAffinity(of old: PodSpec) {
        guard self.affinity?.nodeAffinity != old.affinity?.nodeAffinity else { return }
        var affinity = self.affinity ?? Affinity()
        affinity.nodeAffinity = old.affinity?.nodeAffinity
        self.affinity = affinity.storage.isEmpty && old.affinity == nil ? nil : affinity
    }

    /// Demands on the node can be added, never changed or taken away.
    fileprivate func narrowingFaults(from old: PodSpec) -> [FieldError] {
        var faults: [FieldError] = []
        if !old.nodeSelector.allSatisfy({ self.nodeSelector[$0.key] == $0.value }) {
            let why = "only additions to spec.nodeSelector are allowed (no mutations or deletions)"
            faults.append(.invalid("spec.nodeSelector", self.nodeSelector.json, why))
        }
        let before = old.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []
        let after = self.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []
        guard !before.isEmpty else { return faults }
        let path = "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms"
        guard before.count == after.count else {
            let why = "no additions/deletions to non-empty NodeSelectorTerms list are allowed"
            return faults + [.invalid(path, after.json, why)]
        }
        for (index, pair) in zip(before, after).enumerated() where !pair.1.extends(pair.0) {
            let why = "only additions are allowed (no mutations or deletions)"
            faults.append(.invalid("\(path)[\(index)]", pair.1.json, why))
        }
        return faults
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

extension NodeSelectorTerm {
    /// A term without demands matches nothing: with one it would match something.
    fileprivate func extends(_ old: NodeSelectorTerm) -> Bool {
        if old.matchExpressions.isEmpty, old.matchFields.isEmpty {
            return self.matchExpressions.isEmpty && self.matchFields.isEmpty
        }
        return self.matchExpressions.starts(with: old.matchExpressions)
            && self.matchFields.starts(with: old.matchFields)
    }
}

/// Where two values differ, for a message.
private enum FieldDifference {
    private static let maximum = 10

    /// The deepest fields that tell the difference; the first ten.
    static func paths(from old: JSONValue, to new: JSONValue, at path: String) -> [String] {
        Array(found(old, new, path).prefix(maximum))
    }

    private static func found(_ old: JSONValue, _ new: JSONValue, _ path: String) -> [String] {
        guard old != new else { return [] }
        switch (old, new) {
        case (.object(let before), .object(let after)):
            return Set(before.keys).union(after.keys).sorted().flatMap {
                found(before[$0] ?? .null, after[$0] ?? .null, "\(path).\($0)")
            }
        case (.array(let before), .array(let after)) where before.count == after.count:
            return zip(before, after).enumerated().flatMap { found($1.0, $1.1, "\(path)[\($0)]") }
        default: return [path]
        }
    }
}
