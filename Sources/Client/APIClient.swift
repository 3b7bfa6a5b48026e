import APIMachinery
import HTTP
import JSONTree
import KubernetesAPI

/// A typed client of the API. It holds a handler and nothing else: in process that handler is the API server itself, called under an
/// identity of the caller's own; across the network it is a transport's client. Errors are `Status` values, also where no answer came
/// (`ServiceUnavailable`).
package struct APIClient: Sendable {
    private let handler: any HTTPHandler
    private let peer: Peer
    private let headers: HTTPHeaders

    /// - Parameters:
    ///   - peer: who calls, for a handler in this process; a handler across the network shows its own credentials instead.
    ///   - userAgent: names the caller in managed fields and logs.
    ///   - bearerToken: sent with each request where given.
    package init(handler: any HTTPHandler, peer: Peer = .anonymous, userAgent: String, bearerToken: String? = nil) {
        self.handler = handler
        self.peer = peer
        var headers: HTTPHeaders = ["User-Agent": userAgent, "Accept": "application/json"]
        if let bearerToken { headers["Authorization"] = "Bearer \(bearerToken)" }
        self.headers = headers
    }

    // MARK: - Objects

    package func get<Object: APIObject>(
        _ type: Object.Type, _ name: String, in namespace: String? = nil
    ) async throws(Status) -> Object {
        try await object(request(.get, path(Object.kind, namespace, name)))
    }

    package func create<Object: APIObject>(_ object: Object) async throws(Status) -> Object {
        try await self.object(
            request(.post, path(Object.kind, object.metadata.namespace, nil), body: object.json))
    }

    /// Replaces the object; refused with `Conflict` where its resourceVersion is old.
    package func update<Object: APIObject>(
        _ object: Object, subresource: String? = nil
    ) async throws(Status) -> Object {
        let path = path(Object.kind, object.metadata.namespace, object.metadata.name, subresource)
        return try await self.object(request(.put, path, body: object.json))
    }

    package func updateStatus<Object: APIObject>(_ object: Object) async throws(Status) -> Object {
        try await update(object, subresource: "status")
    }

    package func patch<Object: APIObject>(
        _ type: Object.Type, _ name: String, in namespace: String? = nil, subresource: String? = nil,
        _ kind: PatchKind, _ body: JSONValue
    ) async throws(Status) -> Object {
        var request = request(.patch, path(Object.kind, namespace, name, subresource), body: body)
        request.headers["Content-Type"] = kind.rawValue
        return try await object(request)
    }

    /// Deletes the object. Returns when the server has taken it in, which may be before it is gone.
    package func delete<Object: APIObject>(
        _ type: Object.Type, _ name: String, in namespace: String? = nil, options: DeleteOptions? = nil
    ) async throws(Status) {
        _ = try await send(request(.delete, path(Object.kind, namespace, name), body: options?.json))
    }

    /// POSTs to a subresource (a binding, a token request, an eviction) and returns what the server answers.
    package func createSubresource<Object: APIObject>(
        _ type: Object.Type, _ name: String, in namespace: String? = nil, subresource: String, _ body: JSONValue
    ) async throws(Status) -> JSONValue {
        try await value(request(.post, path(Object.kind, namespace, name, subresource), body: body))
    }

    // MARK: - Lists

    package func list<Object: APIObject>(
        _ type: Object.Type, in namespace: String? = nil, options: ListOptions = ListOptions()
    ) async throws(Status) -> ObjectList<Object> {
        var request = request(.get, path(Object.kind, namespace, nil))
        request.query = options.query
        return try ObjectList(checking: await value(request))
    }

    /// The changes after `options.resourceVersion`. Ends when the server ends it; the caller watches on from the last version it saw.
    package func watch<Object: APIObject>(
        _ type: Object.Type, in namespace: String? = nil, options: ListOptions
    ) async throws(Status) -> WatchStream<Object> {
        var request = request(.get, path(Object.kind, namespace, nil))
        request.query = options.query + [QueryItem("watch", "true")]
        let response = try await respond(request)
        guard case .stream(let stream) = response.body, response.status == 200 else {
            throw try await failure(response)
        }
        return WatchStream(stream)
    }

    // MARK: - Untyped

    /// An object of a kind that is known only at run time.
    package func list(
        _ kind: ResourceKind, in namespace: String? = nil, options: ListOptions = ListOptions()
    ) async throws(Status) -> JSONValue {
        var request = request(.get, path(kind, namespace, nil))
        request.query = options.query
        return try await value(request)
    }

    package func delete(
        _ kind: ResourceKind, _ name: String, in namespace: String? = nil, options: DeleteOptions? = nil
    ) async throws(Status) {
        _ = try await send(request(.delete, path(kind, namespace, name), body: options?.json))
    }

    package func patch(
        _ kind: ResourceKind, _ name: String, in namespace: String? = nil, _ patchKind: PatchKind, _ body: JSONValue
    ) async throws(Status) -> JSONValue {
        var request = request(.patch, path(kind, namespace, name), body: body)
        request.headers["Content-Type"] = patchKind.rawValue
        return try await value(request)
    }

    /// Sends a request as it is, under the client's identity.
    package func send(_ request: HTTPRequest) async throws(Status) -> [UInt8] {
        let response = try await respond(request)
        guard (200..<300).contains(response.status) else { throw try await failure(response) }
        return try await bytes(response)
    }
}

