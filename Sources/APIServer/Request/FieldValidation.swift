import APIMachinery
import HTTP
import JSONTree

/// What becomes of a body's fields that its kind does not have, and of fields that stand in it twice: passed over, warned of or refused.
enum FieldValidation: String, Sendable {
    case ignore = "Ignore"
    case warn = "Warn"
    case strict = "Strict"

    /// What to warn of; throws 400 where there is something and this is strict.
    ///
    /// - Parameter found: what reading the body has found already.
    func check(
        _ object: JSONObject, found: [String], _ kind: ResourceKind, _ schema: Schema
    ) throws(Status) -> [String] {
        guard self != .ignore else { return [] }
        let findings = schema.unknownFields(in: .object(object)).map { "unknown field \"\($0)\"" } + found
        guard self == .strict, !findings.isEmpty else { return findings }
        throw .cannotHandle(
            kind.kind, version: kind.version, "strict decoding error: \(findings.joined(separator: ", "))")
    }
}

extension RequestBody {
    /// The body of a request of a kind that is never stored: pruned, every field of the right type.
    ///
    /// - Parameter warnings: gets what the client should be told in Warning headers.
    static func object(
        _ request: HTTPRequest, of kind: ResourceKind, _ schema: Schema, _ validation: FieldValidation,
        warnings: inout [String]
    ) throws(Status) -> JSONObject {
        let body = try object(request)
        return try checked(body.storage, found: body.findings, of: kind, schema, validation, warnings: &warnings)
    }

    /// As above, for a body that is read already, or came of a patch.
    static func checked(
        _ object: JSONObject, found: [String], of kind: ResourceKind, _ schema: Schema, _ validation: FieldValidation,
        warnings: inout [String]
    ) throws(Status) -> JSONObject {
        try kind.requireKind(of: object)
        warnings = try validation.check(object, found: found, kind, schema)
        var pruned = object
        schema.prune(&pruned)
        try schema.requireTypes(of: pruned, kind.kind, version: kind.version)
        return pruned
    }
}

extension Status {
    static func cannotHandle(_ kind: String, version: String, _ why: String) -> Status {
        .badRequest("\(kind) in version \"\(version)\" cannot be handled as a \(kind): \(why)")
    }
}
