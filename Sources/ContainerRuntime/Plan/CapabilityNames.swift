/// The kernel's capabilities by name and number.
enum CapabilityNames {
    /// In the order of their numbers, from 0.
    static let all = [
        "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP",
        "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER",
        "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE",
        "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP",
        "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF",
        "CHECKPOINT_RESTORE",
    ]

    /// The bit of a name, with or without `CAP_`, in any case; all of them for `ALL`. Nil for a name that the kernel does not know.
    static func mask(_ name: String) -> UInt64? {
        let plain = name.uppercased()
        if plain == "ALL" || plain == "CAP_ALL" { return everything }
        let short = plain.hasPrefix("CAP_") ? String(plain.dropFirst(4)) : plain
        return all.firstIndex(of: short).map { 1 << UInt64($0) }
    }

    static func names(in mask: UInt64) -> [String] {
        all.enumerated().filter { mask & (1 << UInt64($0.offset)) != 0 }.map(\.element)
    }

    static let everything = (UInt64(1) << UInt64(all.count)) - 1
}
