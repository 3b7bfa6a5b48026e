import APIMachinery
import JSONTree

extension Deployment {
    static func statusFaults(new: Deployment, old: Deployment) -> [FieldError] {
        let status = new.status
        var counts = StatusCounts()
        counts.add("observedGeneration", status.observedGeneration)
        counts.add("replicas", Int64(status.replicas))
        counts.add("updatedReplicas", Int64(status.updatedReplicas))
        counts.add("readyReplicas", Int64(status.readyReplicas))
        counts.add("availableReplicas", Int64(status.availableReplicas))
        counts.add("unavailableReplicas", Int64(status.unavailableReplicas))
        counts.add("terminatingReplicas", Int64(status.terminatingReplicas ?? 0))
        counts.add("collisionCount", Int64(status.collisionCount ?? 0))
        for part in ["updatedReplicas", "readyReplicas", "availableReplicas"] {
            counts.require(part, within: "replicas", named: "status.replicas")
        }
        counts.require("availableReplicas", within: "readyReplicas", named: "readyReplicas")
        if let before = old.status.collisionCount, status.collisionCount ?? -1 < before {
            counts.refuse("collisionCount", "cannot be decremented")
        }
        return counts.faults
    }
}

extension ReplicaSet {
    static func statusFaults(new: ReplicaSet, old: ReplicaSet) -> [FieldError] {
        let status = new.status
        var counts = StatusCounts()
        counts.add("replicas", Int64(status.replicas))
        counts.add("fullyLabeledReplicas", Int64(status.fullyLabeledReplicas))
        counts.add("readyReplicas", Int64(status.readyReplicas))
        counts.add("availableReplicas", Int64(status.availableReplicas))
        counts.add("observedGeneration", status.observedGeneration)
        counts.add("terminatingReplicas", Int64(status.terminatingReplicas ?? 0))
        for part in ["fullyLabeledReplicas", "readyReplicas", "availableReplicas"] {
            counts.require(part, within: "replicas", named: "status.replicas")
        }
        counts.require("availableReplicas", within: "readyReplicas", named: "readyReplicas")
        return counts.faults
    }
}

/// The numbers of a workload's status: none is negative, and what is part of another is no more than it.
private struct StatusCounts {
    private(set) var faults: [FieldError] = []
    private var counts: [String: Int64] = [:]

    mutating func add(_ field: String, _ count: Int64) {
        counts[field] = count
        if count < 0 { refuse(field, "must be greater than or equal to 0") }
    }

    mutating func require(_ part: String, within whole: String, named name: String) {
        guard counts[part, default: 0] > counts[whole, default: 0] else { return }
        refuse(part, "cannot be greater than \(name)")
    }

    mutating func refuse(_ field: String, _ why: String) {
        faults.append(.invalid("status.\(field)", .integer(counts[field, default: 0]), why))
    }
}
