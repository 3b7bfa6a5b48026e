import APIMachinery
import JSONTree

/// A question whether someone may do something.
package struct SubjectAccessReview: APIObject {
    package static let kind = ResourceKind(
        group: "authorization.k8s.io", kind: "SubjectAccessReview", plural: "subjectaccessreviews", isNamespaced: false)

    package final class Fields: FieldSet {
        package let spec = Total<SubjectAccessReviewSpec>("spec", "What is asked.", .required)
        package let status = Total<SubjectAccessReviewStatus>("status", "The answer.")
        package init() {}
    }

    package static let summary = "A question whether someone may do something."
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A question whether someone may do something in a namespace.
package struct LocalSubjectAccessReview: APIObject {
    package static let kind = ResourceKind(
        group: "authorization.k8s.io", kind: "LocalSubjectAccessReview", plural: "localsubjectaccessreviews")

    package final class Fields: FieldSet {
        package let spec = Total<SubjectAccessReviewSpec>("spec", "What is asked.", .required)
        package let status = Total<SubjectAccessReviewStatus>("status", "The answer.")
        package init() {}
    }

    package static let summary = "A question whether someone may do something in a namespace."
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A question whether the one who asks may do something.
package struct SelfSubjectAccessReview: APIObject {
    package static let kind = ResourceKind(
        group: "authorization.k8s.io", kind: "SelfSubjectAccessReview", plural: "selfsubjectaccessreviews",
        isNamespaced: false)

    package final class Fields: FieldSet {
        package let spec = Total<SelfSubjectAccessReviewSpec>("spec", "What is asked.", .required)
        package let status = Total<SubjectAccessReviewStatus>("status", "The answer.")
        package init() {}
    }

    package static let summary = "A question whether the one who asks may do something."
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// Who would do what: one of the attributes, and a user or groups.
package struct SubjectAccessReviewSpec: APIValue {
    package final class Fields: FieldSet {
        package let extra = Total<[String: [String]]>("extra", "What its credential says besides.")
        package let groups = Total<[String]>("groups", "The groups that it is in.", .atomic)
        package let nonResourceAttributes = Key<NonResourceAttributes>(
            "nonResourceAttributes", "A path that names no resource.")
        package let resourceAttributes = Key<ResourceAttributes>("resourceAttributes", "A verb on a resource.")
        package let uid = Total<String>("uid", "Its identifier.")
        package let user = Total<String>("user", "Who it is.")
        package init() {}
    }

    package static let groupVersion = GroupVersion.authorization
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// What the one who asks would do: one of the attributes.
package struct SelfSubjectAccessReviewSpec: APIValue {
    package final class Fields: FieldSet {
        package let nonResourceAttributes = Key<NonResourceAttributes>(
            "nonResourceAttributes", "A path that names no resource.")
        package let resourceAttributes = Key<ResourceAttributes>("resourceAttributes", "A verb on a resource.")
        package init() {}
    }

    package static let groupVersion = GroupVersion.authorization
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A verb on a resource.
package struct ResourceAttributes: APIValue {
    package final class Fields: FieldSet {
        package let fieldSelector = Key<FieldSelectorAttributes>(
            "fieldSelector", "What a list or watch is narrowed to by fields.")
        package let group = Total<String>("group", "The resource's group; * for all.")
        package let labelSelector = Key<LabelSelectorAttributes>(
            "labelSelector", "What a list or watch is narrowed to by labels.")
        package let name = Total<String>("name", "One object's name; empty for all.")
        package let namespace = Total<String>(
            "namespace", "Empty for a resource of the whole cluster, or for all namespaces.")
        package let resource = Total<String>("resource", "The resource in the plural; * for all.")
        package let subresource = Total<String>("subresource", "A part of it, such as status.")
        package let verb = Total<String>("verb", "Such as get or list; * for all.")
        package let version = Total<String>("version", "The resource's version; * for all.")
        package init() {}
    }

    package static let groupVersion = GroupVersion.authorization
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A request for a path that names no resource.
package struct NonResourceAttributes: APIValue {
    package final class Fields: FieldSet {
        package let path = Total<String>("path", "The path.")
        package let verb = Total<String>("verb", "The HTTP method, in lower case.")
        package init() {}
    }

    package static let groupVersion = GroupVersion.authorization
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A selector of fields: as text, or taken apart.
package struct FieldSelectorAttributes: APIValue {
    package final class Fields: FieldSet {
        package let rawSelector = Total<String>("rawSelector", "As a query has it.")
        package let requirements = Total<[FieldSelectorRequirement]>("requirements", "All must hold.", .atomic)
        package init() {}
    }

    package static let groupVersion = GroupVersion.authorization
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A selector of labels: as text, or taken apart.
package struct LabelSelectorAttributes: APIValue {
    package final class Fields: FieldSet {
        package let rawSelector = Total<String>("rawSelector", "As a query has it.")
        package let requirements = Total<[LabelSelectorRequirement]>("requirements", "All must hold.", .atomic)
        package init() {}
    }

    package static let groupVersion = GroupVersion.authorization
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// One requirement on one field.
package struct FieldSelectorRequirement: APIValue {
    package final class Fields: FieldSet {
        package let key = Total<String>("key", "Path of the field.", .required)
        package let `operator` = Total<String>("operator", "How the field relates to the values.", .required)
        package let values = Total<[String]>("values", "Values for In and NotIn.", .atomic)
        package init() {}
    }

    package static let groupVersion = GroupVersion.meta
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// Whether it may.
package struct SubjectAccessReviewStatus: APIValue {
    package final class Fields: FieldSet {
        package let allowed = Total<Bool>("allowed", "It may.", .required)
        package let denied = Total<Bool>("denied", "It may not, whatever other rules say.")
        package let evaluationError = Total<String>("evaluationError", "Why not every rule could be looked at.")
        package let reason = Total<String>("reason", "Why.")
        package init() {}
    }

    package static let groupVersion = GroupVersion.authorization
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}
