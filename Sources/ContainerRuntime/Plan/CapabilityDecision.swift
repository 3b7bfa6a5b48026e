import CRI
import Linux

/// Which capabilities a container gets, and which of those asked for this node cannot give.
struct CapabilityDecision: Sendable, Hashable {
    private(set) var mask: UInt64
    /// Those of `mask` that are kept over an exec as a user other than root.
    private(set) var ambient: UInt64 = 0
    private(set) var warnings: [String] = []

    /// Drops come before adds, as everywhere: `drop: [ALL], add: [NET_BIND_SERVICE]` gives one.
    init(_ security: ContainerSecurity, host: HostFeatures, object: String) throws(CRIError) {
        if security.isPrivileged {
            mask = host.capabilities
            return
        }
        var wanted = CapabilitySets.containerDefault.bounding
        for name in security.dropCapabilities { wanted &= ~(try Self.mask(name, object)) }
        let isAll = security.addCapabilities.contains { $0.uppercased() == "ALL" }
        for name in security.addCapabilities { wanted |= try Self.mask(name, object) }
        for name in security.ambientCapabilities { ambient |= try Self.mask(name, object) }
        wanted |= ambient
        if isAll { for name in security.dropCapabilities { wanted &= ~(try Self.mask(name, object)) } }
        let missing = wanted & ~host.capabilities
        mask = wanted & host.capabilities
        ambient &= mask
        // Nobody asked for one by name where all were asked for.
        if missing != 0 && !isAll {
            let names = Capability.names(in: missing).joined(separator: ", ")
            warnings.append("\(object): this node has no \(names) to give; the container runs without")
        }
    }

    private static func mask(_ name: String, _ object: String) throws(CRIError) -> UInt64 {
        do throws(KernelError) {
            return try Capability.mask(of: [name])
        } catch {
            throw .invalid("\(object): capability \"\(name)\" is not known")
        }
    }
}
