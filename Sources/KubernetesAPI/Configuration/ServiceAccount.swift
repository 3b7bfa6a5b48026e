import APIMachinery
import JSONTree

/// An identity for pods.
package struct ServiceAccount: APIObject {
    package static let kind = ResourceKind(kind: "ServiceAccount", plural: "serviceaccounts", shortNames: ["sa"])

    package final class Fields: FieldSet {
        package let automountServiceAccountToken = Key<Bool>(
            "automountServiceAccountToken", "Whether pods with this identity get a token by default.")
        package let imagePullSecrets = Total<[LocalObjectReference]>(
            "imagePullSecrets", "Registry credentials given to pods with this identity.", .atomic)
        package let secrets = Total<[ObjectReference]>(
            "secrets", "Secrets that pods with this identity may use.", .listMap(["name"]), .mergeKey("name"),
            .repeatable)
        package init() {}
    }

    package static let summary = "An identity for pods."
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}
