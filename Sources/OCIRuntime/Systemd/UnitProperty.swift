import DBus
import OCISpecification

/// What a scope is told to be.
struct UnitProperty: Equatable {
    var name: String
    var value: DBusValue

    init(_ name: String, _ value: DBusValue) {
        self.name = name
        self.value = value
    }

    /// A weight of none at all.
    static let idle = UnitProperty("CPUWeight", .uint64(0))

    /// Without what this version of systemd refuses, such as "252.39-1~deb12u1": the files hold that alone.
    static func known(_ properties: [UnitProperty], to version: String) -> [UnitProperty] {
        let digits = version.drop { !$0.isNumber }.prefix { $0.isNumber }
        return (Int(digits) ?? 0) >= 252 ? properties : properties.filter { $0 != idle }
    }

    static func array(_ properties: [UnitProperty]) -> DBusValue {
        .array(of: "(sv)", properties.map { .structure([.string($0.name), .variant($0.value)]) })
    }

    /// A scope around one process. What is beneath it is the container's, and it goes with its last process, also where that failed.
    static func scope(_ slice: String, container: String, processID: Int32) -> [UnitProperty] {
        let accounting = ["Memory", "CPU", "IO", "Tasks"].map { UnitProperty($0 + "Accounting", .bool(true)) }
        return [
            UnitProperty("Description", .string("swiftlet-oci container \(container)")),
            UnitProperty("Slice", .string(slice)), UnitProperty("Delegate", .bool(true)),
            UnitProperty("PIDs", .array(of: "u", [.uint32(UInt32(bitPattern: processID))])),
            UnitProperty("DefaultDependencies", .bool(false)),
            UnitProperty("CollectMode", .string("inactive-or-failed")),
        ] + accounting
    }

    /// The limits that systemd has a property for, which it would else write over when it is reloaded. The files are written too: they take
    /// every value as it is. The device program is not systemd's: it is attached beside whatever systemd attaches, and stays.
    static func limits(_ resources: ResourceSpecification) -> [UnitProperty] {
        ResourceSettings.settings(resources).flatMap { limit($0.file, $0.value) }
    }

    /// Of a file of the unified hierarchy and what is written into it; what is no such value the kernel will refuse.
    private static func limit(_ file: String, _ value: String) -> [UnitProperty] {
        switch file {
        case "memory.max": number("MemoryMax", value)
        case "memory.high": number("MemoryHigh", value)
        case "memory.low": number("MemoryLow", value)
        case "memory.min": number("MemoryMin", value)
        case "memory.swap.max": number("MemorySwapMax", value)
        case "pids.max": number("TasksMax", value)
        case "cpu.weight": number("CPUWeight", value)
        case "cpu.idle": value == "1" ? [.idle] : []
        case "cpu.max": quota(value)
        case "cpuset.cpus": mask("AllowedCPUs", value)
        case "cpuset.mems": mask("AllowedMemoryNodes", value)
        case "io.weight": value.hasPrefix("default ") ? number("IOWeight", String(value.dropFirst(8))) : []
        default: []
        }
    }

    private static func number(_ name: String, _ text: String) -> [UnitProperty] {
        (text == "max" ? UInt64.max : UInt64(text)).map { [UnitProperty(name, .uint64($0))] } ?? []
    }

    /// systemd counts in whole hundredths of a processor, so a part of one is rounded up.
    private static func quota(_ text: String) -> [UnitProperty] {
        let words = text.split(separator: " ")
        guard let first = words.first, let period = words.count > 1 ? UInt64(words[1]) : 100_000, period > 0 else {
            return []
        }
        var perSecond = UInt64.max
        if first != "max" {
            guard let quota = UInt64(first), case let product = quota.multipliedReportingOverflow(by: 1_000_000),
                !product.overflow, case let hundredths = product.partialValue / period / 10_000,
                hundredths < UInt64.max / 20_000
            else { return [] }
            let isWhole = product.partialValue % (period * 10_000) == 0
            perSecond = (hundredths + (isWhole ? 0 : 1)) * 10_000
        }
        return [
            UnitProperty("CPUQuotaPeriodUSec", .uint64(period)), UnitProperty("CPUQuotaPerSecUSec", .uint64(perSecond)),
        ]
    }

    private static func mask(_ name: String, _ list: String) -> [UnitProperty] {
        guard let mask = try? SchedulingNames.processorMask(list), !mask.isEmpty else { return [] }
        return [UnitProperty(name, .array(of: "y", mask.map(DBusValue.byte)))]
    }
}
