import APIMachinery
import JSONTree

/// Confidential settings for pods.
package struct Secret: APIObject {
    package static let kind = ResourceKind(kind: "Secret", plural: "secrets")

    package final class Fields: FieldSet {
        package let data = Total<[String: Bytes]>(
            "data", "Bytes, by key, in base 64.", .keyFormat(.configKey), .confidential)
        package let immutable = Key<Bool>("immutable", "The data can never change.")
        package let stringData = Total<[String: String]>(
            "stringData", "Text that is put into data on a write, and never read back.", .keyFormat(.configKey),
            .confidential)
        package let type = Total<String>(
            "type", "What the secret is for; it says which keys must be there.", default: "Opaque", .immutable)
        package init() {}
    }

    package static let summary = "Confidential settings for pods."
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}
