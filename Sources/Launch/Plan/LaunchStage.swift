import CLaunch
import Glibc

/// Where on the way from clone to execve a launch failed. The numbers are those of `cplan.h`.
package struct LaunchStage: Sendable, Hashable, CustomStringConvertible {
    package let rawValue: UInt32

    package init(rawValue: UInt32) { self.rawValue = rawValue }

    package static let join = LaunchStage(rawValue: UInt32(CL_STAGE_JOIN))
    package static let clone = LaunchStage(rawValue: UInt32(CL_STAGE_CLONE))
    package static let exec = LaunchStage(rawValue: UInt32(CL_STAGE_EXEC))
    package static let mount = LaunchStage(rawValue: UInt32(CL_STAGE_MOUNT))
    package static let mountTarget = LaunchStage(rawValue: UInt32(CL_STAGE_MOUNT_TARGET))
    package static let mountSource = LaunchStage(rawValue: UInt32(CL_STAGE_MOUNT_SOURCE))
    package static let workingDirectory = LaunchStage(rawValue: UInt32(CL_STAGE_CWD))
    package static let capabilities = LaunchStage(rawValue: UInt32(CL_STAGE_CAPABILITIES))
    package static let hook = LaunchStage(rawValue: UInt32(CL_STAGE_HOOK))
    package static let identities = LaunchStage(rawValue: UInt32(CL_STAGE_IDENTITIES))
    package static let oomScore = LaunchStage(rawValue: UInt32(CL_STAGE_OOM_SCORE))

    /// What an errno of this stage means, where that is more than its own words.
    package func cause(_ code: Int32) -> String {
        switch Int(rawValue) {
        case CL_STAGE_LABEL where code == ENOENT:
            "it is not loaded; apparmor_parser -r FILE loads it"
        case CL_STAGE_LABEL where code == EINVAL: "the kernel's policy does not know it"
        case CL_STAGE_CLONE where code == ETIMEDOUT:
            "not done within 10 s: a file system of its mounts hangs, whose server then does not answer, or its cgroup is frozen or has hardly any processor "
                + "time (cgroup.events, cpu.max)"
        case CL_STAGE_CLONE where code == EAGAIN:
            "no further process is allowed: the container has as many as its limit (pids.max of its cgroup), its user (RLIMIT_NPROC) or the host "
                + "(sysctl kernel.pid_max, kernel.threads-max) lets it; raise that, or end some"
        case CL_STAGE_CLONE where code == ECHILD: "what was to make it was killed; " + LaunchStage.ofKilled
        case CL_STAGE_KEYRING where code == EDQUOT:
            "its user may have no more keys, which /proc/key-users counts: sysctl kernel.keys.maxkeys and maxbytes raise that; "
                + "a container created with --no-new-keyring (podman: keyring = false in containers.conf) needs none"
        case CL_STAGE_HOOK where code < 0: "it ended with \(-code)"
        case CL_STAGE_HOOK where code == ETIMEDOUT: "it did not end within its time and was killed"
        case CL_STAGE_LOST where code == 0: "it ended before it executed its program; " + LaunchStage.ofKilled
        default: KernelError.text(of: code)
        }
    }

    /// What to look at where something was killed that nobody meant to end.
    package static let ofKilled =
        "if oom_kill in memory.events of its cgroup has risen, its limit of memory (memory.max) is too low"

    /// What was being done, in words that follow "while".
    package var description: String {
        guard let text = cl_stage_name(rawValue) else { return "in stage \(rawValue)" }
        return String(cString: text)
    }
}
