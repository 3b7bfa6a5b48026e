import CRI
import Glibc
import Linux

/// What the whole machine uses, from the kernel. A figure that it does not give is nil.
package struct NodeUsage: Sendable, Hashable {
    package struct Filesystem: Sendable, Hashable {
        package var capacityBytes: UInt64
        package var availableBytes: UInt64
        package var usedBytes: UInt64
        package var inodes: UInt64
        package var inodesFree: UInt64
        /// Differs from that of any other filesystem.
        package var device: UInt64

        /// The one that holds `path`; nil where it cannot be asked. Blocks.
        init?(_ path: String) {
            var disk = statvfs()
            var file = stat()
            guard statvfs(path, &disk) == 0, stat(path, &file) == 0 else { return nil }
            let block = UInt64(disk.f_frsize)
            let (all, free) = (UInt64(disk.f_blocks), UInt64(disk.f_bfree))
            capacityBytes = all &* block
            availableBytes = UInt64(disk.f_bavail) &* block
            usedBytes = (all > free ? all - free : 0) &* block
            inodes = UInt64(disk.f_files)
            inodesFree = UInt64(disk.f_ffree)
            device = UInt64(file.st_dev)
        }
    }

    /// Since the machine's start, of all its processors.
    package var cpuNanoseconds: UInt64?
    /// All that is not free.
    package var memoryBytes: UInt64?
    /// Without what the kernel can give back at once: page cache that was not used lately, and its own caches of names and files.
    ///
    /// Upstream leaves all memory of the kernel's own out; a node that is full of it would then be found short too late.
    package var workingSetBytes: UInt64?
    package var residentBytes: UInt64?
    package var memoryCapacity: UInt64?
    /// The one that holds the node's data.
    package var filesystem: Filesystem?
    package var cpuPressure: Pressure?
    package var memoryPressure: Pressure?
    package var ioPressure: Pressure?

    package init() {}

    /// From /proc/stat and /proc/meminfo.
    package init(processorTimes: String, memory: String, ticksPerSecond: UInt64) {
        cpuNanoseconds = Self.cpuNanoseconds(processorTimes, ticksPerSecond: ticksPerSecond)
        guard let total = Self.bytes("MemTotal", memory), let free = Self.bytes("MemFree", memory) else { return }
        let used = total > free ? total - free : 0
        let kernel = Self.bytes("KReclaimable", memory) ?? Self.bytes("SReclaimable", memory) ?? 0
        let cache = (Self.bytes("Inactive(file)", memory) ?? 0) &+ kernel
        memoryCapacity = total
        memoryBytes = used
        workingSetBytes = used > cache ? used - cache : 0
        residentBytes = Self.bytes("AnonPages", memory)
    }

    /// Reads this machine. Blocks.
    static func read(dataDirectory: String) -> NodeUsage {
        var usage = NodeUsage(
            processorTimes: FileOperations.text("/proc/stat"), memory: FileOperations.text("/proc/meminfo"),
            ticksPerSecond: UInt64(clamping: sysconf(Int32(_SC_CLK_TCK))))
        usage.cpuPressure = Pressure(kernelText: FileOperations.text("/proc/pressure/cpu"))
        usage.memoryPressure = Pressure(kernelText: FileOperations.text("/proc/pressure/memory"))
        usage.ioPressure = Pressure(kernelText: FileOperations.text("/proc/pressure/io"))
        usage.filesystem = Filesystem(dataDirectory)
        return usage
    }

    /// The line `cpu user nice system idle iowait irq softirq steal …`: all but the idle times (proc_stat(5)).
    private static func cpuNanoseconds(_ text: String, ticksPerSecond: UInt64) -> UInt64? {
        guard ticksPerSecond > 0, let line = text.split(separator: "\n").first(where: { $0.hasPrefix("cpu ") }) else {
            return nil
        }
        let ticks = line.split(separator: " ").dropFirst().prefix(8).map { UInt64($0) ?? 0 }
        guard ticks.count >= 4 else { return nil }
        let busy = ticks.enumerated().filter { $0.offset != 3 && $0.offset != 4 }.reduce(0) { $0 &+ $1.element }
        return busy &* (1_000_000_000 / ticksPerSecond)
    }

    /// A line `Name:   123 kB`.
    private static func bytes(_ name: String, _ text: String) -> UInt64? {
        for line in text.split(separator: "\n") where line.hasPrefix(name + ":") {
            let words = line.split(separator: " ")
            return words.count > 1 ? UInt64(words[1]).map { $0 &* 1024 } : nil
        }
        return nil
    }
}
