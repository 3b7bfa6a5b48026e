import ContainerRuntime
import Glibc
import Linux

extension Check {
    static let isolation: [Check] = [
        Check("own pid namespace, no sight of the host's processes") { pod in
            let (text, _) = try await pod.shell("c", "echo pid=$$; ls /proc | grep -c '^[0-9]'")
            try expect(text.contains("pid=1"), "first process is 1: \(text)")
            let count = Int(text.split(separator: "\n").last ?? "") ?? 99
            try expect(count <= 3, "only its own processes: \(text)")
        },
        Check("namespaces: own mount, pid, cgroup; the pod's net, ipc, uts") { pod in
            let names = ["mnt", "pid", "cgroup", "net", "ipc", "uts"]
            let (text, _) = try await pod.shell(
                "c", "for n in \(names.joined(separator: " ")); do readlink /proc/self/ns/$n; done")
            let inside = text.split(separator: "\n").map(String.init)
            try expect(inside.count == names.count, "six links: \(text)")
            for (index, name) in names.enumerated() {
                let host = link("/proc/self/ns/" + name)
                let monitor = link("/proc/\(pod.monitor.processID)/ns/" + name)
                try expect(inside[index] != host, "\(name) differs from the host's \(host)")
                if index < 3 { try expect(inside[index] != monitor, "\(name) is the container's own") }
                if index >= 3 {
                    try expect(inside[index] == monitor, "\(name) is the pod's: \(inside[index]) \(monitor)")
                }
            }
        },
        Check("the pod's host name") { pod in
            let (text, _) = try await pod.shell("c", "hostname")
            try expect(text.hasPrefix(pod.name), text)
        },
        Check("default capabilities only, seccomp mode 2, NoNewPrivs as asked") { pod in
            let (text, _) = try await pod.shell("c", "cat /proc/self/status")
            for set in ["CapPrm", "CapEff", "CapBnd"] {
                try expect(field(set, in: text) == "00000000a80425fb", "\(set) \(field(set, in: text) ?? "")")
            }
            for set in ["CapInh", "CapAmb"] { try expect(field(set, in: text) == "0000000000000000", set) }
            try expect(field("Seccomp", in: text) == "2", "Seccomp \(field("Seccomp", in: text) ?? "")")
            try expect(field("NoNewPrivs", in: text) == "0", "NoNewPrivs 0")
            let (bound, _) = try await pod.shell("d", "cat /proc/self/status") {
                $0.plan.process.noNewPrivileges = true
            }
            try expect(field("NoNewPrivs", in: bound) == "1", "NoNewPrivs 1")
            try expect(field("Seccomp", in: bound) == "2", "Seccomp with NoNewPrivs")
        },
        Check("a profile of the user's own: what it refuses fails, what it says kills") { pod in
            var profile = SeccompProfile.containerDefault(capabilities: CapabilitySets.containerDefault.bounding)
            for index in profile.rules.indices {
                profile.rules[index].calls.removeAll { ["mkdir", "sync"].contains($0) }
            }
            profile.rules.removeAll { $0.calls.isEmpty }
            profile.rules.append(SeccompProfile.Rule(["sync"], .killProcess))
            let program = try pod.ground.seccomp.program(for: profile)
            let (text, _) = try await pod.shell("c", "busybox mkdir /x 2>&1; busybox sync; echo $?") {
                $0.plan.process.seccomp = program
            }
            try expect(text.contains("not permitted") && text.contains("159"), text)
        },
        Check("a profile that allows little still lets the program start") { pod in
            let few = [
                "read", "write", "prctl", "capset", "setgroups", "setresgid", "setresuid", "umask", "execve",
                "exit_group",
                "exit", "brk", "arch_prctl", "set_tid_address", "set_robust_list", "rseq", "prlimit64", "mprotect",
                "readlinkat", "getrandom", "readlink", "mmap", "munmap", "getuid", "setuid", "setgid", "fstat",
                "newfstatat",
            ]
            let program = try pod.ground.seccomp.program(
                for: SeccompProfile(defaultAction: .fail(1), rules: [SeccompProfile.Rule(few, .allow)]))
            var launch = try pod.container("c", ["echo", "little"])
            launch.plan.process.seccomp = program
            _ = try await pod.monitor.run(launch)
            let exit = try await pod.nextExit()
            let log = try await pod.log("c", with: "little")
            try expect(log.hasPrefix("little"), "\(exit) \(log)")
        },
        Check("another user has no capabilities and keeps its groups") { pod in
            let (text, _) = try await pod.shell("c", "cat /proc/self/status; pwd; echo hi > /dev/stdout") {
                $0.plan.process.user = ProcessUser(userID: 1000, groupID: 1001, supplementaryGroups: [7, 9])
                $0.plan.process.workingDirectory = "/made/here"
            }
            try expect(field("CapEff", in: text) == "0000000000000000", "CapEff")
            try expect(field("Uid", in: text) == "1000 1000 1000 1000", "Uid \(text)")
            try expect(field("Groups", in: text) == "7 9", "Groups \(field("Groups", in: text) ?? "")")
            try expect(text.contains("/made/here"), "working directory is made: \(text)")
            try expect(text.contains("\nhi"), "its own standard output can be opened again: \(text)")
        },
        Check("no descriptor but the standard streams") { pod in
            let (text, _) = try await pod.shell("c", "ls /proc/self/fd; ls /proc/1/fd")
            let numbers = Set(text.split(separator: "\n").compactMap { Int($0) })
            try expect(numbers.isSubset(of: [0, 1, 2, 3]), "0, 1, 2 and ls's own: \(text)")
        },
        Check("masked paths are empty, read-only paths refuse writes") { pod in
            let script = """
                cat /proc/keys /proc/timer_list /proc/interrupts | wc -c; ls /proc/acpi /sys/firmware /sys/devices/system/cpu/cpu0/thermal_throttle 2>/dev/null | grep -v : | grep -c .
                (echo 1 > /proc/sys/kernel/panic) 2>/dev/null && echo WROTE; (echo b > /proc/sysrq-trigger) 2>/dev/null && echo WROTE
                (echo 1 > /sys/kernel/profiling) 2>/dev/null && echo WROTE; touch /sys/fs/cgroup/x 2>/dev/null && echo WROTE; true
                """
            let (text, _) = try await pod.shell("c", script)
            let lines = text.split(separator: "\n")
            try expect(lines.first?.trimmingPrefix(" ") == "0", "masked files are empty: \(text)")
            try expect(lines.dropFirst().first == "0", "masked directories are empty: \(text)")
            try expect(!text.contains("WROTE"), text)
        },
        Check("no sight of the host's files") { pod in
            let (text, _) = try await pod.shell(
                "c", "ls /; ls \(pod.directory) 2>&1 | grep -c 'No such'; cat /proc/self/mountinfo")
            try expect(!text.contains("swiftlet") && text.contains("\n1\n"), "the host's directories: \(text)")
            try expect(
                !text.contains("/dev/vd") && !text.contains(pod.directory), "no path of the host in mountinfo: \(text)")
        },
        Check("mount, unshare, new namespaces and kernel keys are refused") { pod in
            let (text, _) = try await pod.shell(
                "c", "mount -t tmpfs none /tmp 2>&1; echo $?; busybox unshare -n true 2>&1; echo $?")
            try expect(!text.contains("\n0"), text)
        },
        Check("a device that is not allowed can be made but not opened") { pod in
            let (text, _) = try await pod.shell(
                "c", "mknod /tmp/d b 7 0 && echo made; cat /tmp/d 2>&1 | head -c 100; echo ok > /dev/null && echo null")
            try expect(text.contains("made") && text.contains("Operation not permitted"), text)
            try expect(text.contains("null"), "the null device works: \(text)")
        },
        Check("the host's null device takes no changes through the standard input") { pod in
            func changed() -> Int {
                var status = stat()
                return stat("/dev/null", &status) == 0 ? status.st_mtim.tv_sec : 0
            }
            let before = changed()
            let change = "touch -d '2001-01-01 00:00' /proc/self/fd/0 2>&1; cat; echo done"
            let wait = "until grep -q done /tmp/out; do sleep 0.1; done; cat /tmp/out"
            _ = try await pod.monitor.run(pod.container("c", ["sh", "-c", "(\(change)) >/tmp/out; sleep 100"]))
            let inside = ["sh", "-c", "\(wait); \(change); busybox stat -c %Y /dev/null"]
            let session = try await pod.monitor.exec(
                ExecLaunch(id: "e", containerID: "c", process: pod.process(inside)))
            let text = try await everything(of: session.stdout)
            _ = try await pod.nextExit()
            let after = changed()
            if after != before { utimensat(AT_FDCWD, "/dev/null", nil, 0) }
            try expect(after == before, "a container has changed it: \(text)")
            try expect(text.split(separator: "Read-only").count == 2, text)
            try expect(text.contains("9783072"), "a session has the container's own: \(text)")
        },
        Check("the monitor's memory is out of reach") { pod in
            let target = pod.monitor.processID
            let (text, _) = try await pod.shell(
                "c", "ls /proc/\(target) 2>&1; (echo x > /proc/\(target)/mem) 2>&1; ls -la /proc/1/exe 2>&1")
            try expect(text.contains("No such file") || text.contains("nonexistent"), text)
            try expect(text.contains("/bin/busybox"), "its own executable is the image's: \(text)")
        },
        Check("the monitor's executable takes no writes") { pod in
            // What a container that runs as /proc/self/exe would write to, once the monitor has ended (CVE-2019-5736).
            func seals(_ path: String) throws -> Int32 {
                let file = try Descriptor.open(path, O_RDONLY)
                return fcntl(file.raw, getSeals)
            }
            let own = try seals("/proc/\(pod.monitor.processID)/exe")
            try expect(own > 0 && own & sealedWrites != 0, "seals \(own)")
            try expect(try seals(pod.ground.rootfs + "/bin/busybox") < 0, "the control: a file has none")
        },
        Check("the monitor is not dumpable and small") { pod in
            let status = try readText("/proc/\(pod.monitor.processID)/status")
            var file = stat()
            try expect(
                stat("/proc/\(pod.monitor.processID)/mem", &file) == 0 && file.st_uid == 0, "mem belongs to root")
            let resident = Int(field("VmRSS", in: status)?.split(separator: " ").first ?? "") ?? 0
            let own = Int(field("RssAnon", in: status)?.split(separator: " ").first ?? "") ?? 0
            print("      monitor: \(resident) kB resident, \(own) kB its own")
            try expect(resident > 0 && resident < 1024, "below 1 MiB: \(resident) kB")
        },
        Check("bind mounts: read-only, files, made targets, links in the image stay inside") { pod in
            let volume = pod.directory + "/volume"
            mkdir(volume, 0o755)
            try writeFile("hello", volume + "/file")
            symlink("/etc", pod.ground.rootfs + "/escape")
            defer { unlink(pod.ground.rootfs + "/escape") }
            let (text, _) = try await pod.shell(
                "c", "cat /data/file /one; touch /data/x 2>&1; ls /escape/deep; ls /etc; touch /rw/y && echo wrote"
            ) {
                $0.plan.mounts += [
                    Mount(.path(volume), at: "/data", flags: [.readOnly]),
                    Mount(.path(volume + "/file"), at: "/one"), Mount(.path(volume), at: "/escape/deep"),
                    Mount(.path(volume), at: "/rw"),
                ]
            }
            try expect(text.hasPrefix("hellohello"), text)
            try expect(text.contains("Read-only"), text)
            try expect(text.contains("deep") && text.contains("wrote"), text)
            try expect(access("/etc/deep", F_OK) != 0, "the host's /etc is untouched")
        },
        Check("a subPath is a detached mount") { pod in
            let volume = pod.directory + "/volume"
            mkdir(volume, 0o755)
            mkdir(volume + "/sub", 0o755)
            try writeFile("sub", volume + "/sub/file")
            symlink("/etc", volume + "/out")
            let tree = try DetachedMount(of: "sub", beneath: volume).shared()
            let (text, _) = try await pod.shell("c", "cat /v/file") {
                $0.plan.mounts.append(Mount(.tree(tree), at: "/v"))
            }
            try expect(text.hasPrefix("sub"), text)
            var refused = false
            do { _ = try DetachedMount(of: "out", beneath: volume).shared() } catch { refused = true }
            try expect(refused, "a link out of the volume is refused")
        },
        Check("mounts made later show where propagation says so") { pod in
            let volume = pod.directory + "/shared"
            for path in [volume, volume + "/later"] { mkdir(path, 0o755) }
            try HostMount.tmpfs(at: volume, options: ["size": "1m"])
            defer { try? HostMount.detach(FilePath(volume)) }
            try run(["/bin/mount", "--make-shared", volume])
            mkdir(volume + "/later", 0o755)
            var launch = try pod.container(
                "c", ["sh", "-c", "read x; ls /from /both /none; mount -t tmpfs n /both 2>&1 | head -c 40"])
            launch.keepsInput = true
            launch.plan.mounts += [
                Mount(.path(volume), at: "/from", flags: [.recursive], propagation: .fromHost),
                Mount(.path(volume), at: "/both", flags: [.recursive], propagation: .bidirectional),
                Mount(.path(volume), at: "/none", flags: [.recursive]),
            ]
            _ = try await pod.monitor.run(launch)
            try HostMount.tmpfs(at: volume + "/later", options: ["size": "1m"])
            try writeFile("x", volume + "/later/seen")
            let session = try await pod.monitor.exec(
                ExecLaunch(
                    id: "e", containerID: "c",
                    process: pod.process(["sh", "-c", "for d in from both none; do ls /$d/later | grep -c seen; done"]))
            )
            let text = try await everything(of: session.stdout)
            try expect(text == "1\n1\n0\n", text)
            try HostMount.detach(FilePath(volume + "/later"))
        },
        Check("a read-only root") { pod in
            let (text, _) = try await pod.shell("c", "touch /x 2>&1; touch /dev/shm/x && echo shm") {
                if case .overlay(let lower, let upper, let work, _) = $0.plan.root {
                    $0.plan.root = .overlay(lower: lower, upper: upper, work: work, readOnly: true)
                }
            }
            try expect(text.contains("Read-only") && text.contains("shm"), text)
        },
    ]
}

/// F_GET_SEALS and F_SEAL_WRITE.
private let (getSeals, sealedWrites): (Int32, Int32) = (1034, 8)

func link(_ path: String) -> String {
    var buffer = [CChar](repeating: 0, count: 256)
    let length = readlink(path, &buffer, buffer.count)
    return String(decoding: buffer.prefix(max(0, length)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

/// Runs a program of the host to its end.
func run(_ arguments: [String]) throws {
    var pid = pid_t()
    var argv: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
    argv.append(nil)
    defer { for text in argv { free(text) } }
    let code = posix_spawn(&pid, arguments[0], nil, nil, argv, environ)
    guard code == 0 else { throw KernelError("spawn", arguments[0], code) }
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
    try expect(status == 0, "\(arguments) ended with \(status)")
}

func writeFile(_ text: String, _ path: String) throws {
    let file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644)
    _ = Array(text.utf8).withUnsafeBytes { write(file.raw, $0.baseAddress, $0.count) }
}
