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

    /// An empty line so often, so that nobody takes the connection for dead.
    private static let pulse = Duration.seconds(15)

    /// Every event from this call on; ends when its reader goes, or cannot keep up.
    func stream() -> ByteStream {
        let (containers, changes) = (runtime.containerEvents(), images.events())
        return MergedLines.stream([
            { put in for await event in containers { put(Self.line(await json(event))) } },
            { put in for await event in changes { put(Self.line(json(event))) } },
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
