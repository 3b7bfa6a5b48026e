import APIMachinery
import HTTP
import Store

/// The query of a list or watch.
struct ListOptions: Sendable {
    var labelSelector = ""
    var fieldSelector = ""
    /// 0: no limit.
    var limit = 0
    var continueToken: String?
    var resourceVersion: ResourceVersion = .unset
    var resourceVersionMatch: ResourceVersionMatch?
    var isWatch = false
    var allowsBookmarks = false
    var sendsInitialEvents: Bool?
    var timeoutSeconds: Int64?

    /// A page holds no more than this, whatever the client asks.
    static let maximumLimit = 1_000_000

    enum ResourceVersion: Sendable, Hashable {
        /// The most recent state.
        case unset
        /// "0": whatever is at hand.
        case any
        case at(Revision)
    }

    enum ResourceVersionMatch: String, Sendable {
        case exact = "Exact"
        case notOlderThan = "NotOlderThan"
    }

    init(_ request: HTTPRequest) throws(Status) {
        labelSelector = request.query("labelSelector") ?? ""
        fieldSelector = request.query("fieldSelector") ?? ""
        if let token = request.query("continue"), !token.isEmpty { continueToken = token }
        if let text = request.query("limit"), !text.isEmpty {
            guard let value = Int(text), value >= 0 else { throw .badRequest("limit: \"\(text)\" is not a count") }
            limit = min(value, Self.maximumLimit)
        }
        if let text = request.query("timeoutSeconds"), !text.isEmpty {
            guard let value = Int64(text) else { throw .badRequest("timeoutSeconds: \"\(text)\" is not a number") }
            timeoutSeconds = value
        }
        isWatch = request.flag("watch") ?? false
        allowsBookmarks = request.flag("allowWatchBookmarks") ?? false
        sendsInitialEvents = request.flag("sendInitialEvents")
        resourceVersion = try Self.resourceVersion(request.query("resourceVersion"))
        if let text = request.query("resourceVersionMatch"), !text.isEmpty {
            guard let match = ResourceVersionMatch(rawValue: text) else {
                throw Self.invalid(
                    .notSupported("resourceVersionMatch", .string(text), ["", "Exact", "NotOlderThan"]))
            }
            resourceVersionMatch = match
        }
        try isWatch ? checkWatch() : checkList()
    }

    static func resourceVersion(_ text: String?) throws(Status) -> ResourceVersion {
        switch text {
        case nil, "": return .unset
        case "0": return .any
        case let text?:
            guard let revision = Revision(text), revision > 0 else {
                throw .badRequest("resourceVersion: \"\(text)\" is not a version that this server gave out")
            }
            return .at(revision)
        }
    }

    private static func invalid(_ error: FieldError) -> Status {
        .invalid(group: "meta.k8s.io", kind: "ListOptions", name: "", [error])
    }

    private static func forbidden(_ field: String, _ why: String) -> Status {
        invalid(.forbidden(field, why))
    }

    private func checkList() throws(Status) {
        if sendsInitialEvents != nil {
            throw Self.forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list")
        }
        if let match = resourceVersionMatch {
            let field = "resourceVersionMatch"
            if resourceVersion == .unset {
                throw Self.forbidden(field, "\(field) is forbidden unless resourceVersion is provided")
            }
            if continueToken != nil { throw Self.forbidden(field, "\(field) is forbidden when continue is provided") }
            if match == .exact, resourceVersion == .any {
                throw Self.forbidden(field, "\(field) \"exact\" is forbidden for resourceVersion \"0\"")
            }
        }
        if continueToken != nil, case .at = resourceVersion {
            throw .badRequest("specifying resource version is not allowed when using continue")
        }
    }

    /// A watch has no pages: limit and continue say nothing to it.
    private func checkWatch() throws(Status) {
        let field = "resourceVersionMatch"
        if sendsInitialEvents == nil {
            guard resourceVersionMatch != nil else { return }
            throw Self.forbidden(field, "\(field) is forbidden for watch unless sendInitialEvents is provided")
        }
        if resourceVersionMatch != .notOlderThan {
            throw Self.forbidden(field, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan")
        }
        if continueToken != nil { throw Self.forbidden(field, "\(field) is forbidden when continue is provided") }
    }
}
