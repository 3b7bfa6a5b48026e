import APIMachinery
import JSONTree

/// A question whose token this is.
package struct TokenReview: APIObject {
    package static let kind = ResourceKind(
        group: "authentication.k8s.io", kind: "TokenReview", plural: "tokenreviews", isNamespaced: false)

    package final class Fields: FieldSet {
        package let spec = Total<TokenReviewSpec>("spec", "What is asked.", .required)
        package let status = Total<TokenReviewStatus>("status", "The answer.")
        package init() {}
    }

    package static let summary = "A question whose token this is."
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A token.
package struct TokenReviewSpec: APIValue {
    package final class Fields: FieldSet {
        package let audiences = Total<[String]>(
            "audiences", "Whom the token must be meant for one of; the API server where it is empty.", .atomic)
        package let token = Total<String>("token", "The token.")
        package init() {}
    }

    package static let groupVersion = GroupVersion.authentication
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// Whose token it is.
package struct TokenReviewStatus: APIValue {
    package final class Fields: FieldSet {
        package let audiences = Total<[String]>("audiences", "Those asked for that the token is meant for.", .atomic)
        package let authenticated = Total<Bool>("authenticated", "The token holds.")
        package let error = Total<String>("error", "Why it could not be checked.")
        package let user = Total<UserInfo>("user", "Whose it is.")
        package init() {}
    }

    package static let groupVersion = GroupVersion.authentication
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A question who the one who asks is.
package struct SelfSubjectReview: APIObject {
    package static let kind = ResourceKind(
        group: "authentication.k8s.io", kind: "SelfSubjectReview", plural: "selfsubjectreviews", isNamespaced: false)

    package final class Fields: FieldSet {
        package let status = Total<SelfSubjectReviewStatus>("status", "The answer.")
        package init() {}
    }

    package static let summary = "A question who the one who asks is."
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// Who asks.
package struct SelfSubjectReviewStatus: APIValue {
    package final class Fields: FieldSet {
        package let userInfo = Total<UserInfo>("userInfo", "As what the server knows the one who asks.")
        package init() {}
    }

    package static let groupVersion = GroupVersion.authentication
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// Who someone is.
package struct UserInfo: APIValue {
    package final class Fields: FieldSet {
        package let extra = Total<[String: [String]]>("extra", "What the credential says besides.")
        package let groups = Total<[String]>("groups", "The groups that it is in.", .atomic)
        package let uid = Total<String>("uid", "Its identifier.")
        package let username = Total<String>("username", "Its name.")
        package init() {}
    }

    package static let groupVersion = GroupVersion.authentication
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}
