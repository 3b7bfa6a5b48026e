import CLaunch
import Glibc
import Launch
import OCISpecification

/// What planning needs to know of the host and of this call; gathered once, so that the plan itself is a pure function.
package struct HostFacts: Sendable {
    /// Whether device nodes can be made: by root of the initial user namespace.
    package var canMakeNodes: Bool
    package var hasAppArmor: Bool
    package var hasSELinux: Bool
    /// What `--preserve-fds` and socket activation hand on.
    package var preservedDescriptors: UInt32
    /// Of these, the sockets that a service manager handed to the caller (sd_listen_fds(3)).
    package var activationSockets: UInt32 = 0
    /// Where a service manager waits to be told that the service is ready (sd_notify(3)); the container's process tells it instead of the caller.
    package var notifySocket: String?
    package var keepsKeyring: Bool
    /// Whether this process has already made the bundle's user namespace and is its root.
    package var isRootOfBundle = false

    package init(
        canMakeNodes: Bool = true, hasAppArmor: Bool = false, hasSELinux: Bool = false,
        preservedDescriptors: UInt32 = 0, keepsKeyring: Bool = false
    ) {
        self.canMakeNodes = canMakeNodes
        self.hasAppArmor = hasAppArmor
        self.hasSELinux = hasSELinux
        self.preservedDescriptors = preservedDescriptors
        self.keepsKeyring = keepsKeyring
    }

    package static func gathered(preservedDescriptors: UInt32, keepsKeyring: Bool = false) -> HostFacts {
        HostFacts(
            canMakeNodes: geteuid() == 0 && HostFacts.isInitialUserNamespace,
            hasAppArmor: AppArmor.isEnabled, preservedDescriptors: preservedDescriptors, keepsKeyring: keepsKeyring)
    }

    /// As far as a session's process asks for it.
    static func ofSession(_ process: ProcessSpecification, preservedDescriptors: UInt32, keepsKeyring: Bool)
        -> HostFacts
    {
        HostFacts(
            hasAppArmor: !process.appArmorProfile.isEmpty && AppArmor.isEnabled,
            hasSELinux: !process.selinuxLabel.isEmpty && SELinux.isEnabled, preservedDescriptors: preservedDescriptors,
            keepsKeyring: keepsKeyring)
    }

    /// Nil where there is none, or one that has no path and is out of a container's reach.
    static var serviceSocket: String? {
        guard let text = getenv("NOTIFY_SOCKET") else { return nil }
        var status = stat()
        guard text[0] == UInt8(ascii: "/"), stat(text, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else {
            return nil
        }
        return String(cString: text)
    }

    /// The kernel's own namespaces have fixed numbers (enum init_ns_ino in linux/nsfs.h).
    static var isInitialUserNamespace: Bool {
        var status = stat()
        return stat("/proc/self/ns/user", &status) != 0 || status.st_ino == 0xEFFF_FFFD
    }
}
