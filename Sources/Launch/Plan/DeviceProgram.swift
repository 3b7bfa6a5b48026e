import CLaunch
import Glibc

/// A device program in the kernel, loaded once and used by every container with the same rules.
package struct DeviceProgram: Sendable {
    package let descriptor: SharedDescriptor
    /// The rules as the launch path compares them.
    package let rules: [UInt8]

    /// Costs one to two milliseconds.
    package init(_ rules: [DeviceRule]) throws(KernelError) {
        let flat = rules.map {
            cl_rule(
                type: $0.kind.rawValue, access: $0.access.rawValue, major: $0.major.map(Int64.init) ?? -1,
                minor: $0.minor.map(Int64.init) ?? -1)
        }
        let program = cl_device_program_load(flat, UInt32(flat.count))
        guard program >= 0 else { throw KernelError("load", "device program", -program) }
        descriptor = SharedDescriptor(Descriptor(owning: program))
        self.rules = flat.withUnsafeBytes { Array($0) }
    }
}
