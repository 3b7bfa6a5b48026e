import CRI
import Linux

/// Which AppArmor profile a container's processes run under.
struct AppArmorDecision: Sendable, Hashable {
    /// Nil runs as this kernel lets everything run.
    private(set) var profile: String?
    private(set) var warnings: [String] = []

    /// - Parameter kernel: nil where the kernel runs without AppArmor.
    init(_ security: ContainerSecurity, kernel: AppArmor?, object: String) throws(CRIError) {
        switch security.appArmor {
        case nil, .unconfined: return
        case .runtimeDefault:
            guard kernel != nil, !security.isPrivileged else { return }
            warnings = ["\(object): this runtime has no AppArmor profile of its own; the container runs without one"]
        case .localhost(let name):
            guard let kernel else {
                throw .failed("\(object): AppArmor profile \(name): AppArmor is not enabled on the host")
            }
            guard kernel.mayHave(name) else {
                throw .failed("\(object): apparmor profile not found \(name); apparmor_parser -r FILE loads it")
            }
            profile = name
        }
    }
}
