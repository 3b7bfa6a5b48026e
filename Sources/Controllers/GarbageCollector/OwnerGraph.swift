import APIMachinery
import KubernetesAPI

/// Who owns whom. Pure; holds one entry for each object of the kinds that are followed.
package struct OwnerGraph: Sendable {
    /// An object as far as ownership is concerned.
    package struct Item: Sendable, Hashable {
        package let kind: ResourceKind
        package let namespace: String
        package let name: String
        package let uid: String
        package let owners: [OwnerReference]
        package let finalizers: [String]
        package let isEnding: Bool

        package init(_ object: some APIObject) {
            let metadata = object.metadata
            kind = type(of: object).kind
            namespace = metadata.namespace
            name = metadata.name
            uid = metadata.uid
            owners = metadata.ownerReferences
            finalizers = metadata.finalizers
            isEnding = metadata.deletionTimestamp != nil
        }

        /// It goes when those that it owns, and that say so, are gone.
        var waitsForDependents: Bool { isEnding && finalizers.contains(OwnerGraph.foreground) }
        /// An owner with a namespace owns in its own alone.
        func owns(in other: String) -> Bool { namespace.isEmpty || namespace == other }
        /// It goes when those that it owns no longer know it.
        var orphansDependents: Bool { isEnding && finalizers.contains(OwnerGraph.orphan) }
    }

    /// What is to be done about one object.
    package enum Verdict: Sendable, Hashable {
        case nothing
        /// These owners are not known here: whether they exist must be asked.
        case ask([OwnerReference])
        case delete(propagation: String)
        /// Drop these owners, which are gone; others remain.
        case disown([OwnerReference])
        /// Drop the reference to this object from its dependents, then the finalizer.
        case orphanDependents([Item])
        case removeFinalizer(String)
        /// Stop these owners from waiting for this object: it owns what waits for it, in a circle.
        case unblock([OwnerReference])
    }

    static let foreground = "foregroundDeletion"
    static let orphan = "orphan"
    /// Those that the collector takes away.
    static let finalizers = [foreground, orphan]

    private var items: [String: Item] = [:]
    private var dependents: [String: Set<String>] = [:]

    package init() {}

    package subscript(_ uid: String) -> Item? { items[uid] }

    /// Returns the objects to look at again.
    package mutating func put(_ item: Item) -> Set<String> {
        let old = items[item.uid]
        guard old != item else { return [] }
        for owner in old?.owners ?? [] { dependents[owner.uid]?.remove(item.uid) }
        for owner in item.owners { dependents[owner.uid, default: []].insert(item.uid) }
        items[item.uid] = item
        var affected: Set = [item.uid]
        // Those who own it may wait for it, or for it to lose them.
        affected.formUnion((item.owners + (old?.owners ?? [])).map { $0.uid })
        if item.waitsForDependents { affected.formUnion(dependents[item.uid] ?? []) }
        return affected
    }

    /// Returns the objects to look at again: those that it owned, and those that owned it. One that was never put may have owned, too: it was asked for
    /// while it was there.
    package mutating func remove(_ uid: String) -> Set<String> {
        guard let item = items.removeValue(forKey: uid) else { return dependents[uid] ?? [] }
        for owner in item.owners {
            dependents[owner.uid]?.remove(uid)
            if dependents[owner.uid]?.isEmpty == true { dependents[owner.uid] = nil }
        }
        return (dependents[uid] ?? []).union(item.owners.map { $0.uid })
    }

    /// - Parameter absent: owners of which the server said that they do not exist.
    package func verdict(on uid: String, absent: Set<String> = []) -> Verdict {
        guard let item = items[uid] else { return .nothing }
        if item.orphansDependents {
            let owned = (dependents[uid] ?? []).sorted().compactMap { items[$0] }
            return owned.isEmpty ? .removeFinalizer(Self.orphan) : .orphanDependents(owned)
        }
        if item.waitsForDependents {
            return isBlocked(uid) ? .nothing : .removeFinalizer(Self.foreground)
        }
        guard !item.isEnding, !item.owners.isEmpty else { return .nothing }
        return judge(item, absent)
    }

    private func isBlocked(_ uid: String) -> Bool {
        guard let owner = items[uid] else { return false }
        return (dependents[uid] ?? []).contains { dependent in
            guard let dependent = items[dependent], owner.owns(in: dependent.namespace) else { return false }
            return dependent.owners.contains { $0.uid == uid && $0.blockOwnerDeletion == true }
        }
    }

    private func judge(_ item: Item, _ absent: Set<String>) -> Verdict {
        var unknown: [OwnerReference] = []
        var gone: [OwnerReference] = []
        var isHeld = false
        var isAwaited = false
        for owner in item.owners {
            // Elsewhere it counts as absent, which is asked for.
            if let known = items[owner.uid], known.owns(in: item.namespace) {
                if known.waitsForDependents {
                    isAwaited = true
                    gone.append(owner)
                } else {
                    isHeld = true
                }
            } else if absent.contains(owner.uid) {
                gone.append(owner)
            } else {
                unknown.append(owner)
            }
        }
        if !unknown.isEmpty { return .ask(unknown) }
        if isHeld { return gone.isEmpty ? .nothing : .disown(gone) }
        let owned = (dependents[item.uid] ?? []).compactMap { items[$0] }
        guard isAwaited, !owned.isEmpty else { return .delete(propagation: "Background") }
        let blocked = item.owners.filter { $0.blockOwnerDeletion == true }
        if !blocked.isEmpty, owned.contains(where: \.waitsForDependents) { return .unblock(blocked) }
        return .delete(propagation: "Foreground")
    }
}
