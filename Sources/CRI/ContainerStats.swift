/// What a container or a pod uses, as the kernel counts it. Nil where this host does not.
package struct ContainerStats: Sendable, Hashable {
    /// Of processor time, since its start.
    package var cpuNanoseconds: UInt64?
    /// The working set: what is in use, without the page cache that the kernel can drop at once.
    package var memoryBytes: UInt64?
    /// Processes and threads.
    package var processes: UInt64?
    package var cpu = CPUStats()
    package var memory = MemoryStats()
    package var cpuPressure: Pressure?
    package var memoryPressure: Pressure?
    package var ioPressure: Pressure?

    package init(cpuNanoseconds: UInt64?, memoryBytes: UInt64?, processes: UInt64?) {
        self.cpuNanoseconds = cpuNanoseconds
        self.memoryBytes = memoryBytes
        self.processes = processes
    }
}

/// Where processor time went, and how often a limit held it back.
package struct CPUStats: Sendable, Hashable {
    package var userNanoseconds: UInt64?
    package var systemNanoseconds: UInt64?
    /// Periods in which it ran, those of them in which it was held back, and for how long.
    package var periods: UInt64?
    package var throttledPeriods: UInt64?
    package var throttledNanoseconds: UInt64?

    package init() {}
}

/// What memory is made of, in bytes, and what happened to it.
package struct MemoryStats: Sendable, Hashable {
    /// All of it, page cache included.
    package var usage: UInt64?
    /// Nil: none.
    package var limit: UInt64?
    /// Anonymous memory.
    package var resident: UInt64?
    package var cache: UInt64?
    package var mappedFile: UInt64?
    package var swap: UInt64?
    package var kernel: UInt64?
    /// The most that was in use at one time.
    package var peak: UInt64?
    package var pageFaults: UInt64?
    package var majorPageFaults: UInt64?
    /// How often the limit held an allocation up.
    package var limitHits: UInt64?
    /// Processes that were killed because a limit was reached.
    package var kills: UInt64?

    package init() {}
}
