import APIMachinery
import JSONTree

/// Where a pod would like to run, or must.
package struct Affinity: APIValue {
    package final class Fields: FieldSet {
        package let nodeAffinity = Key<NodeAffinity>("nodeAffinity", "Rules about the node's labels.")
        package let podAffinity = Key<PodAffinity>("podAffinity", "Pods to be close to.")
        package let podAntiAffinity = Key<PodAntiAffinity>("podAntiAffinity", "Pods to be apart from.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// Rules about the labels of the node.
package struct NodeAffinity: APIValue {
    package final class Fields: FieldSet {
        package let preferredDuringSchedulingIgnoredDuringExecution = Total<[PreferredSchedulingTerm]>(
            "preferredDuringSchedulingIgnoredDuringExecution",
            "Terms that add to the score of a node that matches them.", .atomic)
        package let requiredDuringSchedulingIgnoredDuringExecution = Key<NodeSelector>(
            "requiredDuringSchedulingIgnoredDuringExecution", "What a node must match for the pod to be placed there.",
            .atomic)
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A preference for nodes, with its weight.
package struct PreferredSchedulingTerm: APIValue {
    package final class Fields: FieldSet {
        package let preference = Total<NodeSelectorTerm>("preference", "The nodes preferred.", .required, .atomic)
        package let weight = Total<Int32>("weight", "Score of a match.", .required)
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// Alternatives, of which a node must match one.
package struct NodeSelector: APIValue {
    package final class Fields: FieldSet {
        package let nodeSelectorTerms = Total<[NodeSelectorTerm]>(
            "nodeSelectorTerms", "The alternatives.", .required, .atomic, .minItems(1))
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// Demands on a node that must all hold; none matches nothing.
package struct NodeSelectorTerm: APIValue {
    package final class Fields: FieldSet {
        package let matchExpressions = Total<[NodeSelectorRequirement]>(
            "matchExpressions", "Demands on labels.", .atomic)
        package let matchFields = Total<[NodeSelectorRequirement]>(
            "matchFields", "Demands on fields; metadata.name is the one there is.", .atomic)
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// One demand on a label or field.
package struct NodeSelectorRequirement: APIValue {
    package final class Fields: FieldSet {
        package let key = Total<String>("key", "The label or field.", .required)
        package let `operator` = Total<String>(
            "operator", "How it relates to the values.", .required,
            .oneOf(["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"]))
        package let values = Total<[String]>(
            "values", "The values: some for In and NotIn, one integer for Gt and Lt, none for the others.", .atomic)
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// Pods to be close to.
package struct PodAffinity: APIValue {
    package final class Fields: FieldSet {
        package let preferredDuringSchedulingIgnoredDuringExecution = Total<[WeightedPodAffinityTerm]>(
            "preferredDuringSchedulingIgnoredDuringExecution",
            "Terms that add to the score of a node in a domain where they match.", .atomic)
        package let requiredDuringSchedulingIgnoredDuringExecution = Total<[PodAffinityTerm]>(
            "requiredDuringSchedulingIgnoredDuringExecution", "Terms that must all match in the node's domain.", .atomic
        )
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// Pods to be apart from.
package struct PodAntiAffinity: APIValue {
    package final class Fields: FieldSet {
        package let preferredDuringSchedulingIgnoredDuringExecution = Total<[WeightedPodAffinityTerm]>(
            "preferredDuringSchedulingIgnoredDuringExecution",
            "Terms that take from the score of a node in a domain where they match.", .atomic)
        package let requiredDuringSchedulingIgnoredDuringExecution = Total<[PodAffinityTerm]>(
            "requiredDuringSchedulingIgnoredDuringExecution", "Terms of which none may match in the node's domain.",
            .atomic)
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A preference about pods, with its weight.
package struct WeightedPodAffinityTerm: APIValue {
    package final class Fields: FieldSet {
        package let podAffinityTerm = Total<PodAffinityTerm>("podAffinityTerm", "The pods meant.", .required)
        package let weight = Total<Int32>("weight", "Score of a match.", .required)
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// Pods, and the topology within which they are near.
package struct PodAffinityTerm: APIValue {
    package final class Fields: FieldSet {
        package let labelSelector = Key<LabelSelector>("labelSelector", "The pods meant; absent: none.", .atomic)
        package let matchLabelKeys = Total<[String]>(
            "matchLabelKeys", "Labels of this pod whose values a pod must share.", .atomic)
        package let mismatchLabelKeys = Total<[String]>(
            "mismatchLabelKeys", "Labels of this pod whose values a pod must not share.", .atomic)
        package let namespaceSelector = Key<LabelSelector>(
            "namespaceSelector", "Namespaces to look in by their labels; empty: all of them.", .atomic)
        package let namespaces = Total<[String]>(
            "namespaces", "Namespaces to look in by name; with no selector either, the pod's own.", .atomic)
        package let topologyKey = Total<String>(
            "topologyKey", "Node label: nodes with the same value are near each other.", .required,
            .format(.qualifiedName))
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}
