import APIMachinery
import JSONTree

/// A question what the one who asks may do in a namespace.
package struct SelfSubjectRulesReview: APIObject {
    package static let kind = ResourceKind(
        group: "authorization.k8s.io", kind: "SelfSubjectRulesReview", plural: "selfsubjectrulesreviews",
        isNamespaced: false)

    package final class Fields: FieldSet {
        package let spec = Total<SelfSubjectRulesReviewSpec>("spec", "What is asked.", .required)
        package let status = Total<SubjectRulesReviewStatus>("status", "The answer.")
        package init() {}
    }

    package static let summary = "A question what the one who asks may do in a namespace."
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// Where something would be done.
package struct SelfSubjectRulesReviewSpec: APIValue {
    package final class Fields: FieldSet {
        package let namespace = Total<String>("namespace", "The namespace.")
        package init() {}
    }

    package static let groupVersion = GroupVersion.authorization
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// What may be done.
package struct SubjectRulesReviewStatus: APIValue {
    package final class Fields: FieldSet {
        package let evaluationError = Total<String>("evaluationError", "Why not every rule could be looked at.")
        package let incomplete = Total<Bool>("incomplete", "There may be more.", .required)
        package let nonResourceRules = Total<[NonResourceRule]>(
            "nonResourceRules", "What may be done with paths that name no resource.", .required, .atomic)
        package let resourceRules = Total<[ResourceRule]>(
            "resourceRules", "What may be done with resources.", .required, .atomic)
        package init() {}
    }

    package static let groupVersion = GroupVersion.authorization
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// Verbs on resources.
package struct ResourceRule: APIValue {
    package final class Fields: FieldSet {
        package let apiGroups = Total<[String]>("apiGroups", "Groups; * for all.", .atomic)
        package let resourceNames = Total<[String]>(
            "resourceNames", "Names of objects; all where it is empty.", .atomic)
        package let resources = Total<[String]>("resources", "Resources in the plural; * for all.", .atomic)
        package let verbs = Total<[String]>("verbs", "Verbs; * for all.", .required, .atomic)
        package init() {}
    }

    package static let groupVersion = GroupVersion.authorization
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// Verbs on paths that name no resource.
package struct NonResourceRule: APIValue {
    package final class Fields: FieldSet {
        package let nonResourceURLs = Total<[String]>(
            "nonResourceURLs", "Paths; * at the end for what follows.", .atomic)
        package let verbs = Total<[String]>("verbs", "Methods, in lower case; * for all.", .required, .atomic)
        package init() {}
    }

    package static let groupVersion = GroupVersion.authorization
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}
