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
                var names = await self.names()
                while let batch = await containers.next() {
                    if batch.isGap {
                        log.note(gap())
                        // The events that are left may be of what is gone by now.
                        let before = names
                        names = await self.names()
                        for id in batch.events.map(\.container) where names[id] == nil { names[id] = before[id] }
                    }
                    for event in batch.events {
                        if let line = await json(event, &names) { log.note(line) }
                    }
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
        return HTTPResponse(
            200, headers: ["Content-Type": "application/x-ndjson"], body: .stream(stream(since).endless))
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

    /// Of all that are there.
    private func names() async -> EventNames {
        var names = EventNames()
        for sandbox in (try? await runtime.listPodSandboxes(PodSandboxFilter())) ?? [] {
            names[sandbox.id] = EventNames.Entry(name: sandbox.eventName, id: sandbox.id)
        }
        for container in (try? await runtime.listContainers(ContainerFilter())) ?? [] {
            let sandbox = try? await runtime.podSandboxStatus(container.sandbox)
            names[container.id] = container.eventEntry(in: sandbox)
        }
        return names
    }

    /// - Returns: nil where its users are told nothing.
    private func json(_ event: ContainerEvent, _ names: inout EventNames) async -> JSONValue? {
        let isSandbox = event.container == event.sandbox
        let sandbox = try? await runtime.podSandboxStatus(event.sandbox)
        let container = isSandbox ? nil : try? await runtime.containerStatus(event.container)
        let present =
            isSandbox
            ? sandbox.map { EventNames.Entry(name: $0.eventName, id: $0.id) } : container?.eventEntry(in: sandbox)
        guard let entry = names.take(event, present) else { return nil }
        var object: JSONObject = [
            "time": .integer(event.time), "kind": isSandbox ? "sandbox" : "container",
            "action": .string(event.kind.rawValue), "id": .string(entry.id), "sandbox": .string(event.sandbox),
        ]
        if let container {
            object["image"] = .string(container.image)
            if event.kind == .stopped {
                object["exitCode"] = .integer(Int64(container.exitCode))
                object["reason"] = .string(container.reason)
                if !container.message.isEmpty { object["message"] = .string(container.message) }
            }
        }
        if !entry.name.isEmpty { object["name"] = .string(entry.name) }
        return .object(object)
    }

    private func json(_ event: ImageEvent) -> JSONValue {
        [
            "time": .integer(event.time), "kind": "image", "action": .string(event.kind.rawValue),
            "id": .string(event.image), "name": .string(event.name),
        ]
    }
}

extension PodSandboxStatus {
    fileprivate var eventName: String { metadata.namespace + "/" + metadata.name }
}

extension ContainerStatus {
    fileprivate func eventEntry(in sandbox: PodSandboxStatus?) -> EventNames.Entry {
        EventNames.Entry(
            name: (sandbox?.eventName ?? "") + "/" + metadata.name, id: sandbox?.sessionName == nil ? id : shownID)
    }
}
