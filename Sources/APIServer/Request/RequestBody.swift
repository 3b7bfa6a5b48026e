import APIMachinery
import HTTP
import JSONTree

/// A request's body, read.
struct RequestBody: Sendable {
    var storage: JSONObject
    /// Fields that stood twice in one object, in the words of field validation.
    var findings: [String]

    /// The body as an object. JSON; YAML and protobuf (of a few kinds) where the content type says so.
    static func object(_ request: HTTPRequest) throws(Status) -> RequestBody {
        let type = mediaType(request)
        var duplicates: [DuplicateKey] = []
        let value: JSONValue
        switch type {
        case "", "application/json", "*/*": value = try json(request.body, &duplicates)
        case "application/yaml", "application/x-yaml", "text/yaml": value = try yaml(request.body, &duplicates)
        case "application/vnd.kubernetes.protobuf":
            return RequestBody(storage: try ProtobufBody.object(request.body), findings: [])
        default:
            throw .unsupportedMediaType(
                "the body of the request was in an unknown format (\(type)); this server reads application/json and application/yaml"
            )
        }
        guard case .object(let object) = value else { throw .badRequest("the body of the request is not an object") }
        return RequestBody(storage: object, findings: duplicates.map(\.finding))
    }

    /// The content type without its parameters, in lower case.
    static func mediaType(_ request: HTTPRequest) -> String {
        let text = request.headers["Content-Type"] ?? ""
        return (text.split(separator: ";").first ?? "").trimmed.lowercased()
    }

    static func json(_ bytes: [UInt8], _ duplicates: inout [DuplicateKey]) throws(Status) -> JSONValue {
        do throws(JSONError) {
            return try JSONValue(parsing: bytes, duplicates: &duplicates)
        } catch {
            throw .badRequest("the body of the request cannot be read: \(error)")
        }
    }

    /// One YAML document.
    static func yaml(_ bytes: [UInt8], _ duplicates: inout [DuplicateKey]) throws(Status) -> JSONValue {
        let documents: [JSONValue]
        do throws(YAMLError) {
            documents = try YAML.documents(in: bytes, duplicates: &duplicates)
        } catch {
            throw .badRequest("the body of the request cannot be read: \(error)")
        }
        guard documents.count == 1 else {
            throw .badRequest("the body of the request holds \(documents.count) YAML documents instead of one")
        }
        return documents[0]
    }
}

extension DuplicateKey {
    /// In the words of field validation.
    var finding: String { "duplicate field \"\(self)\"" }
}
