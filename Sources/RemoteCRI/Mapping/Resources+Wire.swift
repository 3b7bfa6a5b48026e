import CRI
import Protobuf

/// The CRI counts CPUs as the first cgroups did: shares of 1,024, and microseconds in a period.
extension ContainerResources {
    private static let usualPeriod: Int64 = 100_000

    init(_ wire: Message<Wire.LinuxContainerResources>) {
        self.init()
        if wire.cpuShares > 0 { cpuRequest = Self.scaled(wire.cpuShares, by: 1_000, over: 1_024) }
        let period = wire.cpuPeriod > 0 ? wire.cpuPeriod : Self.usualPeriod
        if wire.cpuQuota > 0 { cpuLimit = Self.scaled(wire.cpuQuota, by: 1_000, over: period) }
        if wire.cpuQuota < 0 { cpuLimit = -1 }
        cpuPeriod = period == Self.usualPeriod ? nil : period
        if wire.memoryLimitInBytes != 0 { memoryLimit = max(-1, wire.memoryLimitInBytes) }
        if wire.memorySwapLimitInBytes > 0 { memorySwapLimit = wire.memorySwapLimitInBytes }
        oomScoreAdjustment = Int32(clamping: wire.oomScoreAdj)
        cpuSet = wire.cpusetCPUs
        memoryNodes = wire.cpusetMems
        hugePageLimits = Dictionary(wire.hugepageLimits.map { ($0.pageSize, $0.limit) }, uniquingKeysWith: { $1 })
        unified = wire.unified
    }

    var wire: Message<Wire.LinuxContainerResources> {
        Message { wire in
            if let cpuRequest { wire.cpuShares = max(2, Self.scaled(cpuRequest, by: 1_024, over: 1_000, up: false)) }
            if let cpuLimit, cpuLimit > 0 {
                let period = cpuPeriod ?? Self.usualPeriod
                wire.cpuPeriod = period
                wire.cpuQuota = max(1_000, Self.scaled(cpuLimit, by: period, over: 1_000, up: false))
            } else if let cpuLimit, cpuLimit < 0 {
                wire.cpuQuota = -1
            }
            wire.memoryLimitInBytes = memoryLimit ?? 0
            wire.memorySwapLimitInBytes = memorySwapLimit ?? 0
            wire.oomScoreAdj = Int64(oomScoreAdjustment ?? 0)
            wire.cpusetCPUs = cpuSet
            wire.cpusetMems = memoryNodes
            wire.hugepageLimits = hugePageLimits.sorted { $0.key < $1.key }.map { size, limit in
                Message {
                    $0.pageSize = size
                    $0.limit = limit
                }
            }
            wire.unified = unified
        }
    }

    /// Rounded up, so that a small request is not none; the largest number where the product has no room.
    private static func scaled(_ value: Int64, by factor: Int64, over divisor: Int64, up: Bool = true) -> Int64 {
        let (product, overflow) = value.multipliedReportingOverflow(by: factor)
        if overflow || product > .max - divisor { return .max }
        return (product + (up ? divisor - 1 : 0)) / divisor
    }
}
