import APIMachinery
import JSONTree

/// Keeps a number of pods of one template and replaces them step by step when it changes.
package struct Deployment: APIObject {
    package static let kind = ResourceKind(
        group: "apps", kind: "Deployment", plural: "deployments", shortNames: ["deploy"], categories: ["all"],
        subresources: [.status, .scale])

    package final class Fields: FieldSet {
        package let spec = Total<DeploymentSpec>("spec", "The pods wanted, and how to get from the old to the new.")
        package let status = Total<DeploymentStatus>("status", "How far the roll-out is.")
        package init() {}
    }

    package static let summary =
        "Keeps a number of pods of one template and replaces them step by step when it changes."
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// The pods wanted, and how to get from the old to the new.
package struct DeploymentSpec: APIValue {
    package final class Fields: FieldSet {
        package let minReadySeconds = Total<Int32>(
            "minReadySeconds", "Seconds that a pod must be ready before it counts as available.", .minimum(0))
        package let paused = Total<Bool>("paused", "Changes of the template are held back.")
        package let progressDeadlineSeconds = Total<Int32>(
            "progressDeadlineSeconds", "Seconds without progress after which the roll-out counts as failed.",
            default: 600, .minimum(0))
        package let replicas = Total<Int32>("replicas", "Number of pods.", default: 1, .minimum(0))
        package let revisionHistoryLimit = Total<Int32>(
            "revisionHistoryLimit", "How many old ReplicaSets are kept to go back to.", default: 10, .minimum(0))
        package let selector = Total<LabelSelector>(
            "selector", "Labels of the pods; they must match the template and never change.", .required, .atomic,
            .immutable)
        package let strategy = Total<DeploymentStrategy>(
            "strategy", "How old pods are replaced.", default: DeploymentStrategy(), .retainKeys)
        package let template = Total<PodTemplateSpec>("template", "The pods to make.", .required)
        package init() {}
    }

    package static let groupVersion = GroupVersion.apps
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// How old pods are replaced.
package struct DeploymentStrategy: APIValue {
    package final class Fields: FieldSet {
        package let rollingUpdate = Key<RollingUpdateDeployment>(
            "rollingUpdate", "Bounds of a step, for type RollingUpdate.")
        package let type = Total<String>(
            "type", "All at once after the old are gone, or step by step.", default: "RollingUpdate",
            .oneOf(["Recreate", "RollingUpdate"]))
        package init() {}
    }

    package static let groupVersion = GroupVersion.apps
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// Bounds of a rolling update.
package struct RollingUpdateDeployment: APIValue {
    package final class Fields: FieldSet {
        package let maxSurge = Total<IntOrString>(
            "maxSurge", "How many pods there may be beyond replicas; a percentage is rounded up.",
            default: .string("25%"))
        package let maxUnavailable = Total<IntOrString>(
            "maxUnavailable", "How many pods may be unavailable; a percentage is rounded down.", default: .string("25%")
        )
        package init() {}
    }

    package static let groupVersion = GroupVersion.apps
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// How far a roll-out is.
package struct DeploymentStatus: APIValue {
    package final class Fields: FieldSet {
        package let availableReplicas = Total<Int32>("availableReplicas", "Pods ready for at least minReadySeconds.")
        package let collisionCount = Key<Int32>("collisionCount", "Collisions of template hashes so far.")
        package let conditions = Total<[DeploymentCondition]>(
            "conditions", "Available, Progressing and ReplicaFailure.", .listMap(["type"]), .mergeKey("type"))
        package let observedGeneration = Total<Int64>(
            "observedGeneration", "Generation of the spec that this status is about.")
        package let readyReplicas = Total<Int32>("readyReplicas", "Pods that are ready.")
        package let replicas = Total<Int32>("replicas", "Pods there are.")
        package let terminatingReplicas = Key<Int32>("terminatingReplicas", "Pods that are being deleted.")
        package let unavailableReplicas = Total<Int32>("unavailableReplicas", "Pods that are still missing.")
        package let updatedReplicas = Total<Int32>("updatedReplicas", "Pods of the current template.")
        package init() {}
    }

    package static let groupVersion = GroupVersion.apps
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// One aspect of a roll-out.
package struct DeploymentCondition: APIValue {
    package final class Fields: FieldSet {
        package let lastTransitionTime = Key<Timestamp>("lastTransitionTime", "When the status last changed.")
        package let lastUpdateTime = Key<Timestamp>("lastUpdateTime", "When the condition was last written.")
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
