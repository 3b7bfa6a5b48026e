/// Limits and shares. Zero or nil: none.
package struct ContainerResources: Sendable, Hashable {
    /// Bytes; negative: none, where there was one. So is `cpuLimit`.
    package var memoryLimit: Int64?
    /// Bytes that the container counts on. Told in its status; the kernel is not asked to hold them.
    package var memoryRequest: Int64?
    /// Thousandths of a CPU.
    package var cpuLimit: Int64?
    package var cpuRequest: Int64?
    /// Processes and threads together.
    package var processLimit: Int64?
    /// -1000...1000: proc_pid_oom_score_adj(5).
    package var oomScoreAdjustment: Int32?
    /// Microseconds that the CPU limit is held over; nil: 100,000.
    package var cpuPeriod: Int64?
    /// Bytes of memory and swap together.
    package var memorySwapLimit: Int64?
    /// CPUs and memory nodes that it may use, such as `0-2,4`; empty: any.
    package var cpuSet = ""
    package var memoryNodes = ""
    /// Bytes by the size of the page, such as `2MB`.
    package var hugePageLimits: [String: UInt64] = [:]
    /// Files of cgroup v2 with what is written to them, such as `memory.high`.
    package var unified: [String: String] = [:]

    package init() {}

    /// With what an update names; all else stays. A score is given to a container when it is made, and not changed later.
    package func updated(by update: ContainerResources) -> ContainerResources {
        var result = self
        if let limit = update.memoryLimit { result.memoryLimit = limit }
        if let request = update.memoryRequest { result.memoryRequest = request }
        if let limit = update.memorySwapLimit { result.memorySwapLimit = limit }
        if let request = update.cpuRequest { result.cpuRequest = request }
        if let limit = update.cpuLimit { (result.cpuLimit, result.cpuPeriod) = (limit, update.cpuPeriod) }
        if let limit = update.processLimit { result.processLimit = limit }
        if !update.cpuSet.isEmpty { result.cpuSet = update.cpuSet }
        if !update.memoryNodes.isEmpty { result.memoryNodes = update.memoryNodes }
        result.hugePageLimits.merge(update.hugePageLimits) { $1 }
        result.unified.merge(update.unified) { $1 }
        return result
    }
}
