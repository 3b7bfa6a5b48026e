import Glibc
import Linux

/// crun or runc on the same work: an OCI bundle with the same namespaces, mounts, capabilities and seccomp rules.
struct PeerBench {
    let runtime: String
    let directory: String

    init(runtime: String, directory: String) throws {
        self.runtime = runtime
        self.directory = directory
        try writeBytes(Array(configuration().utf8), to: directory + "/config.json")
    }

    func run(rounds: Int) throws {
        var samples = Samples()
        let name = runtime.split(separator: "/").last.map(String.init) ?? runtime
        for round in 0..<rounds {
            let id = "swiftlet-bench-\(getpid())-\(round)"
            let start = now()
            try command([runtime, "create", "--bundle", directory, id])
            try command([runtime, "start", id])
            samples.add(since: start)
            try command([runtime, "delete", "--force", id])
        }
        print(samples.line("\(name)  container, create and start"))
    }

    private func configuration() -> String {
        let capabilities = quoted(Capability.names(in: CapabilitySets.containerDefault.bounding))
        let sets = ["bounding", "effective", "permitted"].map { "\"\($0)\": [\(capabilities)]" }
        let namespaces = ["pid", "network", "ipc", "uts", "mount", "cgroup"].map { "{\"type\": \"\($0)\"}" }
        return """
            {"ociVersion": "1.0.2", "hostname": "bench",
             "process": {"terminal": false, "user": {"uid": 0, "gid": 0}, "args": ["sleep", "1000"],
              "env": ["PATH=/bin"], "cwd": "/", "capabilities": {\(sets.joined(separator: ", "))},
              "noNewPrivileges": false},
             "root": {"path": "rootfs"},
             "mounts": [\(mounts.joined(separator: ", "))],
             "linux": {"namespaces": [\(namespaces.joined(separator: ", "))],
              "maskedPaths": [\(quoted(LaunchPlan.defaultMaskedPaths))],
              "readonlyPaths": [\(quoted(LaunchPlan.defaultReadOnlyPaths))],
              "seccomp": \(seccomp)}}
            """
    }

    private var mounts: [String] {
        func mount(_ target: String, _ type: String, _ options: [String]) -> String {
            "{\"destination\": \"\(target)\", \"type\": \"\(type)\", \"source\": \"\(type)\", \"options\": [\(quoted(options))]}"
        }
        let tight = ["nosuid", "noexec", "nodev"]
        return [
            mount("/proc", "proc", tight), mount("/dev", "tmpfs", ["nosuid", "mode=755", "size=65536k"]),
            mount("/dev/pts", "devpts", ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]),
            mount("/dev/shm", "tmpfs", tight + ["mode=1777", "size=65536k"]),
            mount("/dev/mqueue", "mqueue", tight), mount("/sys", "sysfs", tight + ["ro"]),
            mount("/sys/fs/cgroup", "cgroup", tight + ["ro"]),
        ]
    }

    /// The rules without conditions: their number is what costs.
    private var seccomp: String {
        let profile = SeccompProfile.containerDefault(capabilities: CapabilitySets.containerDefault.bounding)
        let calls = profile.rules.filter { $0.action == .allow && $0.conditions.isEmpty }.flatMap(\.calls)
        let all = quoted(calls + ["socket", "clone", "personality"])
        return """
            {"defaultAction": "SCMP_ACT_ERRNO", "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
             "syscalls": [{"names": [\(all)], "action": "SCMP_ACT_ALLOW"}]}
            """
    }

    private func quoted(_ words: [String]) -> String { words.map { "\"\($0)\"" }.joined(separator: ", ") }
}
