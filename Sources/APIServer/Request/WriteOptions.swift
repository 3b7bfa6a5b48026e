import APIMachinery
import HTTP

/// The query of a create, update or patch.
struct WriteOptions: Sendable {
    var isDryRun = false
    var fieldValidation = FieldValidation.warn
    var fieldManager = ""
    /// Server-side apply only: take fields over from other managers.
    var isForced = false

    enum FieldValidation: String, Sendable {
        case ignore = "Ignore"
        case warn = "Warn"
        case strict = "Strict"
    }

    init() {}

    init(_ request: HTTPRequest) throws(Status) {
        isDryRun = try Self.dryRun(request.query.filter { $0.name == "dryRun" }.map(\.value))
        fieldManager = request.query("fieldManager") ?? ""
        guard fieldManager.utf8.count <= 128 else { throw .badRequest("fieldManager: longer than 128 bytes") }
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
