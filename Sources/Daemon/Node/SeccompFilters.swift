import CRI
import ContainerRuntime
import Linux

/// Compiled seccomp filters for the runtime: the default profile, or none.
struct SeccompFilters: SeccompProfiles {
    private let compiler = SeccompCompiler()

    func program(
        for profile: ContainerSecurity.Seccomp, capabilities: UInt64
    ) throws(CRIError) -> SeccompProgram? {
        switch profile {
        case .unconfined:
            return nil
        case .runtimeDefault:
            do throws(KernelError) {
                return try compiler.program(for: .containerDefault(capabilities: capabilities))
            } catch {
                throw .failed("the default seccomp profile: \(error)")
            }
        case .localhost(let path):
            throw .unsupported(
                "seccomp profile \"\(path)\": this version reads no profiles from files; use RuntimeDefault or Unconfined"
            )
        }
    }
}
