import APIMachinery
import CRI
import ContainerRuntime
import HTTP
import JSONTree
import Streaming

/// What the node's command line asks about images: `/v1/images` and what is beneath it. A pull answers with lines of JSON as it goes.
struct ImageEndpoint: Sendable {
    let images: ImageStore

    func handle(_ request: HTTPRequest) async throws(Status) -> HTTPResponse {
        switch (request.method, request.path) {
        case (.get, "/v1/images"): HTTPResponse(try await list())
        case (.post, "/v1/images"): HTTPResponse(try await add(try body(request)))
        case (.delete, "/v1/images"): HTTPResponse(try await remove(request))
        case (.post, "/v1/images/pull"): try pull(try body(request))
        case (.post, "/v1/images/push"): try push(try body(request))
        case (.get, "/v1/images/inspect"): HTTPResponse(try await inspect(request))
        case (.get, "/v1/images/export"): try await export(request)
        case (.post, "/v1/images/tag"): HTTPResponse(try await tag(try body(request)))
        case (.post, "/v1/images/pin"): HTTPResponse(try await pin(try body(request)))
        case (.post, "/v1/images/prune"): HTTPResponse(try await prune(try body(request)))
        case (.post, "/v1/images/verify"): HTTPResponse(try await verify())
        default: throw Status(.notFound, code: 404, "there is no \(request.method.rawValue) \(request.path)")
        }
    }

    private func body(_ request: HTTPRequest) throws(Status) -> JSONValue {
        guard let body = try? JSONValue(parsing: request.body), case .object = body else {
            throw .badRequest("the body must be a JSON object")
        }
        return body
    }

    private func name(_ body: JSONValue, _ key: String = "name") throws(Status) -> String {
        guard let name = body[key]?.string, !name.isEmpty else {
            throw .badRequest("which image? \(key) is missing")
        }
        return name
    }

    private func list() async throws(Status) -> JSONValue {
        let list = try await Status.ofRuntime { () async throws(CRIError) in try await images.listImages() }
        return .array(list.map(\.json))
    }

    private func add(_ body: JSONValue) async throws(Status) -> JSONValue {
        guard let name = body["name"]?.string, let path = body["path"]?.string else {
            throw .badRequest("an image needs a name and a path")
        }
        var overrides = ImageStore.Overrides()
        overrides.entrypoint = body["entrypoint"]?.array?.compactMap(\.string)
        overrides.command = body["command"]?.array?.compactMap(\.string)
        overrides.environment = body["environment"]?.array?.compactMap(\.string) ?? []
        overrides.workingDirectory = body["workingDirectory"]?.string
        overrides.user = body["user"]?.string
        let chosen = overrides
        let (called, reference) = (body["called"]?.string, body["reference"]?.string)
        let record = try await Status.ofRuntime { () async throws(CRIError) in
            try await images.add(name: name, path: path, called: called, reference: reference, overrides: chosen)
        }
        return try await status(of: record.id.description)
    }

    private func status(of image: String) async throws(Status) -> JSONValue {
        let found = try await Status.ofRuntime { () async throws(CRIError) in try await images.imageStatus(image) }
        guard let found else { throw Status(.notFound, code: 404, "this node has no image \"\(image)\"") }
        return found.json
    }

    /// With its own file, where it came with one.
    private func inspect(_ request: HTTPRequest) async throws(Status) -> JSONValue {
        guard let name = request.query("name") else { throw .badRequest("which image? give its name") }
        var object = try await status(of: name).object ?? [:]
        let info = try await Status.ofRuntime { () async throws(CRIError) in try await images.imageInfo(name) }
        for member in (try? JSONValue(parsing: Array((info["info"] ?? "").utf8)))?.object?.members ?? [] {
            object[member.key] = member.value
        }
        return .object(object)
    }

    private func remove(_ request: HTTPRequest) async throws(Status) -> JSONValue {
        guard let name = request.query("name") else { throw .badRequest("which image? give its name") }
        let isKnown = images.records.contains { $0.id.description == name }
        if !isKnown { _ = try await status(of: name) }
        let isForced = request.query("force") == "true"
        try await Status.ofRuntime { () async throws(CRIError) in
            try await images.removeImage(name, isForced: isForced)
        }
        return [:]
    }

    private func pull(_ body: JSONValue) throws(Status) -> HTTPResponse {
        let name = try name(body)
        return follow { [images, auth = auth(body)] progress throws(CRIError) in
            let record = try await images.pull(name, auth: auth, progress: progress)
            return ["event": "pulled", "name": .string(name), "id": .string(record.id.description)]
        }
    }

    private func push(_ body: JSONValue) throws(Status) -> HTTPResponse {
        let name = try name(body)
        return follow { [images, auth = auth(body)] progress throws(CRIError) in
            let digest = try await images.push(name, auth: auth, progress: progress)
            return ["event": "pushed", "name": .string(name), "digest": .string(digest.description)]
        }
    }

    private func auth(_ body: JSONValue) -> RegistryAuth? {
        body["username"]?.string.map { RegistryAuth(username: $0, password: body["password"]?.string ?? "") }
    }

    /// Answers with lines of progress, and goes on as long as somebody reads them.
    private func follow(
        _ work: @escaping @Sendable (PullProgress) async throws(CRIError) -> JSONValue
    ) -> HTTPResponse {
        let feed = ProgressFeed()
        feed.run { () async throws(CRIError) in
            try await work(
                PullProgress { event in
                    let line = event.line
                    feed.tell(line.key, line.value)
                })
        }
        return HTTPResponse(200, headers: ["Content-Type": "application/json-seq"], body: .stream(feed.stream))
    }

    private func export(_ request: HTTPRequest) async throws(Status) -> HTTPResponse {
        let names = request.query.filter { $0.name == "name" }.map(\.value)
        guard !names.isEmpty else { throw .badRequest("which images? give their names") }
        let stream = try await Status.ofRuntime { () async throws(CRIError) in try await images.export(names) }
        return HTTPResponse(200, headers: ["Content-Type": "application/x-tar"], body: .stream(stream))
    }

    private func tag(_ body: JSONValue) async throws(Status) -> JSONValue {
        let (name, tag) = (try name(body), try name(body, "tag"))
        try await Status.ofRuntime { () async throws(CRIError) in try await images.tag(name, as: tag) }
        return try await status(of: tag)
    }

    private func pin(_ body: JSONValue) async throws(Status) -> JSONValue {
        let name = try name(body)
        let isPinned = body["pinned"] != false
        try await Status.ofRuntime { () async throws(CRIError) in try await images.pin(name, isPinned) }
        return try await status(of: name)
    }

    private func prune(_ body: JSONValue) async throws(Status) -> JSONValue {
        let all = body["all"] == true
        let (removed, bytes) = try await Status.ofRuntime { () async throws(CRIError) in
            try await images.prune(all: all)
        }
        return ["removed": .array(removed.map { .string($0) }), "bytes": .integer(Int64(clamping: bytes))]
    }

    private func verify() async throws(Status) -> JSONValue {
        let damaged = try await Status.ofRuntime { () async throws(CRIError) in try await images.verifyAll() }
        return ["damaged": .array(damaged.map { .string($0) })]
    }
}
