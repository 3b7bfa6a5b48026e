import JSONTree

/// The resource that a `Status` speaks of: `deployments.apps`.
package struct ResourceName: Sendable, Hashable, CustomStringConvertible {
    package var group: String
    package var resource: String

    package init(group: String = "", _ resource: String) {
        self.group = group
        self.resource = resource
    }

    package init(_ kind: ResourceKind) {
        self.init(group: kind.group, kind.plural)
    }

    package var description: String {
        group.isEmpty ? resource : "\(resource).\(group)"
    }
}

extension Status {
    /// The reasons that clients know.
    package enum Reason: String, Sendable {
        case badRequest = "BadRequest"
        case unauthorized = "Unauthorized"
        case forbidden = "Forbidden"
        case notFound = "NotFound"
        case methodNotAllowed = "MethodNotAllowed"
        case notAcceptable = "NotAcceptable"
        case alreadyExists = "AlreadyExists"
        case conflict = "Conflict"
        case gone = "Gone"
        case expired = "Expired"
        case requestEntityTooLarge = "RequestEntityTooLarge"
        case unsupportedMediaType = "UnsupportedMediaType"
        case invalid = "Invalid"
        case tooManyRequests = "TooManyRequests"
        case internalError = "InternalError"
        case notImplemented = "NotImplemented"
        case serviceUnavailable = "ServiceUnavailable"
        case insufficientStorage = "InsufficientStorage"
        case serverTimeout = "ServerTimeout"
        case timeout = "Timeout"
    }

    package init(
        _ reason: Reason, code: Int32, _ message: String, _ details: (inout StatusDetails) -> Void = { _ in }
    ) {
        self.init()
        self.apiVersion = "v1"
        self.kind = "Status"
        self.metadata = ListMeta()
        self.status = "Failure"
        self.message = message
        self.reason = reason.rawValue
        self.code = code
        let filled = StatusDetails(details)
        if !filled.storage.isEmpty { self.details = filled }
    }

    package static func success(_ details: (inout StatusDetails) -> Void = { _ in }) -> Status {
        var status = Status()
        status.apiVersion = "v1"
        status.kind = "Status"
        status.metadata = ListMeta()
        status.status = "Success"
        let filled = StatusDetails(details)
        if !filled.storage.isEmpty { status.details = filled }
        return status
    }

    /// Whether this is a failure for that reason.
    package func isReason(_ reason: Reason) -> Bool {
        self.reason == reason.rawValue
    }

    package static func notFound(_ resource: ResourceName, _ name: String) -> Status {
        .init(.notFound, code: 404, "\(resource) \"\(name)\" not found", about(resource, name))
    }

    /// No such path or resource on this server.
    package static func resourceNotFound() -> Status {
        .init(.notFound, code: 404, "the server could not find the requested resource")
    }

    package static func alreadyExists(_ resource: ResourceName, _ name: String) -> Status {
        .init(.alreadyExists, code: 409, "\(resource) \"\(name)\" already exists", about(resource, name))
    }

    package static func conflict(_ resource: ResourceName, _ name: String, _ why: String) -> Status {
        .init(
            .conflict, code: 409, "Operation cannot be fulfilled on \(resource) \"\(name)\": \(why)",
            about(resource, name))
    }

    /// The object changed since the client read it.
    package static func staleResourceVersion(_ resource: ResourceName, _ name: String) -> Status {
        conflict(
            resource, name,
            "the object has been modified; please apply your changes to the latest version and try again")
    }

    /// Fields of an object are at fault; the message lists them all.
    package static func invalid(group: String, kind: String, name: String, _ errors: [FieldError]) -> Status {
        let qualified = group.isEmpty ? kind : "\(kind).\(group)"
        let list = errors.map(\.description)
        let text = list.count == 1 ? list[0] : "[\(list.joined(separator: ", "))]"
        return .init(.invalid, code: 422, "\(qualified) \"\(name)\" is invalid: \(text)") { details in
            details.name = name
            details.group = group
            details.kind = kind
            details.causes = errors.map(\.cause)
        }
    }

    package static func badRequest(_ message: String) -> Status {
        .init(.badRequest, code: 400, message)
    }

    package static func forbidden(_ resource: ResourceName, _ name: String, _ why: String) -> Status {
        let object = name.isEmpty ? "\(resource)" : "\(resource) \"\(name)\""
        let text = resource.resource.isEmpty ? "forbidden: \(why)" : "\(object) is forbidden: \(why)"
        return .init(.forbidden, code: 403, text, about(resource, name))
    }

    package static func unauthorized(_ message: String = "Unauthorized") -> Status {
        .init(.unauthorized, code: 401, message)
    }

    /// The version asked for is compacted: the client lists anew.
    package static func expired(_ message: String) -> Status {
        .init(.expired, code: 410, message)
    }

    package static func tooManyRequests(_ message: String, retryAfterSeconds: Int32) -> Status {
        .init(.tooManyRequests, code: 429, message) { $0.retryAfterSeconds = retryAfterSeconds }
    }

    package static func methodNotAllowed(_ resource: ResourceName, _ verb: String) -> Status {
        .init(
            .methodNotAllowed, code: 405, "\(verb) is not supported on resources of kind \"\(resource)\"",
            about(resource, ""))
    }

    package static func notAcceptable(_ message: String) -> Status {
        .init(.notAcceptable, code: 406, message)
    }

    package static func unsupportedMediaType(_ message: String) -> Status {
        .init(.unsupportedMediaType, code: 415, message)
    }

    package static func requestEntityTooLarge(_ message: String) -> Status {
        .init(.requestEntityTooLarge, code: 413, message)
    }

    package static func internalError(_ message: String) -> Status {
        .init(.internalError, code: 500, "Internal error occurred: \(message)") { details in
            details.causes = [StatusCause { $0.message = message }]
        }
    }

    package static func notImplemented(_ message: String) -> Status {
        .init(.notImplemented, code: 501, message)
    }

    /// Nothing more can be written (RFC 4918).
    package static func insufficientStorage(_ message: String) -> Status {
        .init(.insufficientStorage, code: 507, message)
    }

    package static func serviceUnavailable(_ message: String) -> Status {
        .init(.serviceUnavailable, code: 503, message)
    }

    package static func timeout(_ message: String, retryAfterSeconds: Int32 = 0) -> Status {
        .init(.timeout, code: 504, "Timeout: \(message)") { $0.retryAfterSeconds = retryAfterSeconds }
    }

    private static func about(_ resource: ResourceName, _ name: String) -> (inout StatusDetails) -> Void {
        { details in
            details.name = name
            details.group = resource.group
            details.kind = resource.resource
        }
    }
}
