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
        isWatch = Self.flag(request.query("watch")) ?? false
        allowsBookmarks = Self.flag(request.query("allowWatchBookmarks")) ?? false
        sendsInitialEvents = Self.flag(request.query("sendInitialEvents"))
        resourceVersion = try Self.resourceVersion(request.query("resourceVersion"))
        if let text = request.query("resourceVersionMatch"), !text.isEmpty {
            guard let match = ResourceVersionMatch(rawValue: text) else {
                throw .badRequest("resourceVersionMatch: \"\(text)\" is neither Exact nor NotOlderThan")
            }
            resourceVersionMatch = match
        }
        try isWatch ? checkWatch() : checkList()
    }

    /// A flag without a value is true, as clients write `?watch`.
    static func flag(_ text: String?) -> Bool? {
        switch text {
        case nil: nil
        case "", "1", "t", "true", "T", "True", "TRUE": true
        default: false
        }
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

    private func checkList() throws(Status) {
        if sendsInitialEvents != nil { throw .badRequest("sendInitialEvents: only a watch takes it") }
        if continueToken != nil {
            if case .at = resourceVersion {
                throw .badRequest("continue: the token says the version; resourceVersion cannot be given beside it")
            }
            if resourceVersionMatch != nil {
                throw .badRequest("continue: resourceVersionMatch cannot be given beside it")
            }
        }
        guard let match = resourceVersionMatch else { return }
        if resourceVersion == .unset { throw .badRequest("resourceVersionMatch: resourceVersion is missing") }
        if match == .exact, resourceVersion == .any {
            throw .badRequest("resourceVersionMatch: Exact needs a resourceVersion other than 0")
        }
    }

    private func checkWatch() throws(Status) {
        if continueToken != nil || limit != 0 { throw .badRequest("a watch takes neither limit nor continue") }
        guard sendsInitialEvents != nil else {
            if resourceVersionMatch != nil {
                throw .badRequest("resourceVersionMatch: a watch takes it with sendInitialEvents only")
            }
            return
        }
        if resourceVersionMatch != .notOlderThan {
            throw .badRequest("sendInitialEvents: resourceVersionMatch must be NotOlderThan")
        }
    }
}
