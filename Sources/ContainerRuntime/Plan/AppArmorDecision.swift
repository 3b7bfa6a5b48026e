import CRI
import Linux

/// What there is to confine containers with on a kernel with AppArmor.
struct AppArmorMeans: Sendable, Hashable {
    var kernel: AppArmor
    /// The name of the runtime's own profile; nil where it is not loaded.
    var own: String?
    /// Why it is not.
    var obstacle: String?
}

/// Which AppArmor profile a container's processes run under.
struct AppArmorDecision: Sendable, Hashable {
    /// Nil runs as this kernel lets everything run.
    private(set) var profile: String?
    private(set) var warnings: [String] = []

    /// - Parameter means: nil where the kernel runs without AppArmor.
    init(_ security: ContainerSecurity, means: AppArmorMeans?, object: String) throws(CRIError) {
        switch security.appArmor {
        case .unconfined: return
        case nil, .runtimeDefault:
            guard let means, Self.usesOwn(security) else { return }
            profile = means.own
            guard profile == nil, security.appArmor == .runtimeDefault else { return }
            let cause = means.obstacle.map { ": \($0)" } ?? ""
            warnings = [
                "\(object): the runtime's AppArmor profile is not loaded\(cause); the container runs without one"
            ]
        case .localhost(let name):
            guard let means else {
                throw .failed("\(object): AppArmor profile \(name): AppArmor is not enabled on the host")
            }
            guard means.kernel.mayHave(name) else {
                throw .failed("\(object): apparmor profile not found \(name); apparmor_parser -r FILE loads it")
            }
            profile = name
        }
    }

    /// Whether such a container is confined by the runtime's own profile where that is loaded.
    static func usesOwn(_ security: ContainerSecurity) -> Bool {
        !security.isPrivileged && (security.appArmor == nil || security.appArmor == .runtimeDefault)
    }
}
