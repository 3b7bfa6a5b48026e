import Glibc

/// AppArmor of the running kernel: profiles by their names (apparmor(7)).
package struct AppArmor: Sendable, Hashable {
    /// The program that compiles profiles and gives them to the kernel (apparmor_parser(8)).
    package static let parser = "/sbin/apparmor_parser"
    /// A profile whose name is written to it is gone; processes that it confined are free then.
    package static let removal = "/sys/kernel/security/apparmor/.remove"

    /// Those that are loaded; nil where securityfs is not mounted, so that nobody but the kernel can tell.
    package var profiles: Set<String>?

    package init(profiles: Set<String>?) { self.profiles = profiles }

    /// Whether the module is there and on.
    package static var isEnabled: Bool {
        let file = "/sys/module/apparmor/parameters/enabled"
        return access(file, F_OK) == 0 && (try? readText(file))?.hasPrefix("Y") ?? false
    }

    /// Nil where the kernel runs without it.
    package static func ofThisKernel() -> AppArmor? {
        guard isEnabled else { return nil }
        return AppArmor(profiles: (try? readText("/sys/kernel/security/apparmor/profiles")).map(names))
    }

    /// The names in the kernel's list, whose lines are such as "name (enforce)"; names may have blanks.
    package static func names(in list: String) -> Set<String> {
        Set(
            list.split(separator: "\n").compactMap { line in
                line.lastIndex(of: "(").map { line[..<$0] }.map { $0.hasSuffix(" ") ? $0.dropLast() : $0 }
            }.map(String.init))
    }

    /// Whether it is certainly loaded.
    package func has(_ profile: String) -> Bool { profiles?.contains(profile) ?? false }

    /// False where it is certainly not loaded.
    package func mayHave(_ profile: String) -> Bool { profiles?.contains(profile) ?? true }

    /// Confines the program that is executed next.
    package static func label(_ profile: String) -> ProcessTraits.Label {
        ProcessTraits.Label(
            file: "/proc/self/attr/apparmor/exec", text: "exec " + profile, name: "AppArmor profile " + profile)
    }
}
