import JSONTree

/// What the node and its containers use, for people: processor time between two readings of `/stats/summary`, the rest from the later one.
package enum StatsTable {
    /// - Parameter elapsed: between the readings. A figure that the host does not count is shown as `-`.
    package static func text(_ now: JSONValue, before: JSONValue, elapsed: Duration) -> String {
        let earlier = processorTimes(before)
        func cpu(_ object: JSONValue?, _ key: String) -> String {
            guard let used = object?["cpu"]?["usageCoreNanoSeconds"]?.integer, let then = earlier[key] else {
                return "-"
            }
            return percent(used &- then, of: elapsed)
        }
        let node = now["node"]
        let available = node?["memory"]?["availableBytes"]?.integer
        let capacity = available.flatMap { free in node?["memory"]?["workingSetBytes"]?.integer.map { free &+ $0 } }
        var table = TextTable([
            .init("POD"), .init("CONTAINER"), .init("CPU", .right), .init("MEMORY", .right),
            .init("PROCESSES", .right), .init("WAITED CPU/MEM/IO", .right),
        ])
        for pod in now["pods"]?.array ?? [] {
            for container in pod["containers"]?.array ?? [] {
                table.add([
                    name(pod), container["name"]?.string ?? "", cpu(container, key(pod, container)),
                    memory(container), container["process_stats"]?["process_count"]?.integer.map { "\($0)" } ?? "-",
                    waited(container),
                ])
            }
        }
        let limit = capacity.map { " of \(NodeTables.size($0))" } ?? ""
        return "node \(node?["nodeName"]?.string ?? ""): cpu \(cpu(node, "")), memory \(memory(node))\(limit), "
            + "waited for cpu/memory/io \(waited(node))\n\n" + table.text
    }

    /// How much of the last ten seconds some task had to wait for each resource.
    private static func waited(_ object: JSONValue?) -> String {
        let shares = ["cpu", "memory", "io"].map { resource -> String? in
            switch object?[resource]?["psi"]?["some"]?["avg10"] {
            case .number(let text): text
            case .integer(let whole): "\(whole)"
            default: nil
            }
        }
        return shares.allSatisfy { $0 == nil } ? "-" : shares.map { $0 ?? "-" }.joined(separator: "/") + " %"
    }

    /// By container; the node's own under "".
    private static func processorTimes(_ summary: JSONValue) -> [String: Int64] {
        var times: [String: Int64] = [:]
        times[""] = summary["node"]?["cpu"]?["usageCoreNanoSeconds"]?.integer
        for pod in summary["pods"]?.array ?? [] {
            for container in pod["containers"]?.array ?? [] {
                times[key(pod, container)] = container["cpu"]?["usageCoreNanoSeconds"]?.integer
            }
        }
        return times
    }

    /// A container that was started anew counts from zero: it is another.
    private static func key(_ pod: JSONValue, _ container: JSONValue) -> String {
        [pod["podRef"]?["uid"], container["name"], container["startTime"]].map { $0?.string ?? "" }
            .joined(separator: "/")
    }

    private static func name(_ pod: JSONValue) -> String {
        "\(pod["podRef"]?["namespace"]?.string ?? "")/\(pod["podRef"]?["name"]?.string ?? "")"
    }

    private static func memory(_ object: JSONValue?) -> String {
        object?["memory"]?["workingSetBytes"]?.integer.map(NodeTables.size) ?? "-"
    }

    /// Of one processor, with one digit after the point.
    static func percent(_ nanoseconds: Int64, of elapsed: Duration) -> String {
        let (seconds, attoseconds) = elapsed.components
        let microseconds = seconds &* 1_000_000 &+ attoseconds / 1_000_000_000_000
        guard microseconds > 0, nanoseconds >= 0 else { return "-" }
        let tenths = nanoseconds / microseconds
        return "\(tenths / 10).\(tenths % 10) %"
    }
}

extension NodeClient {
    /// What the node and its pods use now.
    package func stats() async throws(DaemonError) -> JSONValue {
        try await get("/stats/summary")
    }
}