extension APIClient {
    private func path(
        _ kind: ResourceKind, _ namespace: String?, _ name: String?, _ subresource: String? = nil
    ) -> String {
        var path = kind.groupVersionPath
        if kind.isNamespaced, let namespace, !namespace.isEmpty { path += "/namespaces/\(namespace)" }
        path += "/\(kind.plural)"
        if let name { path += "/\(name)" }
        if let subresource { path += "/\(subresource)" }
        return path
    }

    private func request(_ method: HTTPMethod, _ path: String, body: JSONValue? = nil) -> HTTPRequest {
        var request = HTTPRequest(method, path, headers: headers, peer: peer)
        if let body {
            request.body = body.encoded()
            request.headers["Content-Type"] = "application/json"
        }
        return request
    }

    private func object<Object: APIObject>(_ request: HTTPRequest) async throws(Status) -> Object {
        try APIClient.decode(await value(request))
    }

    private func value(_ request: HTTPRequest) async throws(Status) -> JSONValue {
        try Self.parse(await send(request))
    }

    private func respond(_ request: HTTPRequest) async throws(Status) -> HTTPResponse {
        do throws(HTTPError) {
            return try await handler.handle(request)
        } catch {
            throw .serviceUnavailable("\(request.method.rawValue) \(request.path): \(error)")
        }
    }

    private func bytes(_ response: HTTPResponse) async throws(Status) -> [UInt8] {
        switch response.body {
        case .parts(let parts):
            guard parts.count != 1 else { return parts[0] }
            var bytes: [UInt8] = []
            bytes.reserveCapacity(parts.reduce(0) { $0 + $1.count })
            for part in parts { bytes += part }
            return bytes
        case .stream(let stream):
            do {
                var bytes: [UInt8] = []
                while let chunk = try await stream.next() { bytes += chunk }
                return bytes
            } catch {
                stream.cancel()
                throw .serviceUnavailable("the answer broke off: \(error)")
            }
        case .webSocket, .streams:
            throw .internalError("the server switched protocols unasked")
        }
    }

    /// The `Status` in a failed response, or one made from what came.
    private func failure(_ response: HTTPResponse) async throws(Status) -> Status {
        let bytes = try await bytes(response)
        if let value = try? Self.parse(bytes), value["kind"]?.string == "Status", let status = Status(json: value) {
            return status
        }
        return .internalError("status \(response.status): \(String(decoding: bytes.prefix(512), as: UTF8.self))")
    }

    static func parse(_ bytes: [UInt8]) throws(Status) -> JSONValue {
        do {
            return try JSONValue(parsing: bytes)
        } catch {
            throw .internalError("the answer is no JSON: \(error)")
        }
    }
}

extension APIClient {
    /// The one door from what the server sent to a typed view.
    static func decode<Object: APIObject>(_ value: JSONValue) throws(Status) -> Object {
        guard let object = Object(json: value) else { throw .internalError("the answer is no \(Object.kind.kind)") }
        return object
    }
}

/// The forms of a patch, by their media types.
package enum PatchKind: String, Sendable, Hashable {
    case json = "application/json-patch+json"
    case merge = "application/merge-patch+json"
    case strategicMerge = "application/strategic-merge-patch+json"
}
