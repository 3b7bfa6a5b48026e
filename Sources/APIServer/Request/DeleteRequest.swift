import APIMachinery
import HTTP
import JSONTree
import KubernetesAPI

/// What a deletion asks for: its body (`DeleteOptions`), or the query where there is none.
struct DeleteRequest: Sendable, Hashable {
    var gracePeriodSeconds: Int64?
    var propagation: Propagation?
    var uid: String?
    var resourceVersion: String?
    var isDryRun = false

    enum Propagation: String, Sendable {
        /// Dependents are left alone.
        case orphan = "Orphan"
        /// The object goes at once, its dependents after it.
        case background = "Background"
        /// The object goes after its dependents.
        case foreground = "Foreground"
    }

    init(_ request: HTTPRequest) throws(Status) {
        if !request.body.isEmpty {
            try read(RequestBody.object(request).storage)
        }
        if gracePeriodSeconds == nil, let text = request.query("gracePeriodSeconds"), !text.isEmpty {
            guard let value = Int64(text) else { throw .badRequest("gracePeriodSeconds: \"\(text)\" is not a number") }
            gracePeriodSeconds = value
        }
        if propagation == nil { propagation = try Self.propagation(request.query("propagationPolicy")) }
        if propagation == nil, let orphan = request.flag("orphanDependents") {
            propagation = orphan ? .orphan : .background
        }
        if try Self.isDryRun(request.query.filter { $0.name == "dryRun" }.map(\.value)) { isDryRun = true }
        if let grace = gracePeriodSeconds, grace < 0 { gracePeriodSeconds = 1 }
    }

    init(_ body: JSONObject) throws(Status) {
        try read(body)
        if let grace = gracePeriodSeconds, grace < 0 { gracePeriodSeconds = 1 }
    }

    private mutating func read(_ body: JSONObject) throws(Status) {
        if let kind = body["kind"]?.string, kind != "DeleteOptions" {
            throw .badRequest("the body of a deletion is DeleteOptions, not \(kind)")
        }
        // Else a precondition or a dry run of the wrong type would be none.
        try DeleteOptions.schema.requireTypes(of: body, "DeleteOptions")
        gracePeriodSeconds = body["gracePeriodSeconds"]?.integer
        propagation = try Self.propagation(body["propagationPolicy"]?.string)
        if let orphan = body["orphanDependents"]?.bool {
            guard propagation == nil else {
                throw Self.invalid(
                    .invalid(
                        "propagationPolicy", body["propagationPolicy"] ?? .null,
                        "orphanDependents and deletionPropagation cannot be both set"))
            }
            propagation = orphan ? .orphan : .background
        }
        uid = body["preconditions"]?["uid"]?.string
        resourceVersion = body["preconditions"]?["resourceVersion"]?.string
        isDryRun = try Self.isDryRun(body["dryRun"]?.array?.compactMap(\.string) ?? [])
    }

    private static func invalid(_ error: FieldError) -> Status {
        .invalid(group: "meta.k8s.io", kind: "DeleteOptions", name: "", [error])
    }

    private static func isDryRun(_ values: [String]) throws(Status) -> Bool {
        if let error = WriteOptions.dryRunFaults(values).first { throw invalid(error) }
        return values.contains { !$0.isEmpty }
    }

    private static func propagation(_ text: String?) throws(Status) -> Propagation? {
        guard let text, !text.isEmpty else { return nil }
        guard let policy = Propagation(rawValue: text) else {
            throw invalid(
                .notSupported("propagationPolicy", .string(text), ["Background", "Foreground", "Orphan", "nil"]))
        }
        return policy
    }
}
