import JSONTree

/// The `linux.resources` section (config-linux.md), and what `update` reads. Nil is what is not said; of the other values those of cgroup v1 are meant.
package struct ResourceSpecification: Sendable, Hashable {
    /// Lets devices be used or not; later ones win.
    package struct DeviceRule: Sendable, Hashable {
        package var allows: Bool
        /// `a`, `c` or `b`.
        package var type: String
        /// Nil for all.
        package var major: Int64?
        package var minor: Int64?
        /// Of `r`, `w` and `m`.
        package var access: String
    }

    /// In bytes; -1 is none, 0 is not said.
    package struct Memory: Sendable, Hashable {
        package var limit: Int64?
        package var reservation: Int64?
        /// Memory and swap together.
        package var swap: Int64?
        package var disablesOOMKiller = false
        package var checksBeforeUpdate = false
    }

    /// Processor time and processors.
    package struct Processor: Sendable, Hashable {
        /// 2...262,144 against others' (`CPUWeight`).
        package var shares: UInt64?
        /// Microseconds in each `period`; 0 and less: any. `burst` is how many unused ones may be saved up.
        package var quota: Int64?
        package var burst: UInt64?
        package var period: UInt64?
        package var realtimeRuntime: Int64?
        package var realtimePeriod: UInt64?
        /// Lists such as `0-3,7`.
        package var cpus: String?
        package var memoryNodes: String?
        /// 1: runs when nobody else wants to.
        package var idle: Int64?
    }

    /// The share of one device.
    package struct BlockWeight: Sendable, Hashable {
        package var major: Int64
        package var minor: Int64
        package var weight: UInt16?
    }

    /// What may go to or come from a device in a second: bytes or operations.
    package struct BlockThrottle: Sendable, Hashable {
        package var major: Int64
        package var minor: Int64
        package var rate: UInt64
    }

    /// Weights are 10...1,000; 0 is not said.
    package struct BlockIO: Sendable, Hashable {
        package var weight: UInt16?
        package var weights: [BlockWeight] = []
        /// By the file's key in `io.max`: rbps, wbps, riops, wiops.
        package var throttles: [String: [BlockThrottle]] = [:]
    }

    /// The bytes that may be in use in pages of one size.
    package struct HugePages: Sendable, Hashable {
        /// Such as `2MB`.
        package var pageSize: String
        package var limit: UInt64
    }

    /// What may be open of an RDMA device.
    package struct RDMA: Sendable, Hashable {
        package var handles: UInt32?
        package var objects: UInt32?
    }

    package var devices: [DeviceRule] = []
    package var memory = Memory()
    package var processor = Processor()
    /// -1 and 0 for none.
    package var processes: Int64?
    package var blockIO = BlockIO()
    package var hugePages: [HugePages] = []
    /// Whether a class or priorities of network traffic are asked for, which cgroup v2 does not know.
    package var hasNetworkClass = false
    /// By device.
    package var rdma: [String: RDMA] = [:]
    /// Files of the unified hierarchy and what to write into them.
    package var unified: [String: String] = [:]

    package init() {}

    package init(_ reader: SpecificationReader) throws(OCIError) {
        for element in try reader.objects("devices") { devices.append(try DeviceRule(element)) }
        if let section = try reader.object("memory") { memory = try Memory(section) }
        if let section = try reader.object("cpu") { processor = try Processor(section) }
        if let section = try reader.object("pids") { processes = try section.integer("limit") }
        if let section = try reader.object("blockIO") { blockIO = try BlockIO(section) }
        for element in try reader.objects("hugepageLimits") {
            guard let size = try element.string("pageSize") else { throw element.failure("pageSize", "it is missing") }
            hugePages.append(HugePages(pageSize: size, limit: try element.needed("limit")))
        }
        if let section = try reader.object("network") {
            let classID: UInt32 = try section.number("classID") ?? 0
            let priorities = try section.objects("priorities")
            hasNetworkClass = classID != 0 || !priorities.isEmpty
        }
        if let section = try reader.object("rdma") {
            for name in section.names {
                guard let limits = try section.object(name) else { continue }
                rdma[name] = RDMA(handles: try limits.number("hcaHandles"), objects: try limits.number("hcaObjects"))
            }
        }
        unified = try reader.stringMap("unified") ?? [:]
        for name in unified.keys where name.contains("/") || !name.contains(".") {
            throw reader.failure("unified", "\"\(name)\" is no name of a cgroup's file")
        }
    }
}

extension ResourceSpecification.DeviceRule {
    init(_ reader: SpecificationReader) throws(OCIError) {
        allows = try reader.bool("allow") ?? false
        type = try reader.choice("type", of: ["a", "c", "b", ""]) ?? "a"
        if type.isEmpty { type = "a" }
        major = try reader.integer("major").flatMap { $0 < 0 ? nil : $0 }
        minor = try reader.integer("minor").flatMap { $0 < 0 ? nil : $0 }
        access = try reader.string("access") ?? "rwm"
        guard access.allSatisfy({ "rwm".contains($0) }) else {
            throw reader.failure("access", "it must be of the letters r, w and m")
        }
    }
}

extension ResourceSpecification.Memory {
    init(_ reader: SpecificationReader) throws(OCIError) {
        limit = try reader.integer("limit")
        reservation = try reader.integer("reservation")
        swap = try reader.integer("swap")
        disablesOOMKiller = try reader.bool("disableOOMKiller") ?? false
        checksBeforeUpdate = try reader.bool("checkBeforeUpdate") ?? false
        if let limit, limit > 0, let swap, swap > 0, swap < limit {
            throw reader.failure("swap", "it is memory and swap together, so it must not be below limit")
        }
    }
}

extension ResourceSpecification.Processor {
    init(_ reader: SpecificationReader) throws(OCIError) {
        shares = try reader.number("shares")
        quota = try reader.integer("quota")
        burst = try reader.number("burst")
        period = try reader.number("period")
        realtimeRuntime = try reader.integer("realtimeRuntime")
        realtimePeriod = try reader.number("realtimePeriod")
        cpus = try reader.string("cpus")
        memoryNodes = try reader.string("mems")
        idle = try reader.integer("idle")
    }
}

extension ResourceSpecification.BlockIO {
    init(_ reader: SpecificationReader) throws(OCIError) {
        weight = try reader.number("weight")
        if let weight, weight != 0, !(10...1000).contains(weight) {
            throw reader.failure("weight", "it must be from 10 to 1000")
        }
        for element in try reader.objects("weightDevice") {
            weights.append(
                .init(
                    major: try element.needed("major"), minor: try element.needed("minor"),
                    weight: try element.number("weight")))
        }
        let fields = [
            ("throttleReadBpsDevice", "rbps"), ("throttleWriteBpsDevice", "wbps"), ("throttleReadIOPSDevice", "riops"),
            ("throttleWriteIOPSDevice", "wiops"),
        ]
        for (field, key) in fields {
            var list: [ResourceSpecification.BlockThrottle] = []
            for element in try reader.objects(field) {
                list.append(
                    .init(
                        major: try element.needed("major"), minor: try element.needed("minor"),
                        rate: try element.needed("rate")))
            }
            if !list.isEmpty { throttles[key] = list }
        }
    }
}
