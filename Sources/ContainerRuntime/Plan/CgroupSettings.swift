import CRI
import Linux

/// The values that a cgroup of version 2 gets, and what of them this host cannot hold.
struct CgroupSettings: Sendable, Hashable {
    struct Value: Sendable, Hashable {
        var file: String
        var value: String
        /// Set where an older kernel may lack the file: then nothing is written, and nothing said.
        var isOptional = false

        var controller: String { String(file.prefix { $0 != "." }) }
    }

    /// Whose cgroup it is.
    enum Scope: Sendable {
        case container
        /// A pod's, or that of all pods: what is not held here is told of the containers. A kill for memory takes one container, never the whole group.
        case group
    }

    /// How far what runs in a pod may nest groups of its own, all its containers together: each group costs the kernel memory that no limit counts, the
    /// more the deeper it lies.
    static let nesting = [
        Value(file: "cgroup.max.depth", value: "32"), Value(file: "cgroup.max.descendants", value: "4096"),
    ]

    private(set) var values: [Value] = []
    /// Sentences for an event.
    private(set) var warnings: [String] = []

    /// - Parameters:
    ///   - object: the container or pod in the words of a warning.
    ///   - controllers: those that the cgroup's parent has passed on.
    init(
        _ resources: ContainerResources, object: String, controllers: Set<String>, scope: Scope = .container
    ) {
        var lacking: [(limit: String, controller: String, instead: String)] = []
        func hold(_ limit: String, _ controller: String, _ wanted: [Value], instead: String = "") {
            if controllers.contains(controller) {
                values += wanted
            } else if scope == .container {
                lacking.append((limit, controller, instead))
            }
        }
        if let request = resources.cpuRequest, request > 0 {
            hold("CPU request \(request)m", "cpu", [Value(file: "cpu.weight", value: String(Self.weight(request)))])
        } else if resources.cpuRequest != nil, controllers.contains("cpu") {
            // Without a word the kernel would count what asks for nothing as one that asked for a whole CPU.
            values.append(Value(file: "cpu.weight", value: String(Self.weight(0))))
        }
        if let limit = resources.cpuLimit, limit > 0 {
            hold(
                "CPU limit \(limit)m", "cpu",
                [Value(file: "cpu.max", value: Self.bandwidth(limit, resources.cpuPeriod))])
        }
        if let limit = resources.memoryLimit, limit > 0 {
            let swap = max(0, (resources.memorySwapLimit ?? limit) &- limit)
            hold(
                "memory limit \(Self.size(limit))", "memory", Self.memory(limit, swap: swap, scope),
                instead: " by the kernel, only looked at from time to time")
        }
        values += Self.lifted(resources).filter { controllers.contains($0.controller) }
        if let limit = resources.processLimit, limit > 0 {
            hold("process limit \(limit)", "pids", [Value(file: "pids.max", value: String(limit))])
        }
        if !resources.cpuSet.isEmpty {
            hold("CPU set \(resources.cpuSet)", "cpuset", [Value(file: "cpuset.cpus", value: resources.cpuSet)])
        }
        if !resources.memoryNodes.isEmpty {
            hold(
                "memory nodes \(resources.memoryNodes)", "cpuset",
                [Value(file: "cpuset.mems", value: resources.memoryNodes)])
        }
        // None is what kubelets ask for of every size that a container does not use: without the controller there are none to be had.
        for (size, limit) in resources.hugePageLimits.sorted(by: { $0.key < $1.key })
        where scope == .container && (limit > 0 || controllers.contains("hugetlb")) {
            hold("limit of \(size) pages", "hugetlb", Self.hugePages(size, limit))
        }
        // As the kernel's own files have it: what is written last counts.
        for (file, value) in resources.unified.sorted(by: { $0.key < $1.key }) {
            let value = Value(file: file, value: value)
            hold(file, value.controller, [value])
        }
        for (limit, controller, instead) in lacking {
            warnings.append(
                "\(object): the \(limit) is not held\(instead): this node's cgroup v2 hierarchy has no \(controller) controller"
            )
        }
    }

    /// `cpu.weight` for a request, by way of whole shares, as Kubernetes counts them: 100m are 102.
    static func weight(_ milliCPU: Int64) -> Int64 {
        CPUWeight.of(shares: UInt64(min(max(milliCPU, 0), 1 << 32) * 1024 / 1000))
    }

    /// Microseconds a period, of 100 ms where nothing else is asked for; the kernel takes no quota below 1 ms.
    static func bandwidth(_ milliCPU: Int64, _ period: Int64? = nil) -> String {
        let bounded = min(milliCPU, 1_000_000_000)
        let period = min(max(period ?? 100_000, 1_000), 1_000_000)
        return "\(max(bounded * period / 1_000, 1_000)) \(period)"
    }

    /// No swap unless asked for, and a container ends as a whole when it runs out.
    private static func memory(_ limit: Int64, swap: Int64, _ scope: Scope) -> [Value] {
        [
            Value(file: "memory.max", value: String(limit)),
            Value(file: "memory.swap.max", value: String(swap), isOptional: true),
        ] + (scope == .container ? [Value(file: "memory.oom.group", value: "1", isOptional: true)] : [])
    }

    /// Limits that are to be none.
    private static func lifted(_ resources: ContainerResources) -> [Value] {
        var values: [Value] = []
        if let limit = resources.cpuLimit, limit < 0 { values.append(Value(file: "cpu.max", value: "max")) }
        if let limit = resources.memoryLimit, limit < 0 {
            values.append(Value(file: "memory.max", value: "max"))
            values.append(Value(file: "memory.swap.max", value: "max", isOptional: true))
        }
        return values
    }

    /// Of those in use and of those that are set aside: who maps one too many is told so, and not killed when he touches it.
    private static func hugePages(_ size: String, _ limit: UInt64) -> [Value] {
        ["max", "rsvd.max"].map { Value(file: "hugetlb.\(size).\($0)", value: String(limit), isOptional: true) }
    }

    private static func size(_ bytes: Int64) -> String {
        bytes % (1 << 20) == 0 ? "\(bytes >> 20)Mi" : "\(bytes) bytes"
    }
}
