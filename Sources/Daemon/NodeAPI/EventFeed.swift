import APIMachinery
import CRI
import ContainerRuntime
import HTTP
import JSONTree

/// What happens on this node, as lines of JSON: `time` (nanoseconds), `kind` (`container`, `sandbox`, `image`), `action`, and what it happened to.
struct EventFeed: Sendable {
    let runtime: NodeRuntime
    let images: ImageStore
    let time: any TimeSource
    private let log = EventLog()

    init(runtime: NodeRuntime, images: ImageStore, time: any TimeSource) {
        self.runtime = runtime
        self.images = images
        self.time = time
    }

    /// An empty line so often, so that nobody takes the connection for dead.
    private static let pulse = Duration.seconds(15)

    /// Takes events for those who follow. Returns when its task is cancelled.
    func keep() async {
        await withDiscardingTaskGroup { group in
            group.addTask {
                while !Task.isCancelled {
                    for await event in runtime.containerEvents() { log.note(await json(event)) }
                    log.cut()
                }
            }
            group.addTask {
                while !Task.isCancelled {
                    for await event in images.events() { log.note(json(event)) }
                    log.cut()
                }
            }
        }
    }

    /// - Parameter request: with `sinceSeconds` or `sinceTime`, as logs have them, also those of before that are remembered.
    func answer(_ request: HTTPRequest) throws(Status) -> HTTPResponse {
        var since: Timestamp?
        if let text = request.query("sinceSeconds") {
            guard let seconds = UInt32(text) else { throw .badRequest("sinceSeconds \(text): write seconds") }
            since = time.now() - .seconds(Int64(seconds))
        }
        if let text = request.query("sinceTime") {
            since = Timestamp(text)
            guard since != nil else { throw .badRequest("sinceTime \(text): write a time (RFC 3339)") }
        }
        return HTTPResponse(200, headers: ["Content-Type": "application/x-ndjson"], body: .stream(stream(since)))
    }

    /// Ends when its reader goes, or cannot keep up.
    private func stream(_ since: Timestamp?) -> ByteStream {
        let (past, coming) = log.follow(since: since)
        return MergedLines.stream([
            { put in
                if !past.isEmpty { put(past.flatMap(Self.line)) }
                for await event in coming { put(Self.line(event)) }
            },
            { put in while (try? await time.sleep(for: Self.pulse)) != nil { put([UInt8(ascii: "\n")]) } },
        ])
    }

    private static func line(_ value: JSONValue) -> [UInt8] { value.encoded() + [UInt8(ascii: "\n")] }

    private func json(_ event: ContainerEvent) async -> JSONValue {
        let isSandbox = event.container == event.sandbox
        var object: JSONObject = [
            "time": .integer(event.time), "kind": isSandbox ? "sandbox" : "container",
            "action": .string(event.kind.rawValue), "id": .string(event.container), "sandbox": .string(event.sandbox),
        ]
        let sandbox = (try? await runtime.podSandboxStatus(event.sandbox))?.metadata
        var name = sandbox.map { $0.namespace + "/" + $0.name } ?? ""
        if !isSandbox, let container = try? await runtime.containerStatus(event.container) {
            name += "/" + container.metadata.name
            object["image"] = .string(container.image)
            if event.kind == .stopped {
                object["exitCode"] = .integer(Int64(container.exitCode))
                object["reason"] = .string(container.reason)
            }
        }
        if !name.isEmpty { object["name"] = .string(name) }
        return .object(object)
    }

    private func json(_ event: ImageEvent) -> JSONValue {
        [
            "time": .integer(event.time), "kind": "image", "action": .string(event.kind.rawValue),
            "id": .string(event.image), "name": .string(event.name),
        ]
    }
}
