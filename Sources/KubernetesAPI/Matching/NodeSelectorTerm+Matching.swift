extension NodeSelectorTerm {
    /// All requirements hold; a term without any matches nothing.
    package func matches(_ labels: [String: String], name: String) -> Bool {
        let expressions = self.matchExpressions
        let fields = self.matchFields
        guard !expressions.isEmpty || !fields.isEmpty else { return false }
        return expressions.allSatisfy { $0.matches(labels[$0.key]) }
            && fields.allSatisfy { $0.key == "metadata.name" && $0.matches(name) }
    }
}

extension NodeSelectorRequirement {
    /// `value` is nil where the label is absent.
    package func matches(_ value: String?) -> Bool {
        switch self.operator {
        case "In": value.map(self.values.contains) ?? false
        case "NotIn": !(value.map(self.values.contains) ?? false)
        case "Exists": value != nil
        case "DoesNotExist": value == nil
        case "Gt": compare(value, >)
        case "Lt": compare(value, <)
        default: false
        }
    }

    private func compare(_ value: String?, _ isIn: (Int64, Int64) -> Bool) -> Bool {
        guard let left = value.flatMap({ Int64($0) }), let right = self.values.first.flatMap({ Int64($0) }) else {
            return false
        }
        return isIn(left, right)
    }
}
