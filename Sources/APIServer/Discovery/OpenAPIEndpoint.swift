import APIMachinery
import HTTP
import JSONTree
import KubernetesAPI
import Synchronization

/// `/openapi/v3` and the documents that it lists. Made when first asked for, then kept: they follow from what is compiled in.
final class OpenAPIEndpoint: Sendable {
    private let kinds: [KindDefinition]
    private let gitVersion: String
    /// By the path after `/openapi/v3/`: `api/v1`, `apis/apps/v1`.
    private let documents = Mutex<[String: [UInt8]]>([:])

    init(_ kinds: [KindDefinition], gitVersion: String) {
        self.kinds = kinds
        self.gitVersion = gitVersion
    }

    func answer(_ parts: [String], _ request: HTTPRequest) throws(Status) -> HTTPResponse {
        guard parts.count >= 2, parts[1] == "v3" else {
            throw Status(.notFound, code: 404, "this server gives OpenAPI in version 3 only, at /openapi/v3")
        }
        if parts.count == 2 { return PathEndpoint.tagged(index.encoded(), contentType: "application/json", request) }
        guard let bytes = document(parts[2...].joined(separator: "/")) else { throw .resourceNotFound() }
        return PathEndpoint.tagged(bytes, contentType: "application/json", request)
    }

    private var index: JSONObject {
        var entries = JSONObject()
        for path in Set(kinds.map { Self.path($0.kind) }) {
            guard let bytes = document(path) else { continue }
            let url = "/openapi/v3/\(path)?hash=\(ContentTag.of(bytes))"
            entries[path] = ["serverRelativeURL": .string(url)]
        }
        return ["paths": .object(entries)]
    }

    private func document(_ path: String) -> [UInt8]? {
        if let made = documents.withLock({ $0[path] }) { return made }
        let mine = kinds.filter { Self.path($0.kind) == path }
        guard !mine.isEmpty else { return nil }
        let bytes = OpenAPIDocument.bytes(of: mine, gitVersion: gitVersion)
        documents.withLock { $0[path] = bytes }
        return bytes
    }

    private static func path(_ kind: ResourceKind) -> String {
        String(kind.groupVersionPath.dropFirst())
    }
}
