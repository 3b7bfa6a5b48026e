import APIMachinery
import CRI
import JSONTree

extension NodeStats {
    /// The document of `/stats/summary`, in upstream's form. A figure that this host does not count is left out.
    package var summary: JSONValue {
        var node: JSONObject = ["nodeName": .string(self.node)]
        node["cpu"] = cpu(usage.cpuNanoseconds)
        node["memory"] = nodeMemory
        node["fs"] = usage.filesystem.map(filesystem)
        return ["node": .object(node), "pods": .array(pods.map(pod))]
    }

    private func pod(_ pod: Pod) -> JSONValue {
        var object: JSONObject = [
            "podRef": [
                "name": .string(pod.metadata.name), "namespace": .string(pod.metadata.namespace),
                "uid": .string(pod.metadata.uid),
            ],
            "startTime": Timestamp(.nanoseconds(pod.startedAt)).json,
            "containers": .array(pod.containers.map(container)),
        ]
        add(pod.usage, to: &object)
        return .object(object)
    }

    private func container(_ container: Container) -> JSONValue {
        var object: JSONObject = [
            "name": .string(container.name), "startTime": Timestamp(.nanoseconds(container.startedAt)).json,
        ]
        add(container.usage, to: &object)
        return .object(object)
    }

    private func add(_ usage: ContainerStats, to object: inout JSONObject) {
        object["cpu"] = cpu(usage.cpuNanoseconds)
        object["memory"] = figures([("workingSetBytes", usage.memoryBytes)])
        if let count = usage.processes { object["process_stats"] = ["process_count": .integer(Int64(clamping: count))] }
    }

    private func cpu(_ nanoseconds: UInt64?) -> JSONValue? {
        figures([("usageCoreNanoSeconds", nanoseconds)])
    }

    private var nodeMemory: JSONValue? {
        let available = usage.memoryCapacity.flatMap { capacity in
            usage.workingSetBytes.map { capacity > $0 ? capacity - $0 : 0 }
        }
        return figures([
            ("availableBytes", available), ("usageBytes", usage.memoryBytes),
            ("workingSetBytes", usage.workingSetBytes), ("rssBytes", usage.residentBytes),
        ])
    }

    private func filesystem(_ disk: NodeUsage.Filesystem) -> JSONValue {
        figures([
            ("availableBytes", disk.availableBytes), ("capacityBytes", disk.capacityBytes),
            ("usedBytes", disk.usedBytes), ("inodesFree", disk.inodesFree), ("inodes", disk.inodes),
        ]) ?? .null
    }

    /// Those that are known, with their time; nil where none is.
    private func figures(_ figures: [(String, UInt64?)]) -> JSONValue? {
        var object: JSONObject = ["time": time.json]
        for case (let name, let value?) in figures { object[name] = .integer(Int64(clamping: value)) }
        return object.count > 1 ? .object(object) : nil
    }
}
