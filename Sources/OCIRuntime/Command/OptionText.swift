/// What an option of a verb means, for its page of --help. One that several verbs have means the same with each.
struct OptionText {
    /// What its value is; empty where it takes none.
    var value = ""
    var meaning: String

    /// - Parameter name: its first spelling.
    static func of(_ name: String) -> OptionText {
        all.first { $0.name == name }.map { OptionText(value: $0.value, meaning: $0.meaning) }
            ?? OptionText(meaning: "")
    }

    static let all: [(name: String, value: String, meaning: String)] = [
        ("additional-gids", "GID", "supplementary group of the process; repeatable"),
        ("all", "", "signal all processes of the container"),
        ("apparmor", "PROFILE", "the AppArmor profile of the process"),
        ("blkio-weight", "N", "block I/O weight, 10 to 1000"),
        ("bundle", "DIR", "the bundle: config.json and what it names (default: the current directory)"),
        ("cap", "NAME", "additional capability of the process; repeatable"),
        ("cgroup", "PATH", "a sub-cgroup of the container's, for the process"),
        ("config", "FILE", "use FILE in place of the bundle's config.json"),
        ("console-socket", "SOCKET", "unix socket that receives the terminal"),
        ("cpu-burst", "US", "unused quota that may accumulate, in microseconds"),
        ("cpu-idle", "N", "1: SCHED_IDLE for the whole cgroup"),
        ("cpu-period", "US", "period of --cpu-quota, in microseconds"),
        ("cpu-quota", "US", "CPU time in each period, in microseconds"),
        ("cpu-rt-period", "US", "ignored with a warning: cgroup v2 has no such limit"),
        ("cpu-rt-runtime", "US", "ignored with a warning: cgroup v2 has no such limit"),
        ("cpu-share", "N", "CPU shares, relative to other containers"),
        ("cpuset-cpus", "LIST", "CPUs it may use, such as 0-2,4"),
        ("cpuset-mems", "LIST", "NUMA memory nodes it may use"),
        ("cwd", "DIR", "working directory of the process"),
        ("detach", "", "return as soon as the container runs"),
        ("env", "N=V", "environment variable of the process; repeatable"),
        ("force", "", "kill it if it runs; no error if it does not exist"),
        ("format", "table|json", "output format"),
        ("ignore-paused", "", "also in a paused container, where it waits"),
        ("interval", "5s", "time between two lines"),
        ("keep", "", "do not delete the container when it exits"),
        ("kernel-memory", "BYTES", "accepted, no effect"),
        ("kernel-memory-tcp", "BYTES", "accepted, no effect"),
        ("l3-cache-schema", "TEXT", "refused"),
        ("mem-bw-schema", "TEXT", "refused"),
        ("memory", "BYTES", "memory limit; -1: unlimited"),
        ("memory-reservation", "BYTES", "soft memory limit (memory.low)"),
        ("memory-swap", "BYTES", "limit of memory plus swap"),
        ("no-new-keyring", "", "keep the caller's session keyring"),
        ("no-new-privs", "", "set no_new_privs"),
        ("no-pivot", "", "refused"),
        ("no-subreaper", "", "accepted, no effect"),
        ("pid-file", "FILE", "write the process ID to FILE"),
        ("pidfd-socket", "SOCKET", "unix socket that receives a pidfd of the process"),
        ("pids-limit", "N", "process limit; -1: unlimited"),
        ("preserve-fds", "N", "pass N further descriptors, from 3 on, to the process"),
        ("process", "FILE", "the process as JSON, as config.json has it"),
        ("process-label", "LABEL", "the SELinux label of the process"),
        ("quiet", "", "print only IDs"),
        ("resources", "FILE", "limits as JSON, as linux.resources has them; -: standard input"),
        ("rootless", "", "for an unprivileged user"),
        ("stats", "", "print once and exit"),
        ("tty", "", "allocate a terminal"),
        ("user", "UID[:GID]", "user of the process, by number"),
    ]
}
