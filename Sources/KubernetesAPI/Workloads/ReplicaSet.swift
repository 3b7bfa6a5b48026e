import APIMachinery
import JSONTree

/// Keeps a number of pods of one template.
package struct ReplicaSet: APIObject {
    package static let kind = ResourceKind(
        group: "apps", kind: "ReplicaSet", plural: "replicasets", shortNames: ["rs"], categories: ["all"],
        subresources: [.status, .scale])

    package final class Fields: FieldSet {
        package let spec = Total<ReplicaSetSpec>("spec", "The pods wanted.")
        package let status = Total<ReplicaSetStatus>("status", "The pods there are.")
        package init() {}
    }

    package static let summary = "Keeps a number of pods of one template."
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// The pods wanted.
package struct ReplicaSetSpec: APIValue {
    package final class Fields: FieldSet {
        package let minReadySeconds = Total<Int32>(
            "minReadySeconds", "Seconds that a pod must be ready before it counts as available.", .minimum(0))
        package let replicas = Total<Int32>("replicas", "Number of pods.", default: 1, .minimum(0))
        package let selector = Total<LabelSelector>(
            "selector", "Labels of the pods; they must match the template and never change.", .required, .atomic,
            .immutable)
        package let template = Total<PodTemplateSpec>("template", "The pods to make.")
        package init() {}
    }

    package static let groupVersion = GroupVersion.apps
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// The pods there are.
package struct ReplicaSetStatus: APIValue {
    package final class Fields: FieldSet {
        package let availableReplicas = Total<Int32>("availableReplicas", "Pods ready for at least minReadySeconds.")
        package let conditions = Total<[ReplicaSetCondition]>(
            "conditions", "ReplicaFailure, where pods could not be made or deleted.", .listMap(["type"]),
            .mergeKey("type"))
        package let fullyLabeledReplicas = Total<Int32>("fullyLabeledReplicas", "Pods with all labels of the template.")
        package let observedGeneration = Total<Int64>(
            "observedGeneration", "Generation of the spec that this status is about.")
        package let readyReplicas = Total<Int32>("readyReplicas", "Pods that are ready.")
        package let replicas = Total<Int32>("replicas", "Pods there are.", .required)
        package let terminatingReplicas = Key<Int32>("terminatingReplicas", "Pods that are being deleted.")
        package init() {}
    }

    package static let groupVersion = GroupVersion.apps
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// One aspect of a ReplicaSet.
package struct ReplicaSetCondition: APIValue {
    package final class Fields: FieldSet {
        package let lastTransitionTime = Key<Timestamp>("lastTransitionTime", "When the status last changed.")
        package let message = Key<String>("message", "Details for people.")
        package let reason = Key<String>("reason", "Why it last changed, in one word.")
        package let status = Total<String>("status", "True, False or Unknown.", .required)
        package let type = Total<String>("type", "What the condition is about.", .required)
        package init() {}
    }

    package static let groupVersion = GroupVersion.apps
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}
