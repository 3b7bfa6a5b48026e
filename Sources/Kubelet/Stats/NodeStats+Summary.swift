import APIMachinery
import CRI
import JSONTree
import Linux

extension NodeStats {
    /// The document of `/stats/summary`, in upstream's form. A figure that this host does not count is left out.
    package var summary: JSONValue {
        var node: JSONObject = ["nodeName": .string(self.node)]
        node["cpu"] = cpu(usage.cpuNanoseconds, usage.cpuPressure)
        node["memory"] = nodeMemory
        node["io"] = io(usage.ioPressure)
        node["fs"] = usage.filesystem.map { filesystem($0, used: $0.usedBytes) }
        if let images = imageFilesystem {
            node["runtime"] = ["imageFs": filesystem(images, used: imageBytes ?? images.usedBytes)]
        }
        if let limit = signals.readings[.processes] {
            node["rlimit"] = [
                "time": time.json, "maxpid": .integer(limit.capacity),
                "curproc": .integer(limit.capacity - limit.available),
            ]
        }
        if let pods = signals.readings[.allocatableMemory] {
            let memory = figures([
                ("availableBytes", UInt64(clamping: pods.available)),
                ("workingSetBytes", UInt64(clamping: pods.capacity - pods.available)),
            ])
            node["systemContainers"] = [["name": "pods", "memory": memory ?? .null]]
        }
        return ["node": .object(node), "pods": .array(pods.map(pod))]
    }

    private func pod(_ pod: Pod) -> JSONValue {
        var object: JSONObject = [
            "podRef": [
                "name": .string(pod.metadata.name), "namespace": .string(pod.metadata.namespace),
                "uid": .string(pod.metadata.uid),
            ],
            "startTime": Timestamp(.nanoseconds(pod.startedAt)).json,
            "containers": .array(pod.containers.map { container($0, pod.files?.containers[$0.name]) }),
        ]
        add(pod.usage, to: &object)
        object["network"] = network(pod.interfaces)
        if let files = pod.files {
            object["ephemeral-storage"] = stored(files.total, on: usage.filesystem)
            let volumes = files.volumes.sorted { $0.key < $1.key }.compactMap { name, use -> JSONValue? in
                guard var volume = stored(use, on: usage.filesystem)?.object else { return nil }
                volume["name"] = .string(name)
                return .object(volume)
            }
            if !volumes.isEmpty { object["volume"] = .array(volumes) }
        }
        return .object(object)
    }

    private func container(_ container: Container, _ files: PodFiles.Container?) -> JSONValue {
        var object: JSONObject = [
            "name": .string(container.name), "startTime": Timestamp(.nanoseconds(container.startedAt)).json,
        ]
        add(container.usage, to: &object)
        object["rootfs"] = files.flatMap { stored($0.layer, on: imageFilesystem) }
        object["logs"] = files.flatMap { stored($0.logs, on: usage.filesystem) }
        return .object(object)
    }

    private func add(_ usage: ContainerStats, to object: inout JSONObject) {
        object["cpu"] = cpu(usage.cpuNanoseconds, usage.cpuPressure)
        object["memory"] = figures(
            [
                ("availableBytes", Self.rest(of: usage.memory.limit, usage.memoryBytes)),
                ("usageBytes", usage.memory.usage), ("workingSetBytes", usage.memoryBytes),
                ("rssBytes", usage.memory.resident), ("pageFaults", usage.memory.pageFaults),
                ("majorPageFaults", usage.memory.majorPageFaults),
            ], usage.memoryPressure)
        object["io"] = io(usage.ioPressure)
        if let count = usage.processes { object["process_stats"] = ["process_count": .integer(Int64(clamping: count))] }
    }

    private func cpu(_ nanoseconds: UInt64?, _ pressure: Pressure?) -> JSONValue? {
        figures([("usageCoreNanoSeconds", nanoseconds)], pressure)
    }

    private func io(_ pressure: Pressure?) -> JSONValue? { figures([], pressure) }

    private var nodeMemory: JSONValue? {
        figures(
            [
                ("availableBytes", Self.rest(of: usage.memoryCapacity, usage.workingSetBytes)),
                ("usageBytes", usage.memoryBytes), ("workingSetBytes", usage.workingSetBytes),
                ("rssBytes", usage.residentBytes),
            ], usage.memoryPressure)
    }

    private static func rest(of limit: UInt64?, _ used: UInt64?) -> UInt64? {
        guard let limit, let used else { return nil }
        return limit > used ? limit - used : 0
    }

    private func filesystem(_ disk: NodeUsage.Filesystem, used: UInt64) -> JSONValue {
        let taken = disk.inodes > disk.inodesFree ? disk.inodes - disk.inodesFree : 0
        return figures([
            ("availableBytes", disk.availableBytes), ("capacityBytes", disk.capacityBytes), ("usedBytes", used),
            ("inodesFree", disk.inodesFree), ("inodes", disk.inodes), ("inodesUsed", taken),
        ]) ?? .null
    }

    /// What is stored on a filesystem; nil where not all of it could be counted.
    private func stored(_ use: TreeUsage, on disk: NodeUsage.Filesystem?) -> JSONValue? {
        guard use.isComplete else { return nil }
        return figures([
            ("availableBytes", disk?.availableBytes), ("capacityBytes", disk?.capacityBytes), ("usedBytes", use.bytes),
            ("inodesFree", disk?.inodesFree), ("inodes", disk?.inodes), ("inodesUsed", use.inodes),
        ])
    }

    /// Those that are known, with their time; nil where none is.
    private func figures(_ figures: [(String, UInt64?)], _ pressure: Pressure? = nil) -> JSONValue? {
        var object: JSONObject = ["time": time.json]
        for case (let name, let value?) in figures { object[name] = .integer(Int64(clamping: value)) }
        if let pressure {
            var shares: JSONObject = ["some": pressure.some.json]
            shares["full"] = pressure.full?.json
            object["psi"] = .object(shares)
        }
        return object.count > 1 ? .object(object) : nil
    }
}

extension Pressure.Share {
    fileprivate var json: JSONValue {
        [
            "total": .integer(Int64(clamping: totalNanoseconds)), "avg10": Self.percent(last10),
            "avg60": Self.percent(last60), "avg300": Self.percent(last300),
        ]
    }

    /// 1234 as 12.34.
    private static func percent(_ hundredths: Int64) -> JSONValue {
        let rest = String(hundredths % 100)
        return .number("\(hundredths / 100)." + (rest.utf8.count < 2 ? "0" : "") + rest)
    }
}
