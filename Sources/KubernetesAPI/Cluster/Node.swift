import APIMachinery
import JSONTree

/// A machine that runs pods.
package struct Node: APIObject {
    package static let kind = ResourceKind(
        kind: "Node", plural: "nodes", shortNames: ["no"], isNamespaced: false, subresources: [.status])

    package final class Fields: FieldSet {
        package let spec = Total<NodeSpec>("spec", "Settings of the machine in this cluster.")
        package let status = Total<NodeStatus>("status", "What the machine has and how it fares.")
        package init() {}
    }

    package static let summary = "A machine that runs pods."
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// Settings of a machine in this cluster.
package struct NodeSpec: APIValue {
    package final class Fields: FieldSet {
        package let configSource = Key<NodeConfigSource>("configSource", "No longer used.")
        package let externalID = Key<String>("externalID", "No longer used.")
        package let podCIDR = Key<String>("podCIDR", "Network of its pods' addresses.")
        package let podCIDRs = Total<[String]>(
            "podCIDRs", "Networks of its pods' addresses, at most one of each family.", .set, .mergeItems, .maxItems(2))
        package let providerID = Key<String>("providerID", "Identifier with the provider before it: PROVIDER://ID.")
        package let taints = Total<[Taint]>("taints", "Marks that keep pods away that do not tolerate them.", .atomic)
        package let unschedulable = Total<Bool>("unschedulable", "No new pods are placed here.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A mark on a node that keeps pods away.
package struct Taint: APIValue {
    package final class Fields: FieldSet {
        package let effect = Total<String>(
            "effect", "Whether pods are kept away, kept away if possible, or evicted too.", .required,
            .oneOf(["NoSchedule", "PreferNoSchedule", "NoExecute"]))
        package let key = Total<String>("key", "Key of the taint.", .required, .format(.qualifiedName))
        package let timeAdded = Key<Timestamp>("timeAdded", "When it was added.")
        package let value = Key<String>("value", "Value of the taint.", .format(.labelValue))
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// No longer used.
package struct NodeConfigSource: APIValue {
    package final class Fields: FieldSet {
        package let configMap = Key<ConfigMapNodeConfigSource>("configMap", "No longer used.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// No longer used.
package struct ConfigMapNodeConfigSource: APIValue {
    package final class Fields: FieldSet {
        package let kubeletConfigKey = Total<String>("kubeletConfigKey", "No longer used.", .required)
        package let name = Total<String>("name", "No longer used.", .required)
        package let namespace = Total<String>("namespace", "No longer used.", .required)
        package let resourceVersion = Key<String>("resourceVersion", "No longer used.")
        package let uid = Key<String>("uid", "No longer used.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}
