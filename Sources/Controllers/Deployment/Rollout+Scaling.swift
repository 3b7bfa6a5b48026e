import APIMachinery
import KubernetesAPI

extension Rollout {
    /// Brings the sets in line with the Deployment's size while a roll-out is paused or under way: one active set takes it all; several
    /// share it in proportion.
    mutating func scale() {
        let active = old.indices.filter { old[$0].spec.replicas > 0 }
        let isCurrentActive = (current?.spec.replicas ?? 0) > 0
        if active.isEmpty {
            if current != nil { return scaleCurrent(to: bounds.replicas) }
            // The latest set, where none is active: a paused Deployment that grows from nothing.
            if let latest = old.indices.last { scaleOld(latest, to: bounds.replicas) }
            return
        }
        if active.count == 1, !isCurrentActive { return scaleOld(active[0], to: bounds.replicas) }
        if isSaturated {
            for index in active { scaleOld(index, to: 0) }
            return
        }
        guard deployment.spec.strategy.type == "RollingUpdate" else { return }
        scaleProportionally(active)
    }

    /// The current set has all its pods, available: the old ones are not needed.
    private var isSaturated: Bool {
        guard let current else { return false }
        return Int(current.spec.replicas) == bounds.replicas
            && current.metadata.annotations[RevisionAnnotations.desired] == String(bounds.replicas)
            && Int(current.status.availableReplicas) == bounds.replicas
    }

    private mutating func scaleProportionally(_ active: [Int]) {
        let allowed = bounds.replicas > 0 ? bounds.most : 0
        let toAdd = allowed - total
        // The largest first; among equals the newer grows and the older shrinks.
        let hasCurrent = (current?.spec.replicas ?? 0) > 0
        let byAge: [Int?] = active.map { $0 } + (hasCurrent ? [nil] : [])
        let ages = toAdd > 0 ? Array(byAge.reversed()) : byAge
        let order = ages.enumerated().sorted { left, right in
            let sizes = (size(left.element), size(right.element))
            return sizes.0 == sizes.1 ? left.offset < right.offset : sizes.0 > sizes.1
        }.map(\.element)
        var added = 0
        var targets = order.map { index in
            let share = toAdd == 0 ? 0 : proportion(of: index, toAdd: toAdd, added: added)
            added += share
            return size(index) + share
        }
        if !targets.isEmpty { targets[0] = max(0, targets[0] + toAdd - added) }
        for (index, target) in zip(order, targets) {
            if let index { scaleOld(index, to: target) } else { scaleCurrent(to: target) }
        }
    }

    /// nil stands for the current set.
    private func set(_ index: Int?) -> ReplicaSet? {
        index.map { old[$0] } ?? current
    }

    private func size(_ index: Int?) -> Int {
        Int(set(index)?.spec.replicas ?? 0)
    }

    private func proportion(of index: Int?, toAdd: Int, added: Int) -> Int {
        guard let set = set(index), set.spec.replicas != 0, toAdd != added else { return 0 }
        let rest = toAdd - added
        let wish = fraction(set)
        return toAdd > 0 ? min(wish, rest) : max(wish, rest)
    }

    /// How much the set would change if it kept its share of all pods.
    private func fraction(_ set: ReplicaSet) -> Int {
        let size = Int(set.spec.replicas)
        guard bounds.replicas > 0 else { return -size }
        let noted = set.metadata.annotations[RevisionAnnotations.maximum].flatMap { Int32($0) }.map(Int.init) ?? 0
        let before = noted > 0 ? noted : max(1, Int(deployment.status.replicas))
        let scaled = (Double(size) * Double(bounds.most) / Double(before)).rounded()
        return Int(min(scaled, Double(Int32.max))) - size
    }
}
