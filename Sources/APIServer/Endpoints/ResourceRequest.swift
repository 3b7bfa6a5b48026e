import APIMachinery
import HTTP
import JSONTree
import KubernetesAPI
import Store

/// A request for a resource that this server has, by someone who may make it.
struct ResourceRequest: Sendable {
    let http: HTTPRequest
    let path: ResourcePath
    let verb: Verb
    let identity: Identity
    let resource: Resource
    /// nil: as the resource is stored.
    var form: ServedForm?

    /// The path's name; only called where the route has one.
    var name: String { path.name ?? "" }

    /// How the client wants to see objects, in the rows of `table`, nil for the resource's own. Throws 406 where it accepts nothing this server has.
    func presentation(_ time: any TimeSource, table: TableDefinition? = nil) throws(Status) -> Presentation {
        for accepted in AcceptedType.all(http.headers) where accepted.isJSON {
            guard let style = try style(accepted) else { continue }
            let metaVersion = "meta.k8s.io/\(accepted.parameters["v"] ?? "v1")"
            return Presentation(
                style: style, metaVersion: metaVersion, form: form, table: table ?? resource.definition.table,
                time: time)
        }
        throw .notAcceptable("only the following media types are accepted: application/json")
    }

    /// nil: another of the client's choices must serve.
    private func style(_ accepted: AcceptedType) throws(Status) -> Presentation.Style? {
        guard let wanted = accepted.parameters["as"] else { return .object }
        guard accepted.parameters["g"] == "meta.k8s.io", ["v1", "v1beta1"].contains(accepted.parameters["v"]) else {
            return nil
        }
        switch wanted {
        case "Table":
            let text = http.query("includeObject") ?? ""
            guard let content = text.isEmpty ? .metadata : Presentation.TableContent(rawValue: text) else {
                throw .badRequest("includeObject: \"\(text)\" is none of None, Metadata, Object")
            }
            return .table(content)
        case "PartialObjectMetadata", "PartialObjectMetadataList": return .metadata
        default: return nil
        }
    }
}

extension HTTPResponse {
    static func json(_ status: Int, _ bytes: [UInt8], warnings: [String] = []) -> HTTPResponse {
        var response = HTTPResponse(status, contentType: "application/json", bytes)
        for warning in warnings.prefix(16) { response.headers.add("Warning", "299 - \(quoted(warning))") }
        return response
    }

    static func json(_ status: Int, _ object: JSONObject) -> HTTPResponse {
        json(status, object.encoded())
    }

    init(_ status: Status) {
        self = .json(Int(status.code), status.storage)
        if let seconds = status.details?.retryAfterSeconds, seconds > 0 { headers["Retry-After"] = String(seconds) }
    }

    /// A quoted string of a header field: printable ASCII, at most 1,024 bytes.
    private static func quoted(_ text: String) -> String {
        var bytes: [UInt8] = []
        for byte in text.utf8.prefix(1024) where (0x20..<0x7f).contains(byte) {
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { bytes.append(UInt8(ascii: "\\")) }
            bytes.append(byte)
        }
        return "\"\(String(decoding: bytes, as: UTF8.self))\""
    }
}
