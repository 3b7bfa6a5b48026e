import APIMachinery
import CRI
import HTTP
import JSONTree
import OCI
import Synchronization

@testable import ContainerRuntime

/// A registry, its token service and its storage in this process, as three hosts. It answers as the distribution specification says, and worse where a test
/// asks for it. Everything that was asked is kept.
final class FakeRegistry: Sendable {
    enum Gate: Sendable { case open, basic, bearer }

    struct Seen: Sendable {
        var host: String
        var port: Int
        var request: HTTPRequest
        var authorization: String? { request.headers["Authorization"] }
    }

    struct State: Sendable {
        var gate = Gate.open
        var files: [Digest: [UInt8]] = [:]
        /// By repository and tag or digest.
        var manifests: [String: [UInt8]] = [:]
        var types: [String: String] = [:]
        var uploads: [String: [UInt8]] = [:]
        /// Uploads begun so far, by which the next is named: no two have one name, also where one has ended meanwhile.
        var begun = 0
        /// Repositories that files can be taken over from.
        var neighbours: Set<String> = []
        /// Where answers for files lead; nil: they come from here.
        var redirect: String?
        /// Where another server leads that is no registry.
        var leading = ""
        /// Bytes after which the next answers for files break off.
        var cuts: [Int] = []
        var ignoresRanges = false
        /// What the registry itself has not, and only other places give.
        var withheld: Set<Digest> = []
        /// What kind of answers send nothing and never end: `manifests`, `blobs`.
        var endless: String?
        /// What the next parts that are sent are answered with.
        var partFailures: [Int] = []
        /// And the next uploads that are begun, and manifests that are put.
        var beginFailures: [Int] = []
        var manifestFailures: [Int] = []
        /// What comes next in place of any answer, of one for files, or of one for a layer.
        var busy: [HTTPResponse] = []
        var filesBusy: [HTTPResponse] = []
        var layersBusy: [Digest: [HTTPResponse]] = [:]
        /// What the storage says to everything; nil: what it has.
        var storageAnswer: HTTPResponse?
        /// How far an upload says that it has come; nil: the truth.
        var uploaded: String?
        var isDown: Set<String> = []
        /// Why nobody gets a connection; nil: they do.
        var refusal: ConnectionRefusal?
        var token = "good"
        var seen: [Seen] = []
    }

    static let credentials = "user:secret"
    let state = Mutex(State())

    var seen: [Seen] { state.withLock { $0.seen } }

    func client(
        _ hosts: String = "", time: any TimeSource = QuickTime(), mirrors: [String: RegistryAuth] = [:]
    ) throws -> RegistryClient {
        let mirrorAuth: RegistryClient.MirrorAuth = { mirrors["\($0.hostField)/\($1)"] }
        return RegistryClient(hosts: try RegistryHosts(hosts), time: time, mirrorAuth: mirrorAuth) {
            [self] (origin) throws(CRIError) in
            Host(registry: self, origin: origin)
        }
    }

    func keep(_ image: ImageFixture, as names: String...) {
        state.withLock { state in
            state.files.merge(image.files) { first, _ in first }
            for name in names {
                state.manifests[name] = image.files[image.manifest.digest]
                state.types[name] = image.manifest.mediaType
            }
        }
    }

    private struct Host: HTTPHandler {
        let registry: FakeRegistry
        let origin: RegistryOrigin

        func handle(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
            try registry.state.withLock { state throws(HTTPError) in
                state.seen.append(Seen(host: origin.host, port: origin.port, request: request))
                if let refusal = state.refusal { throw .refused(refusal, endpoint: "\(origin)") }
                guard !state.isDown.contains(origin.host) else {
                    throw .connectFailed(endpoint: "\(origin)", reason: "refused")
                }
                return switch origin.host {
                case "auth.example": state.tokenAnswer(request)
                case "leading.example": HTTPResponse(307, headers: ["Location": state.leading])
                case "storage.example": state.storageAnswer ?? state.file(request, String(request.path.dropFirst()))
                default: state.answer(request, at: origin)
                }
            }
        }
    }
}

extension FakeRegistry.State {
    private static let basic = "Basic " + Bytes(Array(FakeRegistry.credentials.utf8)).base64

    fileprivate func tokenAnswer(_ request: HTTPRequest) -> HTTPResponse {
        guard request.headers["Authorization"] == Self.basic else { return HTTPResponse(401) }
        let body: JSONValue = ["token": .string(token)]
        return HTTPResponse(200, contentType: "application/json", body.encoded())
    }

    private func challenge(_ request: HTTPRequest, _ repository: String) -> HTTPResponse? {
        switch gate {
        case .open: return nil
        case .basic:
            guard request.headers["Authorization"] != Self.basic else { return nil }
            return HTTPResponse(401, headers: ["WWW-Authenticate": "Basic realm=\"x\""])
        case .bearer:
            guard request.headers["Authorization"] != "Bearer good" else { return nil }
            let scope = "repository:\(repository):pull"
            return HTTPResponse(
                401,
                headers: [
                    "WWW-Authenticate":
                        "Bearer realm=\"https://auth.example/token\",service=\"registry.example\",scope=\"\(scope)\""
                ])
        }
    }

