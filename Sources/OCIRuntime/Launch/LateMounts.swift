import CLaunch
import Glibc

/// The read-only mounts that a call makes for its process, which needs their descriptors no longer than for its first steps. To close what alone holds a mount
/// takes the kernel a twentieth to a sixth of a millisecond: so they are closed where the call would only wait.
///
/// Until then they are not safe from whoever can open a file of theirs, as `cl_mount_null` says: the process must be in nobody's sight, and execute nothing.
final class LateMounts {
    /// Of this program's file; -1 where there is none.
    private(set) var own = crt_take_own_mount()
    private var held: [Int32] = []

    init() { if own >= 0 { held.append(own) } }

    /// A mount of the null device, where the launch has that as a stream; -1 where it has not, or the process is to make its own.
    func nullDevice(for launch: inout cl_launch) -> Int32 {
        let mount = cl_takes_null(&launch) != 0 ? cl_mount_null() : -1
        if mount >= 0 { held.append(mount) }
        return mount
    }

    func letGo() {
        for number in held { close(number) }
        held = []
        own = -1
    }

    deinit { letGo() }
}
