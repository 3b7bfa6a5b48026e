import Glibc

/// What a group may use. nil leaves the kernel's default.
package struct CgroupLimits: Sendable, Equatable {
    /// Bytes; beyond it the kernel kills.
    package var memoryMax: UInt64?
    /// Bytes that are not taken away from the group.
    package var memoryMin: UInt64?
    /// Bytes beyond which the group is slowed.
    package var memoryHigh: UInt64?
    /// Bytes of swap.
    package var memorySwapMax: UInt64?
    /// Whether the whole group dies where one of it is killed for memory.
    package var memoryKillsGroup: Bool?
    /// Microseconds of processor time in each period of `cpuPeriod` microseconds.
    package var cpuQuota: UInt64?
    package var cpuPeriod: UInt64 = 100_000
    /// 1...10000, by default 100.
    package var cpuWeight: UInt64?
    package var pidsMax: UInt64?
    /// Lists such as "0-3".
    package var cpus: String?
    package var memoryNodes: String?

    package init() {}

    /// The weight that stands for v1 shares (2...262144).
    package static func cpuWeight(shares: UInt64) -> UInt64 {
        1 + (min(max(shares, 2), 262_144) - 2) * 9999 / 262_142
    }

    /// The files to write: controller, file, value.
    package var settings: [(controller: String, file: String, value: String)] {
        var list: [(controller: String, file: String, value: String)] = []
        func add(_ controller: String, _ file: String, _ value: String?) {
            if let value { list.append((controller, file, value)) }
        }
        add("memory", "memory.max", memoryMax.map(String.init))
        add("memory", "memory.min", memoryMin.map(String.init))
        add("memory", "memory.high", memoryHigh.map(String.init))
        add("memory", "memory.swap.max", memorySwapMax.map(String.init))
        add("memory", "memory.oom.group", memoryKillsGroup.map { $0 ? "1" : "0" })
        add("cpu", "cpu.max", cpuQuota.map { "\($0) \(cpuPeriod)" })
        add("cpu", "cpu.weight", cpuWeight.map { String(min(max($0, 1), 10000)) })
        add("pids", "pids.max", pidsMax.map(String.init))
        add("cpuset", "cpuset.cpus", cpus)
        add("cpuset", "cpuset.mems", memoryNodes)
        return list
    }
}

extension Cgroup {
    /// Sets every limit that this machine can hold and returns the others: each is to be told to the pod's owner.
    ///
    /// Throws where the kernel refuses a value.
    package func apply(_ limits: CgroupLimits) throws(CgroupError) -> [CgroupError] {
        var missing: [CgroupError] = []
        for (controller, file, value) in limits.settings {
            guard hierarchy.controllers.contains(controller) else {
                missing.append(.controllerMissing(controller: controller, limit: file, group: name))
                continue
            }
            do throws(CgroupError) {
                try set(file, value)
            } catch .kernel(let error) where error.code == ENOENT {
                // Not delegated to this group, or swap accounting is off.
                missing.append(.controllerMissing(controller: controller, limit: file, group: name))
            }
        }
        return missing
    }
}
