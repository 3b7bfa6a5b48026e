import CRI
import JSONTree
import Linux
import OCI
import Synchronization

/// Seccomp filters from the default profile and from files on the node, compiled once each.
package final class SeccompPrograms: SeccompProfiles {
    private let compiler: SeccompCompiler
    /// The default profile's programs by capabilities: every exec asks, and building a profile to look it up costs more than all else. Beyond 64
    /// they are taken from the compiler's own cache.
    private let defaults = Mutex<[UInt64: SeccompProgram]>([:])

    package init(compiler: SeccompCompiler) {
        self.compiler = compiler
    }

    package func program(
        for profile: ContainerSecurity.Seccomp, capabilities: UInt64
    ) throws(CRIError) -> SeccompProgram? {
        switch profile {
        case .unconfined: return nil
        case .runtimeDefault: return try defaultProgram(capabilities)
        case .localhost(let path): return try compile(try Self.read(path, capabilities))
        }
    }

    private func defaultProgram(_ capabilities: UInt64) throws(CRIError) -> SeccompProgram {
        if let known = defaults.withLock({ $0[capabilities] }) { return known }
        let program = try compile(.containerDefault(capabilities: capabilities))
        defaults.withLock { if $0.count < 64 { $0[capabilities] = program } }
        return program
    }

    private func compile(_ profile: SeccompProfile) throws(CRIError) -> SeccompProgram {
        try attempt("seccomp profile") { () throws(KernelError) in try compiler.program(for: profile) }
    }

    private static func read(_ path: String, _ capabilities: UInt64) throws(CRIError) -> SeccompProfile {
        guard path.hasPrefix("/") else { throw .invalid("seccomp profile \"\(path)\": its path must be absolute") }
        do {
            let value = try JSONValue(parsing: try WholeFile.read(path, limit: 4 << 20))
            return try SeccompFile.profile(
                SpecificationReader(value, file: path), for: .here(capabilities: capabilities))
        } catch let error as OCIError {
            // It has the path.
            throw .invalid("seccomp profile \(error)")
        } catch {
            throw .invalid("seccomp profile \(path): \(error)")
        }
    }
}
