import Glibc
import JSONTree
import Launch
import OCISpecification

/// The options of `update`.
enum UpdateOptions {
    static let grammar = Arguments.Grammar(
        values: [
            ["resources", "r"], ["blkio-weight"], ["cpu-period"], ["cpu-quota"], ["cpu-burst"], ["cpu-share"],
            ["cpu-rt-period"], ["cpu-rt-runtime"], ["cpuset-cpus"], ["cpuset-mems"], ["memory"], ["memory-reservation"],
            ["memory-swap"], ["kernel-memory"], ["kernel-memory-tcp"], ["pids-limit"], ["cpu-idle"],
            ["l3-cache-schema"],
            ["mem-bw-schema"],
        ])

    static func resources(_ arguments: Arguments) throws(OCIRuntimeError) -> ResourceSpecification {
        if let path = arguments["resources"] {
            let source = path == "-" ? "/dev/stdin" : path
            let bytes = try kernel { () throws(KernelError) in try WholeFile.readPseudo(source, limit: 4 << 20) }
            return try ContainerDirectory.parse(bytes, path) { value throws(OCIError) in
                try ResourceSpecification(try SpecificationReader(value, file: path))
            }
        }
        for name in ["l3-cache-schema", "mem-bw-schema"] where arguments[name] != nil {
            throw .usage("--\(name) is not supported")
        }
        var resources = ResourceSpecification()
        resources.blockIO.weight = try arguments.number("blkio-weight")
        resources.processor.period = try arguments.number("cpu-period")
        resources.processor.quota = try arguments.number("cpu-quota")
        resources.processor.burst = try arguments.number("cpu-burst")
        resources.processor.shares = try arguments.number("cpu-share")
        resources.processor.idle = try arguments.number("cpu-idle")
        resources.processor.realtimePeriod = try arguments.number("cpu-rt-period")
        resources.processor.realtimeRuntime = try arguments.number("cpu-rt-runtime")
        resources.processor.cpus = arguments["cpuset-cpus"]
        resources.processor.memoryNodes = arguments["cpuset-mems"]
        resources.memory.limit = try bytes(arguments, "memory")
        resources.memory.reservation = try bytes(arguments, "memory-reservation")
        resources.memory.swap = try bytes(arguments, "memory-swap")
        resources.processes = try arguments.number("pids-limit")
        return resources
    }

    /// `67108864`, `64m`, `1g`.
    private static func bytes(_ arguments: Arguments, _ name: String) throws(OCIRuntimeError) -> Int64? {
        guard let text = arguments[name] else { return nil }
        let units: [Character: Int64] = ["b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40]
        let unit = text.lowercased().last.flatMap { units[$0] }
        guard let number = Int64(unit == nil ? text : String(text.dropLast())),
            case (let product, let isTooMuch) = number.multipliedReportingOverflow(by: unit ?? 1), !isTooMuch
        else { throw .usage("--\(name) \(text): it must be a number of bytes such as 64m") }
        return product
    }
}

extension Invocation {
    func update(_ arguments: Arguments) throws(OCIRuntimeError) -> Int32 {
        let directory = try directory(try arguments.container())
        let state = try directory.load()
        guard try directory.status(state) != .stopped else {
            throw .state(container: state.id, cause: "it is stopped, so there is nothing to update")
        }
        let resources = try UpdateOptions.resources(arguments)
        guard let group = try ContainerCgroup.noted(state.cgroup, unit: state.unit) else {
            throw .state(container: state.id, cause: "it has no cgroup to be limited in")
        }
        for text in try group.update(resources) { log.unheld(text) }
        return 0
    }
}
