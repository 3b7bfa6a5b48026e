import APIMachinery
import HTTP

/// The query of a create, update or patch.
struct WriteOptions: Sendable {
    var isDryRun = false
    var fieldValidation = FieldValidation.warn
    /// Who writes, for managed fields: what the request says, else the first word of its User-Agent.
    var fieldManager = "unknown"
    /// Whether the request itself named the manager.
    var namesFieldManager = false
    /// Server-side apply only: take fields over from other managers.
    var isForced = false

    /// The write is a server-side apply, which brings its managed fields.
    var isApply = false

    enum FieldValidation: String, Sendable {
        case ignore = "Ignore"
        case warn = "Warn"
        case strict = "Strict"
    }

    init() {}

    init(_ request: HTTPRequest) throws(Status) {
        isDryRun = try Self.dryRun(request.query.filter { $0.name == "dryRun" }.map(\.value))
        let manager = request.query("fieldManager") ?? ""
        guard manager.utf8.count <= 128 else { throw .badRequest("fieldManager: longer than 128 bytes") }
        namesFieldManager = !manager.isEmpty
        let agent = (request.headers["User-Agent"] ?? "").split(separator: "/").first ?? ""
        if namesFieldManager {
            fieldManager = manager
        } else if !agent.isEmpty {
            fieldManager = String(agent.prefix(128))
        }
        isForced = ListOptions.flag(request.query("force")) ?? false
        guard let text = request.query("fieldValidation"), !text.isEmpty else { return }
        guard let level = FieldValidation(rawValue: text) else {
            throw .badRequest("fieldValidation: \"\(text)\" is none of Ignore, Warn, Strict")
        }
        fieldValidation = level
    }

    static func dryRun(_ values: [String]) throws(Status) -> Bool {
        let given = values.filter { !$0.isEmpty }
        if let other = given.first(where: { $0 != "All" }) {
            throw .badRequest("dryRun: \"\(other)\" is not supported; the only value is All")
        }
        return !given.isEmpty
    }
}
