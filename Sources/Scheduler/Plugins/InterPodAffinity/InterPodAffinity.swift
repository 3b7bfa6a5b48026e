import APIMachinery
import KubernetesAPI

/// Pods near certain others, or away from them, within a topology.
struct InterPodAffinity: SchedulingPlugin {
    let helpedBy: ClusterChange = [.nodeAdded, .nodeLabels, .podPlaced, .podGone]
    let weight: Int64 = 2

    func begin(_ pod: PodInfo, _ cluster: ClusterCache) -> (any PluginRun)? {
        let near = pod.affinity?.podAffinity
        let apart = pod.affinity?.podAntiAffinity
        guard near != nil || apart != nil || cluster.shunningPods > 0 else { return nil }
        let required = (near?.requiredDuringSchedulingIgnoredDuringExecution ?? []).map { AffinityTerm($0, of: pod) }
        let forbidden = (apart?.requiredDuringSchedulingIgnoredDuringExecution ?? []).map { AffinityTerm($0, of: pod) }
        let wishes =
            (near?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map {
                (AffinityTerm($0.podAffinityTerm, of: pod), Int64($0.weight))
            }
            + (apart?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map {
                (AffinityTerm($0.podAffinityTerm, of: pod), -Int64($0.weight))
            }
        return InterPodAffinityRun(pod, cluster, required: required, forbidden: forbidden, wishes: wishes)
    }
}

/// One domain of a topology: a label and its value.
struct TopologyDomain: Hashable, Sendable {
    let key: String
    let value: String
}

/// A term with what of it depends on its pod worked out.
struct AffinityTerm: Sendable {
    let topologyKey: String
    /// nil matches nothing.
    private let selector: LabelExpression?
    private let extra: [(key: String, value: String, isEqual: Bool)]
    private let namespaces: Set<String>
    private let isEverywhere: Bool

    init(_ term: PodAffinityTerm, of pod: PodInfo) {
        topologyKey = term.topologyKey
        selector = term.labelSelector.flatMap { try? LabelExpression($0) }
        extra =
            term.matchLabelKeys.compactMap { key in pod.labels[key].map { (key, $0, true) } }
            + term.mismatchLabelKeys.compactMap { key in pod.labels[key].map { (key, $0, false) } }
        let named = term.namespaces
        let hasSelector = term.namespaceSelector != nil
        // An empty namespace selector means all; the labels of namespaces are not known here, so another selects by name alone.
        isEverywhere = term.namespaceSelector?.storage.isEmpty ?? false
        namespaces = named.isEmpty && !hasSelector ? [pod.namespace] : Set(named)
    }

    func matches(_ pod: PodInfo) -> Bool {
        guard let selector, isEverywhere || namespaces.contains(pod.namespace) else { return false }
        return selector.matches(pod.labels) && extra.allSatisfy { (pod.labels[$0.key] == $0.value) == $0.isEqual }
    }
}

private struct InterPodAffinityRun: PluginRun {
    private let required: [AffinityTerm]
    /// For each required term the domains where a pod is that matches all of them.
    private var present: [Set<TopologyDomain>]
    /// The pod matches its own terms and no other does: the first of its kind may go anywhere.
    private var isFirst = false
    private let forbidden: [AffinityTerm]
    private var occupied: [Set<TopologyDomain>]
    /// Domains where a pod is that does not want this one near.
    private var shunned: Set<TopologyDomain> = []
    private var wished: [TopologyDomain: Int64] = [:]
    private let wishKeys: Set<String>
    let scale = ScoreScale.range

    init(
        _ pod: PodInfo, _ cluster: ClusterCache, required: [AffinityTerm], forbidden: [AffinityTerm],
        wishes: [(AffinityTerm, Int64)]
    ) {
        self.required = required
        self.forbidden = forbidden
        present = .init(repeating: [], count: required.count)
        occupied = .init(repeating: [], count: forbidden.count)
        wishKeys = Set(wishes.map(\.0.topologyKey))
        for node in cluster.nodes {
            for uid in node.shunning {
                if let other = node.pods[uid] { noteShunning(other, of: pod, node) }
            }
            guard !required.isEmpty || !forbidden.isEmpty || !wishes.isEmpty else { continue }
            for other in node.pods.values { note(other, node, wishes) }
        }
        isFirst = !required.isEmpty && present.allSatisfy(\.isEmpty) && required.allSatisfy { $0.matches(pod) }
    }

    private mutating func noteShunning(_ other: PodInfo, of pod: PodInfo, _ node: NodeInfo) {
        for term in other.requiredAntiAffinity {
            let term = AffinityTerm(term, of: other)
            guard let value = node.labels[term.topologyKey], term.matches(pod) else { continue }
            shunned.insert(TopologyDomain(key: term.topologyKey, value: value))
        }
    }

    private mutating func note(_ other: PodInfo, _ node: NodeInfo, _ wishes: [(AffinityTerm, Int64)]) {
        // Near one pod that meets all terms, not near one pod for each.
        if !required.isEmpty, required.allSatisfy({ $0.matches(other) }) {
            for (index, term) in required.enumerated() {
                if let domain = Self.domain(of: node, term) { present[index].insert(domain) }
            }
        }
        for (index, term) in forbidden.enumerated() {
            if let domain = Self.domain(of: node, term), term.matches(other) { occupied[index].insert(domain) }
        }
        for (term, weight) in wishes {
            if let domain = Self.domain(of: node, term), term.matches(other) { wished[domain, default: 0] += weight }
        }
    }

    private static func domain(of node: NodeInfo, _ term: AffinityTerm) -> TopologyDomain? {
        node.labels[term.topologyKey].map { TopologyDomain(key: term.topologyKey, value: $0) }
    }

    func obstacles(on node: NodeInfo) -> [String] {
        let isNear = required.indices.allSatisfy { index in
            guard let domain = Self.domain(of: node, required[index]) else { return false }
            return isFirst || present[index].contains(domain)
        }
        guard isNear else { return ["node(s) didn't match pod affinity rules"] }
        let isApart = forbidden.indices.allSatisfy { index in
            Self.domain(of: node, forbidden[index]).map { !occupied[index].contains($0) } ?? true
        }
        guard isApart else { return ["node(s) didn't match pod anti-affinity rules"] }
        let isShunned = shunned.contains { node.labels[$0.key] == $0.value }
        return isShunned ? ["node(s) didn't satisfy existing pods anti-affinity rules"] : []
    }

    func score(_ node: NodeInfo) -> Int64 {
        wishKeys.reduce(0) { sum, key in
            guard let value = node.labels[key] else { return sum }
            return sum + (wished[TopologyDomain(key: key, value: value)] ?? 0)
        }
    }
}
