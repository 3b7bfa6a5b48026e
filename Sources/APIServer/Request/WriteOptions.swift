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

    init() {}

    init(_ request: HTTPRequest) throws(Status) {
        let dryRun = request.query.filter { $0.name == "dryRun" }.map(\.value)
        let manager = request.query("fieldManager") ?? ""
        var errors = Self.dryRunFaults(dryRun)
        if request.method == .patch, !ApplyEndpoint.isApply(request), request.query("force") != nil {
            errors.append(.forbidden("force", "may not be specified for non-apply patch"))
        }
        if manager.utf8.count > 128 { errors.append(.tooLong("fieldManager", 128)) }
        if let text = request.query("fieldValidation"), !text.isEmpty {
            if let level = FieldValidation(rawValue: text) {
                fieldValidation = level
            } else {
                let levels = ["", "Ignore", "Strict", "Warn"]
                errors.append(.notSupported("fieldValidation", .string(text), levels))
            }
        }
        guard errors.isEmpty else {
            throw .invalid(group: "meta.k8s.io", kind: Self.name(of: request.method), name: "", errors)
        }
        isDryRun = dryRun.contains { !$0.isEmpty }
        namesFieldManager = !manager.isEmpty
        let agent = (request.headers["User-Agent"] ?? "").split(separator: "/").first ?? ""
        if namesFieldManager {
            fieldManager = manager
        } else if !agent.isEmpty {
            fieldManager = String(agent.prefix(128))
        }
        isForced = request.flag("force") ?? false
    }

    /// What the API calls the options of a write.
    private static func name(of method: HTTPMethod) -> String {
        switch method {
        case .put: "UpdateOptions"
        case .patch: "PatchOptions"
        default: "CreateOptions"
        }
    }

    static func dryRunFaults(_ values: [String]) -> [FieldError] {
        values.allSatisfy { ["", "All"].contains($0) } ? [] : [.notSupported("dryRun", values.json, ["All"])]
    }
}
