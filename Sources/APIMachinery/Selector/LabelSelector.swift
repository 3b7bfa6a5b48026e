import JSONTree

/// Which objects are meant, by their labels: every requirement must hold. An empty selector matches everything.
package struct LabelSelector: APIValue {
    package final class Fields: FieldSet {
        package let matchLabels = Total<[String: String]>("matchLabels", "Labels that must have these values.")
        package let matchExpressions = Total<[LabelSelectorRequirement]>(
            "matchExpressions", "Further requirements.", .atomic)
        package init() {}
    }

    package static let groupVersion = GroupVersion.meta
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// One requirement on one label.
package struct LabelSelectorRequirement: APIValue {
    package final class Fields: FieldSet {
        package let key = Total<String>("key", "Label that the requirement is about.", .required)
        package let `operator` = Total<String>(
            "operator", "How the label relates to the values.", .required,
            .oneOf(["In", "NotIn", "Exists", "DoesNotExist"]))
        package let values = Total<[String]>("values", "Values for In and NotIn.", .atomic)
        package init() {}
    }

    package static let groupVersion = GroupVersion.meta
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

extension LabelSelector {
    package func matches(_ labels: [String: String]) -> Bool {
        self.matchLabels.allSatisfy { labels[$0.key] == $0.value }
            && self.matchExpressions.allSatisfy { $0.matches(labels) }
    }
}

extension LabelSelectorRequirement {
    /// A requirement with an unknown operator matches nothing.
    package func matches(_ labels: [String: String]) -> Bool {
        let value = labels[self.key]
        return switch self.operator {
        case "In": value.map(self.values.contains) ?? false
        case "NotIn": !(value.map(self.values.contains) ?? false)
        case "Exists": value != nil
        case "DoesNotExist": value == nil
        default: false
        }
    }
}
