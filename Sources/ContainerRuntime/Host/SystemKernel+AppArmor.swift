import Glibc
import Linux

extension SystemKernel {
    private static let deadline = Duration.seconds(20)

    package func appArmor() -> AppArmor? { AppArmor.ofThisKernel() }

    package func load(_ profile: OwnProfile) throws(KernelError) -> String? {
        guard access(AppArmor.parser, X_OK) == 0 else { return "\(AppArmor.parser) is missing (package apparmor)" }
        // Without a cache: it would outlive us in a directory of the host's.
        return try HostProgram.run(
            AppArmor.parser, ["--replace", "--skip-cache"], input: profile.text, deadline: Self.deadline)
    }

    /// One that is loaded.
    package func unload(_ profile: OwnProfile) throws(KernelError) {
        try writeText(profile.name, to: AppArmor.removal)
    }
}
