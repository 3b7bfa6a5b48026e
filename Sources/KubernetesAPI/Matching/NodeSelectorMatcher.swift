/// A node selector term read once, to be asked about many nodes.
package struct NodeSelectorMatcher: Sendable {
    private enum Relation: Sendable {
        case isIn(Set<String>)
        case isNotIn(Set<String>)
        case exists
        case isAbsent
        case isGreater(Int64)
        case isLess(Int64)
        /// An operator or a value that is not known.
        case never

        init(_ requirement: NodeSelectorRequirement) {
            let values = requirement.values
            let number = values.first.flatMap { Int64($0) }
            switch requirement.operator {
            case "In": self = .isIn(Set(values))
            case "NotIn": self = .isNotIn(Set(values))
            case "Exists": self = .exists
            case "DoesNotExist": self = .isAbsent
            case "Gt": self = number.map { .isGreater($0) } ?? .never
            case "Lt": self = number.map { .isLess($0) } ?? .never
            default: self = .never
            }
        }

        /// `value` is nil where the label is absent.
        func holds(for value: String?) -> Bool {
            switch self {
            case .isIn(let values): value.map(values.contains) ?? false
            case .isNotIn(let values): !(value.map(values.contains) ?? false)
            case .exists: value != nil
            case .isAbsent: value == nil
            case .isGreater(let bound): value.flatMap { Int64($0) }.map { $0 > bound } ?? false
            case .isLess(let bound): value.flatMap { Int64($0) }.map { $0 < bound } ?? false
            case .never: false
            }
        }
    }

    private let labels: [(key: String, relation: Relation)]
    /// metadata.name is the one field there is.
    private let names: [Relation]

    package init(_ term: NodeSelectorTerm) {
        labels = term.matchExpressions.map { ($0.key, Relation($0)) }
        names = term.matchFields.map { $0.key == "metadata.name" ? Relation($0) : .never }
    }

    /// All requirements hold; a term without any matches nothing.
    package func matches(_ nodeLabels: [String: String], name: String) -> Bool {
        guard !labels.isEmpty || !names.isEmpty else { return false }
        return labels.allSatisfy { $0.relation.holds(for: nodeLabels[$0.key]) }
            && names.allSatisfy { $0.holds(for: name) }
    }
}

extension PodSpec {
    /// Whether the node has the labels that the pod must find on it: those of `nodeSelector`, and of one term of its required node affinity.
    package func selects(node name: String, labels: [String: String]) -> Bool {
        let required = self.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
        let terms = required?.nodeSelectorTerms.map(NodeSelectorMatcher.init)
        return self.nodeSelector.allSatisfy { labels[$0.key] == $0.value }
            && terms?.contains { $0.matches(labels, name: name) } ?? true
    }
}
