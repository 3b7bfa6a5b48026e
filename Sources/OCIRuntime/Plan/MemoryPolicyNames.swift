import Launch
import OCISpecification

/// The specification's words for memory policies and the kernel's numbers (set_mempolicy(2)).
enum MemoryPolicyNames {
    /// By the kernel's numbers.
    static let modes = [
        "MPOL_DEFAULT", "MPOL_PREFERRED", "MPOL_BIND", "MPOL_INTERLEAVE", "MPOL_LOCAL", "MPOL_PREFERRED_MANY",
        "MPOL_WEIGHTED_INTERLEAVE",
    ]
    static let flags: [String: UInt32] = [
        "MPOL_F_STATIC_NODES": 1 << 15, "MPOL_F_RELATIVE_NODES": 1 << 14, "MPOL_F_NUMA_BALANCING": 1 << 13,
    ]
    /// Nodes that a mask has room for; the kernel's own limit.
    private static let nodeLimit = 1024

    /// What the kernel makes of a combination is its to say.
    static func policy(
        _ value: LinuxSpecification.MemoryPolicy
    ) throws(OCIRuntimeError) -> ProcessTraits.MemoryPolicy {
        guard let mode = modes.firstIndex(of: value.mode) else {
            throw .unsupported(field: "linux.memoryPolicy.mode", cause: "\"\(value.mode)\" is not known")
        }
        var bits = UInt32(mode)
        for name in value.flags {
            guard let bit = flags[name] else {
                throw .unsupported(field: "linux.memoryPolicy.flags", cause: "\"\(name)\" is not known")
            }
            bits |= bit
        }
        let nodes = try SchedulingNames.mask(value.nodes, of: "memory nodes", field: "linux.memoryPolicy.nodes")
        guard nodes.count * 8 <= nodeLimit else {
            throw .unsupported(
                field: "linux.memoryPolicy.nodes", cause: "\"\(value.nodes)\" has nodes beyond \(nodeLimit - 1)")
        }
        return ProcessTraits.MemoryPolicy(mode: bits, nodes: nodes)
    }
}
