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
        ("additional-gids", "GID", "a further group of the process; again for more"),
        ("all", "", "to all processes of the container"),
        ("apparmor", "PROFILE", "the AppArmor profile of the process"),
        ("blkio-weight", "N", "share of the disk's time, 10 to 1000"),
        ("bundle", "DIR", "the bundle: config.json and what it names (default: the current directory)"),
        ("cap", "NAME", "a further capability of the process; again for more"),
        ("cgroup", "PATH", "a group beneath the container's own, for the process"),
        ("config", "FILE", "in place of the bundle's config.json"),
        ("console-socket", "SOCKET", "the unix socket that takes over the terminal"),
        ("cpu-burst", "US", "microseconds that may be saved up"),
        ("cpu-idle", "N", "1: only when nobody else wants the processor"),
        ("cpu-period", "US", "microseconds that --cpu-quota is of"),
        ("cpu-quota", "US", "microseconds of processor time in each period"),
        ("cpu-rt-period", "US", "told as not held: cgroup v2 has nothing like it"),
        ("cpu-rt-runtime", "US", "told as not held: cgroup v2 has nothing like it"),
        ("cpu-share", "N", "share of the processors where they are short"),
        ("cpuset-cpus", "LIST", "the processors it may use, such as 0-2,4"),
        ("cpuset-mems", "LIST", "the memory nodes it may use"),
        ("cwd", "DIR", "where the process starts in"),
        ("detach", "", "return as soon as it runs"),
        ("env", "N=V", "a further variable of the process; again for more"),
        ("force", "", "also one that runs, which is killed, or is not there"),
        ("format", "table|json", "for people, or for programs"),
        ("ignore-paused", "", "also in a paused container, where it waits"),
        ("interval", "5s", "how long from one line to the next"),
        ("keep", "", "leave the container when it has ended"),
        ("kernel-memory", "BYTES", "taken, and without effect"),
        ("kernel-memory-tcp", "BYTES", "taken, and without effect"),
        ("l3-cache-schema", "TEXT", "refused"),
        ("mem-bw-schema", "TEXT", "refused"),
        ("memory", "BYTES", "most memory; -1: as much as there is"),
        ("memory-reservation", "BYTES", "memory that is left to it where the host is short"),
        ("memory-swap", "BYTES", "most memory and swap together"),
        ("no-new-keyring", "", "keep the caller's session keyring"),
        ("no-new-privs", "", "no program of it gains rights"),
        ("no-pivot", "", "refused"),
        ("no-subreaper", "", "taken, and without effect"),
        ("pid-file", "FILE", "where the number of its process is written"),
        ("pidfd-socket", "SOCKET", "the unix socket that is handed a descriptor of its process"),
        ("pids-limit", "N", "most processes; -1: as many as there can be"),
        ("preserve-fds", "N", "so many descriptors from 3 on are handed on"),
        ("process", "FILE", "the process as JSON, as config.json has it"),
        ("process-label", "LABEL", "the SELinux label of the process"),
        ("quiet", "", "ids alone"),
        ("resources", "FILE", "limits as JSON, as linux.resources has them; -: standard input"),
        ("rootless", "", "for a user without rights"),
        ("stats", "", "once"),
        ("tty", "", "give the process a terminal"),
        ("user", "UID[:GID]", "whom the process runs as, in numbers"),
    ]
}
