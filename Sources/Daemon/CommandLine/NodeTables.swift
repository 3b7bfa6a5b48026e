import APIMachinery
import JSONTree

/// What the node's agent lists, as tables for people.
package enum NodeTables {
    package static func images(_ images: [JSONValue]) -> String {
        var table = TextTable([.init("NAME"), .init("ID"), .init("SIZE", .right)])
        for image in images {
            let names = (image["repoTags"]?.array ?? []).compactMap(\.string)
            for name in names.isEmpty ? ["<none>"] : names {
                table.add([name, short(image["id"]), size(image["size"]?.integer ?? 0)])
            }
        }
        return table.text
    }

    package static func sandboxes(_ sandboxes: [JSONValue], now: Timestamp) -> String {
        var table = TextTable(["NAMESPACE", "NAME", "STATE", "ADDRESS", "AGE", "MONITOR", "ID"])
        for sandbox in sandboxes {
            let metadata = sandbox["metadata"]
            let addresses = (sandbox["addresses"]?.array ?? []).compactMap(\.string)
            let isHost = sandbox["network"]?.string == "node"
            table.add([
                metadata?["namespace"]?.string ?? "", metadata?["name"]?.string ?? "",
                sandbox["state"]?.string ?? "", isHost ? "(host)" : addresses.joined(separator: ","),
                Age.since(nanoseconds: sandbox["createdAt"]?.integer ?? 0, now: now),
                process(sandbox["monitorPid"]), short(sandbox["id"]),
            ])
        }
        return table.text
    }

    /// - Parameter isWhole: ids with all their digits.
    package static func containers(_ containers: [JSONValue], now: Timestamp, isWhole: Bool = false) -> String {
        var table = TextTable([
            .init("ID"), .init("POD"), .init("CONTAINER"), .init("STATE"), .init("PID", .right), .init("AGE"),
            .init("RESTARTS", .right), .init("IMAGE"),
        ])
        for container in containers {
            table.add([
                id(container["id"], isWhole: isWhole), container["pod"]?.string ?? "",
                container["metadata"]?["name"]?.string ?? "",
                state(container), process(container["pid"]),
                Age.since(nanoseconds: container["createdAt"]?.integer ?? 0, now: now),
                String(container["metadata"]?["attempt"]?.integer ?? 0), container["image"]?.string ?? "",
            ])
        }
        return table.text
    }

    /// A line each.
    package static func ids(_ objects: [JSONValue], isWhole: Bool = false) -> String {
        objects.map { id($0["id"], isWhole: isWhole) + "\n" }.joined()
    }

    static func id(_ value: JSONValue?, isWhole: Bool) -> String { isWhole ? value?.string ?? "" : short(value) }

    static func state(_ container: JSONValue) -> String {
        let state = NodeView.state(of: container)
        guard container["state"]?.string == "exited" else { return state }
        return "\(state) (\(container["exitCode"]?.integer ?? 0))"
    }

    static func process(_ value: JSONValue?) -> String {
        guard let number = value?.integer, number > 0 else { return "" }
        return String(number)
    }

    /// Twelve digits, without the digest's kind.
    private static func short(_ value: JSONValue?) -> String {
        let id = value?.string ?? ""
        let digits = id.hasPrefix("sha256:") ? id.dropFirst("sha256:".count) : id[...]
        return String(digits.prefix(12))
    }

    package static func size(_ bytes: Int64) -> String {
        let units: [(Int64, String)] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")]
        guard let (unit, name) = units.first(where: { bytes >= $0.0 }) else { return "\(max(0, bytes)) B" }
        return "\(bytes / unit).\(bytes % unit * 10 / unit) \(name)"
    }
}
