import APIMachinery

/// What of a machine is kept from pods, for Kubernetes' own daemon and for the system.
package struct ReservedResources: Sendable, Hashable {
    package var cpuMilli: Int64 = 0
    /// Bytes.
    package var memoryBytes: Int64 = 0
    /// Bytes.
    package var diskBytes: Int64 = 0
    /// Process ids.
    package var processes: Int64 = 0

    package init() {}

    /// Takes upstream's form, `cpu=100m,memory=200Mi,ephemeral-storage=1Gi,pid=1000`, and adds it to what is reserved already.
    /// - Returns: what is wrong with the text; nil where nothing is.
    package mutating func add(_ text: String) -> String? {
        for entry in text.split(separator: ",") {
            let parts = entry.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, let amount = Quantity(String(parts[1])), amount >= .zero else {
                return "\"\(entry)\" is no resource and its amount, such as memory=200Mi"
            }
            switch parts[0] {
            case "cpu": cpuMilli = Self.sum(cpuMilli, amount.milliValue)
            case "memory": memoryBytes = Self.sum(memoryBytes, amount.value)
            case "ephemeral-storage": diskBytes = Self.sum(diskBytes, amount.value)
            case "pid": processes = Self.sum(processes, amount.value)
            default: return "\"\(parts[0])\" cannot be reserved; cpu, memory, ephemeral-storage and pid can"
            }
        }
        return nil
    }

    /// What is left, never less than nothing.
    package func rest(of capacity: Int64, _ reserved: Int64) -> Int64 { max(0, capacity - max(0, reserved)) }

    private static func sum(_ left: Int64, _ right: Int64) -> Int64 {
        let (total, overflow) = left.addingReportingOverflow(right)
        return overflow ? .max : total
    }
}

extension NodeFacts {
    /// The resources of which nothing is left for pods, each with what the machine has of it. One that it has none of is not known.
    /// - Parameter processes: that the kernel allows.
    package func exhausted(_ eviction: EvictionSettings, processes: Int64) -> [String] {
        let disk = reserved.rest(of: diskBytes, reserved.diskBytes)
        let rests: [(name: String, all: Quantity, rest: Int64)] = [
            ("cpu", Quantity(milli: cpuMilli), reserved.rest(of: cpuMilli, reserved.cpuMilli)),
            (
                "memory", Quantity(memoryBytes, format: .binary),
                reserved.rest(of: allocatableMemory, eviction.reserve(.memory, of: memoryBytes))
            ),
            (
                "ephemeral-storage", Quantity(diskBytes, format: .binary),
                reserved.rest(of: disk, eviction.reserve(.disk, of: diskBytes))
            ),
            ("pid", Quantity(processes), reserved.rest(of: processes, reserved.processes)),
        ]
        return rests.filter { !$0.all.isZero && $0.rest == 0 }.map { "\($0.name) (\($0.all))" }
    }

    /// What pods may use of the memory, in bytes: what the node's object says and its cgroup holds.
    package var allocatableMemory: Int64 { reserved.rest(of: memoryBytes, reserved.memoryBytes) / 1024 * 1024 }
}
