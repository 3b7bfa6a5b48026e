import APIMachinery
import HTTP
import JSONTree
import KubernetesAPI
import Synchronization

/// `/openapi/v3` and the documents that it lists, and `/openapi/v2`, the one that kubectl asks for before 1.27 (explain, the checks of `apply`) and,
/// later, about kinds that it does not find in version 3. Made when first asked for, then kept: they follow from what is compiled in.
final class OpenAPIEndpoint: Sendable {
    private let kinds: [KindDefinition]
    private let reviews: [(kind: ResourceKind, schema: Schema)]
    private let gitVersion: String
    /// By the path after `/openapi/v3/`: `api/v1`, `apis/apps/v1`; those of version 2 by their media type.
    private let documents = Mutex<[String: [UInt8]]>([:])

    init(_ kinds: [KindDefinition], reviews: [(kind: ResourceKind, schema: Schema)], gitVersion: String) {
        self.kinds = kinds
        self.reviews = reviews
        self.gitVersion = gitVersion
    }

    func answer(_ parts: [String], _ request: HTTPRequest) throws(Status) -> HTTPResponse {
        switch parts.dropFirst().first {
        case "v2" where parts.count == 2: return try answerVersion2(request)
        case "v3" where parts.count == 2:
            return PathEndpoint.tagged(index.encoded(), contentType: "application/json", request)
        case "v3":
            guard let bytes = document(parts[2...].joined(separator: "/")) else { throw .resourceNotFound() }
            return PathEndpoint.tagged(bytes, contentType: "application/json", request)
        default: throw .resourceNotFound()
        }
    }

    /// As JSON, or as the protobuf message that kubectl asks for. It once wrote the name of that type with `@`, which it does not take in an answer.
    private func answerVersion2(_ request: HTTPRequest) throws(Status) -> HTTPResponse {
        for accepted in AcceptedType.all(request.headers) {
            if accepted.isJSON {
                let bytes = kept("json") { version2.encoded() }
                return PathEndpoint.tagged(bytes, contentType: "application/json", request)
            }
            if Self.protobufTypes.contains(accepted.type) {
                let bytes = kept("protobuf") { OpenAPIProtobuf.bytes(of: version2) }
                return PathEndpoint.tagged(bytes, contentType: Self.protobufTypes[0], request)
            }
        }
        throw .notAcceptable("OpenAPI in version 2 is given as application/json or as \(Self.protobufTypes[0])")
    }

    private static let protobufTypes = [
        "application/com.github.proto-openapi.spec.v2.v1.0+protobuf",
        "application/com.github.proto-openapi.spec.v2@v1.0+protobuf",
    ]

    private var version2: JSONObject {
        OpenAPIDocument.object(.v2, of: kinds, reviews: reviews, gitVersion: gitVersion)
    }

    private var index: JSONObject {
        var entries = JSONObject()
        for path in Set((kinds.map(\.kind) + reviews.map(\.kind)).map(Self.path)) {
            guard let bytes = document(path) else { continue }
            let url = "/openapi/v3/\(path)?hash=\(ContentTag.of(bytes))"
            entries[path] = ["serverRelativeURL": .string(url)]
        }
        return ["paths": .object(entries)]
    }

    private func document(_ path: String) -> [UInt8]? {
        let mine = kinds.filter { Self.path($0.kind) == path }
        let asked = reviews.filter { Self.path($0.kind) == path }
        guard !mine.isEmpty || !asked.isEmpty else { return nil }
        return kept(path) { OpenAPIDocument.object(of: mine, reviews: asked, gitVersion: gitVersion).encoded() }
    }

    private func kept(_ name: String, _ make: () -> [UInt8]) -> [UInt8] {
        if let made = documents.withLock({ $0[name] }) { return made }
        let bytes = make()
        documents.withLock { $0[name] = bytes }
        return bytes
    }

    private static func path(_ kind: ResourceKind) -> String {
        String(kind.groupVersionPath.dropFirst())
    }
}
