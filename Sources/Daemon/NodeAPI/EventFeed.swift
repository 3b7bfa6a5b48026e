import APIMachinery
import CRI
import ContainerRuntime
import HTTP
import JSONTree

/// What happens on this node, as lines of JSON: `time` (nanoseconds), `kind` (`container`, `sandbox`, `image`), `action`, and what it happened to. Where events
/// are left out, because their reader or the feed itself did not keep up, a line of the kind `events` and the action `missed` stands in their place.
struct EventFeed: Sendable {
    let runtime: NodeRuntime
    let time: any TimeSource
    private let log = EventLog()
    private let containers: EventBacklog<ContainerEvent>
    private let images: EventBacklog<ImageEvent>

    /// What happens from now on waits for `keep`.
    init(runtime: NodeRuntime, images: ImageStore, time: any TimeSource) {
        self.runtime = runtime
        self.time = time
        containers = runtime.eventBacklog()
        self.images = images.eventBacklog()
    }

    /// An empty line so often, so that nobody takes the connection for dead.
    private static let pulse = Duration.seconds(15)

    /// Takes events for those who follow. Returns when its task is cancelled. To be called once.
    func keep() async {
        await withDiscardingTaskGroup { group in
            group.addTask {
                // Of containers and sandboxes that are there, for when they are not.
                var names = await self.names()
                while let batch = await containers.next() {
                    if batch.isGap {
                        log.note(gap())
                        // The events that are left may be of what is gone by now.
                        let before = names
                        names = await self.names()
                        for id in batch.events.map(\.container) where names[id] == nil { names[id] = before[id] }
                    }
                    for event in batch.events { log.note(await json(event, &names)) }
                }
            }
            group.addTask {
                while let batch = await images.next() {
                    if batch.isGap { log.note(gap()) }
                    for event in batch.events { log.note(json(event)) }
                }
            }
            group.addTask { while (try? await time.sleep(for: Self.pulse)) != nil { log.wake() } }
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

    /// Ends when its reader goes.
    private func stream(_ since: Timestamp?) -> ByteStream {
        let follower = log.follow(since: since)
        return ByteStream(
            next: {
                guard let batch = await follower.next() else { return nil }
                let lines = (batch.isGap ? [gap()] : []) + batch.events
                return lines.isEmpty ? [UInt8(ascii: "\n")] : lines.flatMap(Self.line)
            }, cancel: { follower.end() })
    }

    private func gap() -> JSONValue {
        ["time": .integer(time.unixNanoseconds), "kind": "events", "action": "missed"]
    }

    private static func line(_ value: JSONValue) -> [UInt8] { value.encoded() + [UInt8(ascii: "\n")] }

    /// By the ids of all that are there.
    private func names() async -> [String: String] {
        var names: [String: String] = [:]
        for sandbox in (try? await runtime.listPodSandboxes(PodSandboxFilter())) ?? [] {
            names[sandbox.id] = sandbox.metadata.namespace + "/" + sandbox.metadata.name
        }
        for container in (try? await runtime.listContainers(ContainerFilter())) ?? [] {
            names[container.id] = (names[container.sandbox] ?? "") + "/" + container.metadata.name
        }
        return names
    }

    private func json(_ event: ContainerEvent, _ names: inout [String: String]) async -> JSONValue {
        let isSandbox = event.container == event.sandbox
        var object: JSONObject = [
            "time": .integer(event.time), "kind": isSandbox ? "sandbox" : "container",
            "action": .string(event.kind.rawValue), "id": .string(event.container), "sandbox": .string(event.sandbox),
        ]
        let sandbox = (try? await runtime.podSandboxStatus(event.sandbox))?.metadata
        let pod = sandbox.map { $0.namespace + "/" + $0.name }
        var name = isSandbox ? pod : nil
        if !isSandbox, let container = try? await runtime.containerStatus(event.container) {
            name = (pod ?? "") + "/" + container.metadata.name
            object["image"] = .string(container.image)
            if event.kind == .stopped {
                object["exitCode"] = .integer(Int64(container.exitCode))
                object["reason"] = .string(container.reason)
                if !container.message.isEmpty { object["message"] = .string(container.message) }
            }
        }
        let known = names[event.container]
        let shown = event.kind == .deleted ? known ?? name : name ?? known
        names[event.container] = event.kind == .deleted ? nil : shown
        if let shown { object["name"] = .string(shown) }
        return .object(object)
    }

    private func json(_ event: ImageEvent) -> JSONValue {
        [
            "time": .integer(event.time), "kind": "image", "action": .string(event.kind.rawValue),
            "id": .string(event.image), "name": .string(event.name),
        ]
    }
}
