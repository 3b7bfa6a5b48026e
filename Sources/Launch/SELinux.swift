import Glibc

/// SELinux of the running kernel.
package enum SELinux {
    /// Whether it is on and has a policy; until it has, every process is called "kernel".
    package static var isEnabled: Bool {
        guard access("/sys/fs/selinux/enforce", F_OK) == 0, let own = try? readText("/proc/self/attr/current") else {
            return false
        }
        return own != "kernel" && own != "kernel\0"
    }

    /// Confines the program that is executed next, and the keyring that is made for it.
    package static func label(_ label: String) -> ProcessTraits.Label {
        ProcessTraits.Label(file: "/proc/self/attr/exec", text: label, name: "SELinux label " + label)
    }
}
