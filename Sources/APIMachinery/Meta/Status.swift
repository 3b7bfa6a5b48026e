import JSONTree

/// The API's answer where it returns no object: an error with its reason, or a bare success. Thrown as it is; its JSON is the response body.
package struct Status: APIValue, Error {
    package final class Fields: FieldSet {
        package let apiVersion = Total<String>("apiVersion", "Always v1.")
        package let kind = Total<String>("kind", "Always Status.")
        package let metadata = Key<ListMeta>("metadata", "Empty.")
        package let status = Total<String>("status", "Success or Failure.")
        package let message = Total<String>("message", "What a person should know.")
        package let reason = Total<String>("reason", "One CamelCase word that programs can tell failures apart by.")
        package let details = Key<StatusDetails>("details", "Which object, which fields, when to try again.")
        package let code = Total<Int32>("code", "HTTP status code.")
        package init() {}
    }

    package static let groupVersion = GroupVersion.meta
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// What a `Status` is about.
package struct StatusDetails: APIValue {
    package final class Fields: FieldSet {
        package let name = Total<String>("name", "Name of the object.")
        package let group = Total<String>("group", "API group of the resource.")
        package let kind = Total<String>("kind", "The resource (for an invalid object: its kind).")
        package let uid = Total<String>("uid", "UID of the object.")
        package let causes = Total<[StatusCause]>("causes", "One for each field at fault.", .atomic)
        package let retryAfterSeconds = Total<Int32>("retryAfterSeconds", "Seconds to wait before trying again.")
        package init() {}
    }

    package static let groupVersion = GroupVersion.meta
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// One reason for a failure, often one field.
package struct StatusCause: APIValue {
    package final class Fields: FieldSet {
        package let reason = Total<String>(
            "reason", "One CamelCase word: FieldValueRequired, FieldValueInvalid and so on.")
        package let message = Total<String>("message", "What a person should know.")
        package let field = Total<String>("field", "Path of the field: spec.containers[0].image.")
        package init() {}
    }

    package static let groupVersion = GroupVersion.meta
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// What every list carries.
package struct ListMeta: APIValue {
    package final class Fields: FieldSet {
        package let selfLink = Key<String>("selfLink", "No longer set by the server; kept for old clients.")
        package let resourceVersion = Total<String>("resourceVersion", "Version that the list was read at.")
        package let `continue` = Total<String>("continue", "Token that the next page is asked for with.")
        package let remainingItemCount = Key<Int64>("remainingItemCount", "How many items later pages hold.")
        package init() {}
    }

    package static let groupVersion = GroupVersion.meta
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

extension Status: CustomStringConvertible {
    package var description: String {
        self.message.isEmpty ? "\(self.reason) (\(self.code))" : self.message
    }
}
