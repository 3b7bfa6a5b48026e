import JSONTree
import Launch
import OCISpecification

/// What is kept for the sessions of a container: most of a configuration is the list of calls that its seccomp section names, which a session needs no more once
/// the filter is made, and what its container was made of.
extension ContainerDirectory {
    static let filter = "seccomp"

    /// The members of a configuration that only who makes the container looks at.
    private static let ofCreation = ["mounts", "hooks", "resources", "devices", "maskedPaths", "readonlyPaths"]

    /// The configuration as far as sessions go by it, and the filter as it was compiled at the creation. Without one kept, the section is whole; with it, its
    /// rules are left out.
    func sessionConfiguration() throws(OCIRuntimeError) -> (RuntimeSpecification, CompiledSeccomp?) {
        guard let kept = keptFilter() else { return (try configuration(leavingOut: Self.ofCreation), nil) }
        return (try configuration(leavingOut: Self.ofCreation + ["syscalls"]), kept)
    }

    /// Keeps a filter: its flags and the number of its instructions, of four bytes each, then these.
    func keep(_ seccomp: CompiledSeccomp) throws(OCIRuntimeError) {
        let head = UInt64(seccomp.flags) | UInt64(seccomp.program.instructions.count / 8) << 32
        let bytes = withUnsafeBytes(of: head.littleEndian) { [UInt8]($0) }
        try write(ContainerDirectory.filter, bytes + seccomp.program.instructions)
    }

    private func keptFilter() -> CompiledSeccomp? {
        guard let bytes = try? WholeFile.read(path + "/" + ContainerDirectory.filter), bytes.count > 8,
            bytes.count % 8 == 0
        else { return nil }
        let head = bytes.withUnsafeBytes { UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self)) }
        guard head >> 32 == bytes.count / 8 - 1 else { return nil }
        return CompiledSeccomp(
            program: SeccompProgram(instructions: Array(bytes[8...])), flags: UInt32(truncatingIfNeeded: head))
    }
}
