import APIMachinery
import JSONTree

/// Settings for pods, as text and bytes under keys.
package struct ConfigMap: APIObject {
    package static let kind = ResourceKind(kind: "ConfigMap", plural: "configmaps", shortNames: ["cm"])

    package final class Fields: FieldSet {
        package let binaryData = Total<[String: Bytes]>(
            "binaryData", "Bytes, by key, in base 64.", .keyFormat(.configKey))
        package let data = Total<[String: String]>("data", "Text, by key.", .keyFormat(.configKey))
        package let immutable = Key<Bool>("immutable", "The data can never change.")
        package init() {}
    }

    package static let summary = "Settings for pods, as text and bytes under keys."
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}