    fileprivate mutating func answer(_ request: HTTPRequest, at origin: RegistryOrigin) -> HTTPResponse {
        let parts = request.path.split(separator: "/").map(String.init)
        guard let kind = parts.lastIndex(where: { $0 == "manifests" || $0 == "blobs" }), parts.first == "v2" else {
            return HTTPResponse(404)
        }
        let repository = parts[1..<kind].joined(separator: "/")
        if !busy.isEmpty { return busy.removeFirst() }
        if parts[kind] == "blobs", !filesBusy.isEmpty { return filesBusy.removeFirst() }
        if let refusal = challenge(request, repository) { return refusal }
        let rest = parts[(kind + 1)...].joined(separator: "/")
        if parts[kind] == endless { return HTTPResponse(200, headers: [:], body: .stream(Self.silence)) }
        if parts[kind] == "manifests" { return manifest(request, repository + ":" + rest) }
        if rest.hasPrefix("uploads") { return upload(request, repository, parts.last ?? "") }
        if let digest = try? Digest(rest) {
            if let next = layersBusy[digest]?.popLast() { return next }
            if withheld.contains(digest) { return HTTPResponse(404) }
        }
        if let redirect, request.method == .get {
            return HTTPResponse(307, headers: ["Location": redirect + rest])
        }
        return file(request, rest)
    }

    /// Nothing until somebody gives up.
    private static var silence: ByteStream {
        let (silence, end) = AsyncStream<Void>.makeStream()
        return ByteStream(
            next: { () throws(HTTPError) in
                for await _ in silence {}
                throw .connectionLost(reason: "cancelled")
            }, cancel: { end.finish() })
    }

    private mutating func manifest(_ request: HTTPRequest, _ name: String) -> HTTPResponse {
        if request.method == .put {
            if !manifestFailures.isEmpty { return HTTPResponse(manifestFailures.removeFirst()) }
            manifests[name] = request.body
            types[name] = request.headers["Content-Type"]
            return HTTPResponse(201)
        }
        guard let bytes = manifests[name] else {
            let body: JSONValue = ["errors": [["code": "MANIFEST_UNKNOWN", "message": "manifest unknown"]]]
            return HTTPResponse(404, contentType: "application/json", body.encoded())
        }
        return HTTPResponse(200, contentType: types[name] ?? "", bytes)
    }

    fileprivate mutating func file(_ request: HTTPRequest, _ name: String) -> HTTPResponse {
        guard let digest = try? Digest(name), let bytes = files[digest] else { return HTTPResponse(404) }
        if request.method == .head { return HTTPResponse(200) }
        let range = request.headers["Range"].flatMap { Int($0.dropFirst("bytes=".count).dropLast()) }
        let start = ignoresRanges ? 0 : range ?? 0
        let rest = Array(bytes[min(start, bytes.count)...])
        let headers: HTTPHeaders =
            start > 0 ? ["Content-Range": "bytes \(start)-\(bytes.count - 1)/\(bytes.count)"] : [:]
        guard !cuts.isEmpty else { return HTTPResponse(start > 0 ? 206 : 200, headers: headers, body: .parts([rest])) }
        let limit = cuts.removeFirst()
        let part = ByteStream([Array(rest.prefix(limit))])
        let stream = ByteStream(next: {
            if let bytes = try await part.next() { return bytes }
            guard limit < rest.count else { return nil }
            throw HTTPError.connectionLost(reason: "cut")
        })
        return HTTPResponse(start > 0 ? 206 : 200, headers: headers, body: .stream(stream))
    }

    private mutating func upload(_ request: HTTPRequest, _ repository: String, _ id: String) -> HTTPResponse {
        switch request.method {
        case .post:
            if let digest = request.query("mount").flatMap({ try? Digest($0) }), files[digest] != nil,
                neighbours.contains(request.query("from") ?? "")
            {
                return HTTPResponse(201)
            }
            if !beginFailures.isEmpty { return HTTPResponse(beginFailures.removeFirst()) }
            let name = "u\(begun)"
            begun += 1
            uploads[name] = []
            return HTTPResponse(202, headers: ["Location": "/v2/\(repository)/blobs/uploads/\(name)"])
        case .get:
            guard let bytes = uploads[id] else { return HTTPResponse(404) }
            return HTTPResponse(204, headers: ["Range": uploaded ?? "0-\(max(0, bytes.count - 1))"])
        case .patch, .put:
            guard let before = uploads[id] else { return HTTPResponse(404) }
            if !partFailures.isEmpty { return HTTPResponse(partFailures.removeFirst()) }
            if let range = request.headers["Content-Range"], Int(range.prefix { $0 != "-" }) != before.count {
                return HTTPResponse(416)
            }
            uploads[id] = before + request.body
            return request.method == .patch
                ? HTTPResponse(202, headers: ["Location": "https://registry.example\(request.path)"])
                : finish(request, id)
        default: return HTTPResponse(405)
        }
    }

    private mutating func finish(_ request: HTTPRequest, _ id: String) -> HTTPResponse {
        let bytes = uploads.removeValue(forKey: id) ?? []
        guard request.query("digest") == Digest(of: bytes).description else { return HTTPResponse(400) }
        files[Digest(of: bytes)] = bytes
        return HTTPResponse(201)
    }
}

/// A clock on which every wait is over at once.
struct HastyTime: TimeSource {
    func now() -> Timestamp { Timestamp(seconds: 1_795_000_000) }
    func uptime() -> Duration { .zero }
    func clockChanges() -> AsyncStream<Void> { AsyncStream { $0.finish() } }

    func sleep(for duration: Duration) async throws {
        try Task.checkCancellation()
        await Task.yield()
    }
}

/// A clock on which short waits are over at once and long ones never.
struct QuickTime: TimeSource {
    func now() -> Timestamp { Timestamp(seconds: 1_795_000_000) }
    func uptime() -> Duration { .zero }
    func clockChanges() -> AsyncStream<Void> { AsyncStream { $0.finish() } }

    func sleep(for duration: Duration) async throws {
        try Task.checkCancellation()
        guard duration >= .seconds(20) else { return await Task.yield() }
        for await _ in AsyncStream<Void>.makeStream().stream {}
        throw CancellationError()
    }
}
