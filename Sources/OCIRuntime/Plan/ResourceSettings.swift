import Launch
import OCISpecification

/// From a resources section to the files of the unified hierarchy.
enum ResourceSettings {
    struct Setting: Equatable {
        var file: String
        var value: String
        /// What a message calls it.
        var field: String
        var isUnified = false
        /// Holds the same limit as the one before it, of which all is said.
        var isSecond = false

        var controller: String { String(file.prefix { $0 != "." }) }
    }

    static func settings(_ resources: ResourceSpecification) -> [Setting] {
        var list = memory(resources.memory) + processor(resources.processor)
        if let limit = resources.processes {
            list.append(Setting(file: "pids.max", value: text(limit), field: "linux.resources.pids.limit"))
        }
        list += blockIO(resources.blockIO)
        for pages in resources.hugePages {
            let (file, limit) = ("hugetlb.\(pages.pageSize)", "\(pages.limit)")
            let field = "linux.resources.hugepageLimits"
            list.append(Setting(file: file + ".max", value: limit, field: field))
            // Also of those set aside: who maps one too many is told so, and not killed when he touches it.
            list.append(Setting(file: file + ".rsvd.max", value: limit, field: field, isSecond: true))
        }
        for (device, limit) in resources.rdma.sorted(by: { $0.key < $1.key }) {
            let handles = limit.handles.map { " hca_handle=\($0)" } ?? ""
            let objects = limit.objects.map { " hca_object=\($0)" } ?? ""
            list.append(Setting(file: "rdma.max", value: device + handles + objects, field: "linux.resources.rdma"))
        }
        for (file, value) in resources.unified.sorted(by: { $0.key < $1.key }) {
            list.append(Setting(file: file, value: value, field: "linux.resources.unified", isUnified: true))
        }
        return list
    }

    /// An update with what it leaves unsaid and one of its values hangs on: a quota and its period are one value of one file, and swap is counted from the
    /// memory's limit. As runc has it; `cpuMax` and `memoryMax` are what the group's files hold, nil where there is no number.
    static func completed(
        _ update: ResourceSpecification, cpuMax: String?, memoryMax: UInt64?
    ) -> ResourceSpecification {
        var result = update
        let held = cpuMax?.split { $0.isWhitespace } ?? []
        switch ((update.processor.quota ?? 0) != 0, (update.processor.period ?? 0) != 0) {
        case (true, false): result.processor.period = held.last.flatMap { UInt64($0) }
        case (false, true): result.processor.quota = held.first.flatMap { Int64($0) }
        default: break
        }
        if update.memory.swap ?? 0 > 0, update.memory.limit ?? 0 == 0 {
            result.memory.limit = memoryMax.map { Int64(clamping: $0) }
        }
        return result
    }

    /// Clauses that the unified hierarchy has no file for.
    static func withoutMeaning(_ resources: ResourceSpecification) -> [String] {
        var list: [String] = []
        func add(_ is: Bool, _ field: String) {
            if `is` { list.append("linux.resources.\(field) cannot be held: cgroup v2 has nothing like it") }
        }
        add(resources.memory.disablesOOMKiller, "memory.disableOOMKiller")
        add((resources.processor.realtimeRuntime ?? 0) != 0, "cpu.realtimeRuntime")
        add((resources.processor.realtimePeriod ?? 0) != 0, "cpu.realtimePeriod")
        add(resources.hasNetworkClass, "network")
        return list
    }

    /// Sizes in KiB; where the kernel has no huge pages at all there is nothing to compare with.
    static func checkPageSizes(_ resources: ResourceSpecification, kernel: [UInt64]) throws(OCIRuntimeError) {
        for (index, pages) in resources.hugePages.enumerated() where !kernel.isEmpty {
            if let size = PageSizes.kibibytes(pages.pageSize), kernel.contains(size) { continue }
            let known = kernel.sorted().map(PageSizes.name).joined(separator: ", ")
            throw .unsupported(
                field: "linux.resources.hugepageLimits[\(index)].pageSize",
                cause: "this kernel has no pages of \"\(pages.pageSize)\", but of \(known)")
        }
    }

