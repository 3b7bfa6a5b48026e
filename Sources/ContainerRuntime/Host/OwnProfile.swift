/// The AppArmor profile of this runtime's own, for containers that ask for the runtime's default or for nothing.
///
/// It denies what would change the node, to root with every capability too: masked and read-only paths, capabilities and seccomp deny the same in other
/// ways, so that what one of them lets through meets another. What it leaves alone and what it denies is as users know it from Docker's and containerd's.
package struct OwnProfile: Sendable, Hashable {
    /// As the kernel lists it.
    package let name: String

    package init(name: String) { self.name = name }

    /// In the language of apparmor_parser(8) (apparmor.d(5)), without anything from the host's own policy, which may not be there.
    package var text: String {
        """
        profile \(name) flags=(attach_disconnected,mediate_deleted) {
          file,
          network,
          capability,
          umount,
          deny mount,

          # the runtime ends what it has started; beyond that a container is alone
          signal (receive) peer=unconfined,
          signal (send, receive) peer=\(name),
          ptrace (trace, tracedby, read, readby) peer=\(name),

          # of /proc, files of processes and kernel.shm* may be written to
          deny /proc/* w,
          deny /proc/{[^1-9],[^1-9][^0-9],[^1-9s][^0-9y][^0-9s],[^1-9][^0-9][^0-9][^0-9/]*}/** w,
          deny /proc/sys/[^k]** w,
          deny /proc/sys/kernel/{?,??,[^s][^h][^m]**} w,
          deny /proc/sysrq-trigger rwklx,
          deny /proc/kcore rwklx,

          # of /sys, cgroups
          deny /sys/[^f]*/** wklx,
          deny /sys/f[^s]*/** wklx,
          deny /sys/fs/[^c]*/** wklx,
          deny /sys/fs/c[^g]*/** wklx,
          deny /sys/fs/cg[^r]*/** wklx,
          deny /sys/firmware/** rwklx,
          deny /sys/kernel/security/** rwklx,
          deny /sys/devices/virtual/powercap/** rwklx,
        }

        """
    }
}
