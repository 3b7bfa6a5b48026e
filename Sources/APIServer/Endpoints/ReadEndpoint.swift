import APIMachinery
import HTTP
import JSONTree
import Store

/// GET of one object and of lists, from the caches.
struct ReadEndpoint: Sendable {
    let registry: ObjectRegistry

    private var time: any TimeSource { registry.time }

    /// How long a read waits for a version that this server has not seen yet.
    static let freshnessLimit: Duration = .seconds(3)

    func get(_ request: ResourceRequest) async throws(Status) -> HTTPResponse {
        if case .at(let revision) = try ListOptions.resourceVersion(request.http.query("resourceVersion")) {
            try await waitUntilFresh(revision)
        }
        let object = try registry.current(request.resource, namespace: request.path.namespace, name: request.name)
        return .json(200, try request.presentation(time).item(object))
    }

    /// Throws 504 where the caches do not come as far as `revision` in time.
    func waitUntilFresh(_ revision: Revision) async throws(Status) {
        let applied = registry.feed.applied
        guard await applied.reached(revision, within: Self.freshnessLimit, by: time) else {
            throw .tooLargeResourceVersion(revision, current: applied.current)
        }
    }

    func list(_ request: ResourceRequest, _ options: ListOptions) async throws(Status) -> HTTPResponse {
        let presentation = try request.presentation(time)
        let selection = try Selection(options, request)
        let page: ListPage
        if let token = options.continueToken {
            page = try await past(request.resource, selection, ContinueToken(text: token), options.limit)
        } else if case .at(let revision) = options.resourceVersion, options.resourceVersionMatch == .exact {
            try await waitUntilFresh(revision)
            page = try await past(
                request.resource, selection, ContinueToken(revision: revision, start: ""), options.limit)
        } else {
            if case .at(let revision) = options.resourceVersion { try await waitUntilFresh(revision) }
            page = present(request.resource, selection, options.limit)
        }
        let parts = presentation.list(page.objects, format: request.resource.format, metadata: page.metadata)
        return HTTPResponse(200, headers: ["Content-Type": "application/json"], body: .parts(parts))
    }

    /// A list of the present state, or its first page.
    private func present(_ resource: Resource, _ selection: Selection, _ limit: Int) -> ListPage {
        let applied = registry.feed.applied.current
        let (all, revision) = resource.cache.snapshot(namespace: selection.namespace, applied: applied)
        if selection.isWhole, limit == 0 || all.count <= limit {
            return ListPage(objects: all, revision: revision)
        }
        var objects: [CachedObject] = []
        for index in all.indices where selection.isWhole || selection.matches(all[index]) {
            if limit > 0, objects.count == limit {
                let remaining = selection.isWhole ? all.endIndex - index : nil
                return ListPage(
                    objects: objects[...], revision: revision,
                    next: ContinueToken(revision: revision, start: all[index].key), remaining: remaining)
            }
            objects.append(all[index])
        }
        return ListPage(objects: objects[...], revision: revision)
    }

    /// A page of a past state, from the store: what a continued list shows, however the present has changed.
    private func past(
        _ resource: Resource, _ selection: Selection, _ token: ContinueToken, _ limit: Int
    ) async throws(Status) -> ListPage {
        var reader = PastReader(registry.store, resource, selection, token)
        do throws(StoreError) {
            return try await reader.page(limit: limit)
        } catch .compacted {
            throw .expiredContinue(token)
        } catch {
            throw Status(error)
        }
    }
}

extension Status {
    /// The state that a paged list shows is gone. The token that comes with it goes on with the present state.
    static func expiredContinue(_ token: ContinueToken) -> Status {
        guard !token.start.isEmpty else {
            return .expired("The resourceVersion for the provided list is too old.")
        }
        var status = Status.expired(
            "The provided continue parameter is too old to display a consistent list result: start the list anew, or go on with the token in this answer, whose pages show the state of their own time"
        )
        status.metadata = ListMeta { $0.continue = ContinueToken(revision: nil, start: token.start).text }
        return status
    }
}

/// What one list answers.
struct ListPage: Sendable {
    var objects: ArraySlice<CachedObject>
    var revision: Revision
    var next: ContinueToken?
    var remaining: Int?

    var metadata: JSONObject {
        var metadata: JSONObject = ["resourceVersion": .string(String(revision))]
        if let next { metadata["continue"] = .string(next.text) }
        if let remaining, next != nil { metadata["remainingItemCount"] = .integer(Int64(remaining)) }
        return metadata
    }
}

/// Reads a resource as of one revision, page by page.
struct PastReader {
    private let store: any KeyValueStore
    private let resource: Resource
    private let selection: Selection
    /// nil until the first page says what it is.
    private var revision: Revision?
    private var start: String?
    private let prefix: String

    init(_ store: any KeyValueStore, _ resource: Resource, _ selection: Selection, _ token: ContinueToken) {
        self.store = store
        self.resource = resource
        self.selection = selection
        revision = token.revision
        prefix = resource.prefix + (selection.namespace.map { $0 + "/" } ?? "")
        start = token.start.isEmpty ? nil : resource.prefix + token.start
    }

    /// At most `limit` objects (0: all). A selector may need several reads to fill a page.
    mutating func page(limit: Int) async throws(StoreError) -> ListPage {
        var objects: [CachedObject] = []
        while true {
            let wanted = limit == 0 ? 500 : selection.isWhole ? limit - objects.count : max(100, limit)
            let page = try await store.list(prefix: prefix, at: revision, from: start, limit: wanted)
            revision = page.revision
            for (index, value) in page.values.enumerated() {
                let key = String(value.key.dropFirst(resource.prefix.count))
                if limit > 0, objects.count == limit {
                    return full(
                        objects, page.revision, next: key, remaining: page.values.count - index + page.remaining)
                }
                guard let object = resource.format.cached(key: key, stored: value.bytes, revision: value.modRevision),
                    selection.matches(object)
                else { continue }
                objects.append(object)
            }
            guard let next = page.next else { return ListPage(objects: objects[...], revision: page.revision) }
            if limit > 0, objects.count == limit {
                return full(
                    objects, page.revision, next: String(next.dropFirst(resource.prefix.count)),
                    remaining: page.remaining)
            }
            start = next
        }
    }

    private func full(_ objects: [CachedObject], _ revision: Revision, next: String, remaining: Int) -> ListPage {
        ListPage(
            objects: objects[...], revision: revision, next: ContinueToken(revision: revision, start: next),
            remaining: selection.isWhole ? remaining : nil)
    }
}