    /// Refuses a limit at or below what is in use, where that is asked for: the kernel would not refuse it, but kill for it.
    /// - Parameter usage: bytes; nil: it cannot be known.
    static func checkUsage(_ memory: ResourceSpecification.Memory, _ usage: UInt64?) throws(OCIRuntimeError) {
        guard memory.checksBeforeUpdate, let usage else { return }
        for (name, limit) in [("limit", memory.limit), ("swap", memory.swap)] {
            guard let limit, limit > 0, UInt64(limit) <= usage else { continue }
            throw .unsupported(
                field: "linux.resources.memory.\(name)", cause: "\(limit) bytes are not more than the \(usage) in use")
        }
    }

    private static func text(_ limit: Int64) -> String { limit <= 0 ? "max" : String(limit) }

    private static func memory(_ memory: ResourceSpecification.Memory) -> [Setting] {
        var list: [Setting] = []
        let prefix = "linux.resources.memory."
        // Swap first where it grows, so that the sum is never below the limit.
        if let swap = memory.swap, swap != 0 {
            let limit = max(0, memory.limit ?? 0)
            let value = swap < 0 ? "max" : String(swap - limit)
            list.append(Setting(file: "memory.swap.max", value: value, field: prefix + "swap"))
        }
        if let limit = memory.limit, limit != 0 {
            list.append(Setting(file: "memory.max", value: text(limit), field: prefix + "limit"))
        }
        if let reservation = memory.reservation, reservation != 0 {
            list.append(Setting(file: "memory.low", value: text(reservation), field: prefix + "reservation"))
        }
        return list
    }

    private static func processor(_ processor: ResourceSpecification.Processor) -> [Setting] {
        var list: [Setting] = []
        let prefix = "linux.resources.cpu."
        if let idle = processor.idle {
            list.append(Setting(file: "cpu.idle", value: "\(idle)", field: prefix + "idle"))
        }
        if let shares = processor.shares, shares != 0, processor.idle != 1 {
            list.append(Setting(file: "cpu.weight", value: "\(CPUWeight.of(shares: shares))", field: prefix + "shares"))
        }
        if processor.quota ?? 0 != 0 || processor.period ?? 0 != 0 {
            let quota = processor.quota ?? 0
            let value =
                (quota <= 0 ? "max" : "\(quota)") + " \(processor.period.flatMap { $0 == 0 ? nil : $0 } ?? 100_000)"
            list.append(Setting(file: "cpu.max", value: value, field: prefix + "quota"))
        }
        if let burst = processor.burst {
            list.append(Setting(file: "cpu.max.burst", value: "\(burst)", field: prefix + "burst"))
        }
        if let cpus = processor.cpus, !cpus.isEmpty {
            list.append(Setting(file: "cpuset.cpus", value: cpus, field: prefix + "cpus"))
        }
        if let nodes = processor.memoryNodes, !nodes.isEmpty {
            list.append(Setting(file: "cpuset.mems", value: nodes, field: prefix + "mems"))
        }
        return list
    }

    private static func blockIO(_ block: ResourceSpecification.BlockIO) -> [Setting] {
        var list: [Setting] = []
        let prefix = "linux.resources.blockIO."
        // 10...1000 of cgroup v1 to 1...10000.
        func weight(_ old: UInt16) -> Int { 1 + (Int(old) - 10) * 9999 / 990 }
        if let old = block.weight, old != 0 {
            list.append(Setting(file: "io.weight", value: "default \(weight(old))", field: prefix + "weight"))
        }
        for device in block.weights {
            guard let old = device.weight, old != 0 else { continue }
            let value = "\(device.major):\(device.minor) \(weight(old))"
            list.append(Setting(file: "io.weight", value: value, field: prefix + "weightDevice"))
        }
        for (key, throttles) in block.throttles.sorted(by: { $0.key < $1.key }) {
            for throttle in throttles {
                let rate = throttle.rate == 0 ? "max" : "\(throttle.rate)"
                let value = "\(throttle.major):\(throttle.minor) \(key)=\(rate)"
                list.append(Setting(file: "io.max", value: value, field: prefix + "throttle (\(key))"))
            }
        }
        return list
    }
}
