import APIMachinery
import JSONTree

/// A request for a token of a service account.
package struct TokenRequest: APIObject {
    package static let kind = ResourceKind(
        group: "authentication.k8s.io", kind: "TokenRequest", plural: "tokenrequests")

    package final class Fields: FieldSet {
        package let spec = Total<TokenRequestSpec>("spec", "What is asked for.", .required)
        package let status = Total<TokenRequestStatus>("status", "The answer.")
        package init() {}
    }

    package static let summary = "A request for a token of a service account."
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// What a token is to be good for.
package struct TokenRequestSpec: APIValue {
    package final class Fields: FieldSet {
        package let audiences = Total<[String]>(
            "audiences", "Whom the token is meant for; the API server where it is empty.", .required, .atomic)
        package let boundObjectRef = Key<BoundObjectReference>(
            "boundObjectRef", "The object that the token lives and dies with.")
        package let expirationSeconds = Key<Int64>(
            "expirationSeconds", "Seconds that the token lasts; an hour where absent.")
        package init() {}
    }

    package static let groupVersion = GroupVersion.authentication
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// An object that a token lives and dies with.
package struct BoundObjectReference: APIValue {
    package final class Fields: FieldSet {
        package let apiVersion = Key<String>("apiVersion", "API version of the object.")
        package let kind = Key<String>("kind", "Kind of the object.")
        package let name = Total<String>("name", "Name of the object.")
        package let uid = Total<String>("uid", "UID that the object must have; any where it is empty.")
        package init() {}
    }

    package static let groupVersion = GroupVersion.authentication
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A token.
package struct TokenRequestStatus: APIValue {
    package final class Fields: FieldSet {
        package let expirationTimestamp = Total<Timestamp>("expirationTimestamp", "When it expires.", .required)
        package let token = Total<String>("token", "The token.", .required)
        package init() {}
    }

    package static let groupVersion = GroupVersion.authentication
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}
