"""What a configuration says and what is seen of it inside."""
import json
import os
import subprocess
import threading

from bundle import Failure, until, with_users, without


def expect(text, *parts):
    for part in parts:
        if part not in text:
            raise Failure(f"{part!r} is not in {text.strip()!r}")


def words(done):
    return done.stdout.split()


def test_process(runtime):
    """process: arguments, environment, directory, user, groups, umask."""
    def change(c):
        c["process"].update(cwd="/tmp", user={"uid": 7, "gid": 8, "additionalGids": [9, 10], "umask": 0o027})
        c["process"]["env"].append("A=b c")
    out = runtime.run("pwd; echo \"$A\"; id -u; id -g; id -G; umask", change).stdout
    assert out.split("\n")[:6] == ["/tmp", "b c", "7", "8", "8 9 10", "0027"], out


def test_cwd_is_made(runtime):
    """process.cwd: a directory that is not there is made."""
    assert words(runtime.run("pwd", lambda c: c["process"].update(cwd="/tmp/a/b"))) == ["/tmp/a/b"]


def test_path_lookup(runtime):
    """process.args: a name without a slash is looked up in PATH."""
    assert words(runtime.run("", lambda c: c["process"].update(args=["echo", "found"]))) == ["found"]


def test_exit_code(runtime):
    """run gives back the exit code, and 128 and the signal's number."""
    assert runtime.run("exit 7", check=False).returncode == 7
    # a pid namespace's number 1 would ignore its own signal
    assert runtime.run("kill -9 $$", lambda c: without(c, "pid"), check=False).returncode == 137


def test_capabilities(runtime):
    """process.capabilities: each of the five sets is what it says."""
    def change(c):
        c["process"]["capabilities"] = {
            "bounding": ["CAP_CHOWN", "CAP_KILL", "CAP_FOWNER"], "permitted": ["CAP_CHOWN", "CAP_KILL"],
            "effective": ["CAP_CHOWN"], "inheritable": ["CAP_KILL"], "ambient": ["CAP_KILL"]}
        c["process"]["user"] = {"uid": 5, "gid": 5}
    out = runtime.run("grep Cap /proc/self/status", change).stdout
    sets = {line.split(":")[0]: int(line.split()[1], 16) for line in out.strip().split("\n")}
    # after execve by another user than root permitted and effective are what is ambient
    assert sets == {"CapInh": 32, "CapPrm": 32, "CapEff": 32, "CapBnd": 1 | 8 | 32, "CapAmb": 32}, sets


def test_unknown_capabilities(runtime):
    """process.capabilities: a name that nobody knows is told, and the process runs without it; in a session too. Up to version 1.0 it is an error."""
    sets = {"bounding": ["CAP_KILL", "CAP_TEST"], "permitted": ["CAP_KILL", "CAP_TEST"], "effective": ["CAP_KILL"]}
    done = runtime.run("grep CapPrm /proc/self/status", lambda c: c["process"].update(capabilities=sets))
    assert int(done.stdout.split()[1], 16) == 32, done.stdout
    expect(done.stderr, "process.capabilities: CAP_TEST is not known")
    name, _ = runtime.create()
    runtime.call("start", name)
    done = runtime.call("exec", "--cap", "CAP_TEST", name, "true")
    expect(done.stderr, "process.capabilities: CAP_TEST is not known")
    def as_of_1_0(config):
        config["ociVersion"] = "1.0.2-dev"
        config["process"].update(capabilities=sets)
    done = runtime.run("true", as_of_1_0, check=False)
    assert done.returncode != 0
    expect(done.stderr, "process.capabilities: CAP_TEST is no capability")
    assert "runs without it" not in done.stderr, done.stderr


def test_capabilities_of_the_caller(runtime):
    """process.capabilities: what the caller itself has none of is told by name, and the process runs without it."""
    names = ["CAP_KILL", "CAP_SYS_TIME", "CAP_SYS_RESOURCE"]
    def change(c):
        c["process"]["capabilities"] = {key: names for key in ("bounding", "permitted", "effective", "inheritable", "ambient")}
    folder = runtime.bundle("grep Cap /proc/self/status", change)
    call = ["setpriv", "--bounding-set", "-sys_time,-sys_resource", runtime.program, "--root", runtime.root, "run", "--bundle", folder, runtime.id()]
    done = subprocess.run(call, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
    assert [int(line.split()[1], 16) for line in done.stdout.strip().split("\n")] == [32] * 5, done.stdout
    expect(done.stderr, "warning: setting capabilities (CAP_SYS_RESOURCE, CAP_SYS_TIME): Operation not permitted")


def test_capabilities_of_root(runtime):
    """process.capabilities: root has what is bounding, and nothing where there are none."""
    out = runtime.run("grep CapEff /proc/self/status", lambda c: c["process"].pop("capabilities")).stdout
    assert int(out.split()[1], 16) == 0, out


def test_no_new_privileges(runtime):
    """process.noNewPrivileges."""
    for flag in (True, False):
        out = runtime.run("grep NoNewPrivs /proc/self/status", lambda c: c["process"].update(noNewPrivileges=flag)).stdout
        assert int(out.split()[1]) == flag


def test_limits(runtime):
    """process.rlimits."""
    def change(c):
        c["process"]["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 200},
                                   {"type": "RLIMIT_CORE", "soft": 0, "hard": 18446744073709551615 if unlimited else 0}]
    unlimited = "unlimited" in subprocess.run(["sh", "-c", "ulimit -H -c"], capture_output=True, text=True).stdout
    assert words(runtime.run("ulimit -n; ulimit -H -n; ulimit -c", change)) == ["100", "200", "0"]


def test_oom_score(runtime):
    """process.oomScoreAdj."""
    assert words(runtime.run("cat /proc/self/oom_score_adj", lambda c: c["process"].update(oomScoreAdj=321))) == ["321"]


def test_scheduler(runtime):
    """process.scheduler: policy and nice value."""
    def batch(c):
        c["process"]["scheduler"] = {"policy": "SCHED_BATCH", "nice": 5}
    out = runtime.run("cut -d' ' -f19,41 /proc/self/stat", batch).stdout
    assert out.split() == ["5", "3"], out


def test_io_priority(runtime):
    """process.ioPriority."""
    def change(c):
        c["process"]["ioPriority"] = {"class": "IOPRIO_CLASS_BE", "priority": 6}
    expect(runtime.run("ionice -p $$", change).stdout, "best-effort: prio 6")


def test_personality(runtime):
    """linux.personality: a 32-bit machine by name."""
    out = runtime.run("uname -m", lambda c: c["linux"].update(personality={"domain": "LINUX32"})).stdout.strip()
    assert out in ("i686", "armv8l"), out


def test_memory_policy(runtime):
    """linux.memoryPolicy: mode, flags and nodes are the process's, and a session's; what the kernel refuses is told."""
    if not os.path.exists("/proc/self/numa_maps"):
        return "this kernel knows no memory policies"
    shows = "head -n 1 /proc/self/numa_maps"
    for policy, wanted in (
            ({"mode": "MPOL_INTERLEAVE", "nodes": "0"}, "interleave:0"),
            ({"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_STATIC_NODES"]}, "bind=static:0"),
            ({"mode": "MPOL_PREFERRED", "nodes": "0", "flags": ["MPOL_F_RELATIVE_NODES"]}, "prefer=relative:0"),
            ({"mode": "MPOL_LOCAL"}, "local"), ({"mode": "MPOL_DEFAULT"}, "default"), (None, "default")):
        assert words(runtime.run(shows, lambda c: c["linux"].update(memoryPolicy=policy)))[1] == wanted, policy
    name, _ = runtime.create("exec sleep 60", lambda c: c["linux"].update(memoryPolicy={"mode": "MPOL_BIND", "nodes": "0"}))
    runtime.call("start", name)
    assert words(runtime.call("exec", name, "sh", "-c", shows))[1] == "bind:0"
    refusing = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["set_mempolicy"], "action": "SCMP_ACT_ERRNO"}]}
    name, folder = runtime.create(shows, lambda c: c["linux"].update(memoryPolicy={"mode": "MPOL_BIND", "nodes": "0"}, seccomp=refusing))
    runtime.call("start", name)
    runtime.wait(name)
    expect(open(folder + "/output").read(), "bind:0")
    known = json.loads(runtime.call("features").stdout)["linux"]["memoryPolicy"]
    assert "MPOL_WEIGHTED_INTERLEAVE" in known["modes"] and "MPOL_F_NUMA_BALANCING" in known["flags"], known
    for policy in {"mode": "MPOL_BIND"}, {"mode": "MPOL_BIND", "nodes": "1000"}, {"mode": "MPOL_DEFAULT", "nodes": "0"}:
        expect(runtime.run("true", lambda c: c["linux"].update(memoryPolicy=policy), check=False).stderr, "setting the memory policy", "Invalid argument")


def test_mount_label_is_told(runtime):
    """linux.mountLabel: said not to be held, and no hindrance."""
    done = runtime.run("echo ran", lambda c: c["linux"].update(mountLabel="system_u:object_r:container_file_t:s0"))
    expect(done.stdout, "ran")
    expect(done.stderr, "linux.mountLabel cannot be held")


def test_profile_is_told(runtime):
    """process.apparmorProfile: said not to be held on a kernel without AppArmor, and no hindrance."""
    if os.path.exists("/sys/module/apparmor"):
        return "this kernel has AppArmor"
    done = runtime.run("echo ran", lambda c: c["process"].update(apparmorProfile="acme_secure_profile"))
    expect(done.stdout, "ran")
    expect(done.stderr, "process.apparmorProfile acme_secure_profile cannot be held")


def test_root_read_only(runtime):
    """root.readonly."""
    expect(runtime.run("touch /x 2>&1 || true", lambda c: c["root"].update(readonly=True)).stdout, "Read-only file system")
    runtime.run("touch /x && rm /x")


def test_names(runtime):
    """hostname and domainname."""
    out = runtime.run("hostname; cat /proc/sys/kernel/domainname", lambda c: c.update(hostname="one", domainname="two"))
    assert words(out) == ["one", "two"]


def test_namespaces_new(runtime):
    """linux.namespaces: new ones, of every kind."""
    kinds = {"pid": "pid", "mount": "mnt", "ipc": "ipc", "uts": "uts", "network": "net", "cgroup": "cgroup",
             "time": "time", "user": "user"}
    def change(c):
        with_users(c)
        c["linux"]["namespaces"].append({"type": "time"})
    script = "for k in %s; do readlink /proc/self/ns/$k; done" % " ".join(kinds.values())
    inside = words(runtime.run(script, change))
    here = [os.readlink("/proc/self/ns/" + kind) for kind in kinds.values()]
    assert len(inside) == len(here) and not set(inside) & set(here), (inside, here)


def test_namespaces_inherited(runtime):
    """linux.namespaces: those that are not named are the caller's, the mount namespace too."""
    kinds = ["pid", "mnt", "ipc", "uts", "net", "cgroup", "time", "user"]
    def change(c):
        c["linux"]["namespaces"] = []
        c["mounts"] = c["mounts"][:1]
    inside = words(runtime.run("for k in %s; do readlink /proc/self/ns/$k; done" % " ".join(kinds), change))
    assert inside == [os.readlink("/proc/self/ns/" + kind) for kind in kinds], inside
    assert runtime.rootfs + "/proc" not in open("/proc/self/mountinfo").read(), "its mounts are left behind"


def test_namespaces_joined(runtime):
    """linux.namespaces: joined by path, each kind but the user's."""
    kinds = {"pid": "pid", "mount": "mnt", "ipc": "ipc", "uts": "uts", "network": "net", "cgroup": "cgroup", "time": "time"}
    name, _ = runtime.create(change=lambda c: c["linux"]["namespaces"].append({"type": "time"}))
    pid = json.loads(runtime.call("state", name).stdout)["pid"]
    for kind, file in kinds.items():
        if kind == "mount":
            continue
        def change(c):
            without(c, kind)
            c["linux"]["namespaces"].append({"type": kind, "path": f"/proc/{pid}/ns/{file}"})
        out = words(runtime.run(f"readlink /proc/self/ns/{file}", change))
        assert out == [os.readlink(f"/proc/{pid}/ns/{file}")], (kind, out)


def test_namespaces_elsewhere(runtime):
    """linux.namespaces: what looks like them elsewhere in the file makes none, and is in the way of none."""
    here = os.readlink("/proc/self/ns/net")
    for kind in ("ipc", "time", "user"):
        def change(c):
            inner = dict(c)
            c.clear()
            c.update({"unknown": {"namespaces": [{"type": "network"}]}}, **inner)
            without(c, "network") if kind != "user" else with_users(c)
            c["linux"]["namespaces"] = [n for n in c["linux"]["namespaces"] if n["type"] != kind] + [{"type": kind}]
        out = words(runtime.run(f"readlink /proc/self/ns/{kind}; readlink /proc/self/ns/net", change))
        assert out[0] != os.readlink(f"/proc/self/ns/{kind}"), (kind, out)
        assert (out[1] == here) == (kind != "user"), (kind, out)


def test_namespace_mount_joined(runtime):
    """linux.namespaces: a mount namespace joined by path."""
    holder = subprocess.Popen(["unshare", "-m", "--propagation", "private", "sh", "-c", "echo; exec sleep 30"], stdout=subprocess.PIPE)
    try:
        holder.stdout.readline()
        def change(c):
            without(c, "mount")
            c["linux"]["namespaces"].append({"type": "mount", "path": f"/proc/{holder.pid}/ns/mnt"})
        assert words(runtime.run("readlink /proc/self/ns/mnt", change)) == [os.readlink(f"/proc/{holder.pid}/ns/mnt")]
    finally:
        holder.kill()
        holder.wait()


def test_namespace_user_joined(runtime):
    """linux.namespaces: a user namespace joined by path, the others made in it."""
    name, _ = runtime.create(change=with_users)
    pid = json.loads(runtime.call("state", name).stdout)["pid"]
    def change(c):
        c["linux"]["namespaces"].append({"type": "user", "path": f"/proc/{pid}/ns/user"})
    out = words(runtime.run("readlink /proc/self/ns/user; id -u; echo $$; cat /proc/self/uid_map", change))
    assert out == [os.readlink(f"/proc/{pid}/ns/user"), "0", "1", "0", "100000", "65536"], out


def test_namespaces_of_a_pod(runtime):
    """linux.namespaces: all of a container's joined by another, its users and its processes among them; what the kernel shows of them is theirs."""
    files = {"user": "user", "pid": "pid", "network": "net", "ipc": "ipc", "uts": "uts"}
    name, _ = runtime.create("ip link add of-the-pod type dummy || ip link add of-the-pod type veth; exec sleep 60", with_users)
    runtime.call("start", name)
    until(lambda: "of-the-pod" in runtime.call("exec", name, "ls", "/sys/class/net").stdout, "the pod has a link of its own")
    pid = json.loads(runtime.call("state", name).stdout)["pid"]
    def change(c):
        without(c, *files)
        c["linux"]["namespaces"] += [{"type": kind, "path": f"/proc/{pid}/ns/{file}"} for kind, file in files.items()]
    script = "for f in %s; do readlink /proc/self/ns/$f; done; ls /sys/class/net; mount | grep /dev/mqueue"
    out = words(runtime.run(script % " ".join(files.values()), change))
    assert out[:5] == [os.readlink(f"/proc/{pid}/ns/{file}") for file in files.values()], out
    expect(" ".join(out), "of-the-pod", "type mqueue")


def test_user_namespace(runtime):
    """linux.uidMappings and gidMappings: ids, ownership and devices in a user namespace."""
    out = runtime.run("cat /proc/self/uid_map /proc/self/gid_map; echo x >/dev/null && ls -l /dev/null; touch /tmp/u 2>&1; "
                      "hostname inside; hostname", with_users)
    assert out.stdout.split()[:6] == ["0", "100000", "65536"] * 2, out.stdout
    expect(out.stdout, "1,   3", "inside")


def test_time_offsets(runtime):
    """linux.timeOffsets: both clocks."""
    def change(c):
        c["linux"]["namespaces"].append({"type": "time"})
        c["linux"]["timeOffsets"] = {"boottime": {"secs": 1000000, "nanosecs": 0}, "monotonic": {"secs": 5}}
    inside = float(runtime.run("cut -d' ' -f1 /proc/uptime", change).stdout)
    assert abs(inside - float(open("/proc/uptime").read().split()[0]) - 1000000) < 60, inside


def test_sysctl(runtime):
    """linux.sysctl, of the network, ipc and uts namespaces."""
    def change(c):
        c["linux"]["sysctl"] = {"net.ipv4.ip_forward": "1", "kernel.shmmni": "77", "kernel.domainname": "d.example",
                                "net/ipv4/conf/lo/forwarding": "0"}
    out = runtime.run("cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shmmni /proc/sys/kernel/domainname", change)
    assert words(out) == ["1", "77", "d.example"], out.stdout


def test_masked_and_read_only_paths(runtime):
    """linux.maskedPaths and readonlyPaths."""
    def change(c):
        c["linux"].update(maskedPaths=["/proc/keys", "/sys/firmware", "/nowhere"], readonlyPaths=["/proc/sys", "/tmp"])
    out = runtime.run("wc -c </proc/keys; ls /sys/firmware | wc -l; touch /tmp/x 2>&1; echo 1 2>&1 >/proc/sys/kernel/shmmni", change, check=False)
    assert out.stdout.split()[:2] == ["0", "0"], out.stdout
    assert out.stdout.count("Read-only") + out.stderr.count("Read-only") == 2, (out.stdout, out.stderr)


def test_default_devices(runtime):
    """The devices and links that every container has."""
    out = runtime.run("for d in null zero full random urandom tty; do stat -c '%n %F %t:%T %a' /dev/$d; done; "
                      "for l in fd stdin stdout stderr ptmx; do readlink /dev/$l; done").stdout
    expect(out, "/dev/null character special file 1:3 666", "/dev/tty character special file 5:0 666", "/proc/self/fd/2", "pts/ptmx")


def test_devices(runtime):
    """linux.devices: type, numbers, mode and owner."""
    def change(c):
        c["linux"]["devices"] = [
            {"type": "c", "path": "/dev/one", "major": 10, "minor": 229, "fileMode": 0o640, "uid": 3, "gid": 4},
            {"type": "b", "path": "/dev/sub/two", "major": 7, "minor": 0}, {"type": "p", "path": "/dev/three", "fileMode": 0o600}]
    out = runtime.run("stat -c '%F %t:%T %a %u:%g' /dev/one /dev/sub/two /dev/three", change).stdout.strip().split("\n")
    assert out == ["character special file a:e5 640 3:4", "block special file 7:0 666 0:0", "fifo 0:0 600 0:0"], out


def test_device_program(runtime):
    """linux.resources.devices: what is not allowed cannot be opened, nor made where making is refused."""
    def allowed(*rules):
        def change(c):
            c["linux"]["devices"] = [{"type": "c", "path": "/dev/other", "major": 10, "minor": 229, "fileMode": 0o666}]
            c["linux"]["resources"]["devices"] += rules
        return runtime.run("dd if=/dev/other bs=1 count=0 2>/dev/null && echo open; echo x >/dev/null && echo null", change, check=False).stdout.split()
    assert allowed() == ["null"], allowed()
    def rule(allow=True, access="r", type="c", **numbers):
        return dict(allow=allow, access=access, type=type, **numbers)
    opens = [[rule(major=10, minor=229)], [rule(major=10)], [rule(minor=229)], [rule()], [rule(type="a")],
             [rule(major=10), rule(False, "rwm", major=10, minor=230)], [rule(False, major=10), rule(major=10, minor=229)]]
    for rules in opens:
        assert allowed(*rules) == ["open", "null"], rules
    refused = [[rule(major=10, minor=230)], [rule(major=11)], [rule(minor=228)], [rule(type="b", major=10, minor=229)], [rule(type="b", major=10)],
               [rule(access="wm", major=10, minor=229)], [rule(access="wm", major=10)], [rule(major=9, minor=(1 << 20) + 229)],
               [rule(major=(1 << 12) + 10)], [rule(major=10), rule(False, major=10, minor=229)], [rule(minor=229), rule(False, "rwm", major=10)],
               [dict(allow=True, access="rwm"), rule(False, major=10, minor=229)]]
    for rules in refused:
        assert allowed(*rules) == ["null"], rules


def seccomp(rules, default="SCMP_ACT_ALLOW", **more):
    return lambda c: c["linux"].update(seccomp=dict(defaultAction=default, syscalls=rules, **more))


def test_seccomp_errno(runtime):
    """linux.seccomp: SCMP_ACT_ERRNO with its number, and by default EPERM."""
    for code, text in ((None, "Operation not permitted"), (38, "Function not implemented")):
        rule = {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}
        if code:
            rule["errnoRet"] = code
        expect(runtime.run("mkdir /tmp/no 2>&1; true", seccomp([rule])).stdout, text)


def test_seccomp_default(runtime):
    """linux.seccomp: a default that refuses, with rules that allow."""
    names = """execve exit exit_group brk mmap munmap mprotect read write writev open openat close fstat stat lstat newfstatat getuid
    getgid geteuid getegid rt_sigaction rt_sigprocmask rt_sigreturn arch_prctl set_tid_address getpid getppid fcntl ioctl getcwd
    set_robust_list rseq prlimit64 readlink readlinkat getrandom uname access lseek pread64 capset prctl clone fork vfork wait4
    fchdir setgid setuid setgroups setresuid setresgid dup2 dup3 pipe pipe2 umask""".split()
    allow = {"names": names, "action": "SCMP_ACT_ALLOW"}
    out = runtime.run("echo fine; mkdir /tmp/no 2>&1; true", seccomp([allow], default="SCMP_ACT_ERRNO", defaultErrnoRet=13)).stdout
    expect(out, "fine", "Permission denied")


def test_seccomp_kill_and_trap(runtime):
    """linux.seccomp: SCMP_ACT_KILL_PROCESS, KILL, KILL_THREAD and TRAP end the caller with SIGSYS."""
    for action in ("KILL_PROCESS", "KILL", "KILL_THREAD", "TRAP"):
        rule = {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_" + action}
        out = runtime.run("/bin/mkdir /tmp/no; echo $?", seccomp([rule])).stdout.split()
        assert out[-1] == "159", (action, out)


def test_seccomp_log_and_trace(runtime):
    """linux.seccomp: SCMP_ACT_LOG lets the call through; TRACE without a tracer answers ENOSYS."""
    rule = {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_LOG"}
    runtime.run("mkdir /tmp/logged && rm -r /tmp/logged", seccomp([rule]))
    rule["action"] = "SCMP_ACT_TRACE"
    expect(runtime.run("mkdir /tmp/no 2>&1; true", seccomp([rule])).stdout, "Function not implemented")


def test_seccomp_conditions(runtime):
    """linux.seccomp: conditions on arguments, each operator."""
    cases = [("SCMP_CMP_EQ", 0o750, 0, True), ("SCMP_CMP_NE", 0o750, 0, False), ("SCMP_CMP_LT", 0o751, 0, True),
             ("SCMP_CMP_LE", 0o750, 0, True), ("SCMP_CMP_GE", 0o750, 0, True), ("SCMP_CMP_GT", 0o750, 0, False),
             ("SCMP_CMP_MASKED_EQ", 0o700, 0o700, True), ("SCMP_CMP_MASKED_EQ", 0o007, 0o007, False)]
    for operator, value, second, is_hit in cases:
        # chmod(path, mode) and fchmodat(directory, path, mode)
        rules = [{"names": [name], "action": "SCMP_ACT_ERRNO", "args": [{"index": index, "value": value, "valueTwo": second, "op": operator}]}
                 for name, index in (("chmod", 1), ("fchmodat", 2))]
        out = runtime.run("touch /tmp/c; chmod 750 /tmp/c 2>&1; true", seccomp(rules)).stdout
        assert ("not permitted" in out) == is_hit, (operator, value, out)


def test_seccomp_flags(runtime):
    """linux.seccomp.flags are taken."""
    rule = {"names": ["mkdir"], "action": "SCMP_ACT_ERRNO"}
    for flag in ("LOG", "TSYNC", "SPEC_ALLOW"):
        runtime.run("true", seccomp([rule], flags=["SECCOMP_FILTER_FLAG_" + flag]))


def test_seccomp_is_cached(runtime):
    """linux.seccomp: a profile is compiled once, and a spoilt cache is not believed."""
    rule = {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 99}
    runtime.run("true", seccomp([rule]))
    folder = runtime.root + "/.seccomp"
    files = {name: os.stat(f"{folder}/{name}").st_mtime_ns for name in os.listdir(folder)}
    expect(runtime.run("mkdir /tmp/no 2>&1; true", seccomp([rule])).stdout, "assign requested address")
    assert files == {name: os.stat(f"{folder}/{name}").st_mtime_ns for name in os.listdir(folder)}
    for name in files:
        with open(f"{folder}/{name}", "r+b") as file:
            file.write(b"another")
    expect(runtime.run("mkdir /tmp/no 2>&1; true", seccomp([rule])).stdout, "assign requested address")


def test_seccomp_notify(runtime):
    """linux.seccomp: SCMP_ACT_NOTIFY hands the listener with the container's state to listenerPath."""
    import array
    import fcntl
    import socket
    import struct
    path = runtime.folder + "/listener"
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen(1)
    got = {}
    def serve():
        peer, _ = server.accept()
        data, ancillary, _, _ = peer.recvmsg(65536, socket.CMSG_SPACE(4))
        got["state"] = json.loads(data)
        fd = array.array("i", ancillary[0][2])[0]
        request = bytearray(80)
        fcntl.ioctl(fd, 0xC0502100, request)  # SECCOMP_IOCTL_NOTIF_RECV
        number = struct.unpack_from("Q", request)[0]
        fcntl.ioctl(fd, 0xC0182101, struct.pack("Qqii", number, 0, -74, 0))  # SECCOMP_IOCTL_NOTIF_SEND: EBADMSG
        os.close(fd)
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    rule = {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_NOTIFY"}
    out = runtime.run("mkdir /tmp/no 2>&1; true", seccomp([rule], listenerPath=path, listenerMetadata="mine"))
    thread.join(30)
    expect(out.stdout, "Bad message")
    state = got["state"]
    assert state["fds"] == ["seccompFd"] and state["metadata"] == "mine" and state["pid"] > 0, state
    assert state["state"]["bundle"].startswith(runtime.folder), state


def test_cgroup(runtime):
    """linux.cgroupsPath: the container is in its group, the namespace's root, and the group goes with it."""
    path = "/oci-check-%d/inner" % os.getpid()
    name, folder = runtime.create(change=lambda c: c["linux"].update(cgroupsPath=path))
    pid = json.loads(runtime.call("state", name).stdout)["pid"]
    line = [l for l in open(f"/proc/{pid}/cgroup") if l.startswith("0::")][0].strip()
    assert line == "0::" + path, line
    runtime.call("start", name)
    out = runtime.call("exec", name, "grep", "^0::", "/proc/self/cgroup")
    assert out.stdout.strip() == "0::/", out.stdout
    runtime.call("delete", "--force", name)
    mount = [l.split()[4] for l in open("/proc/self/mountinfo") if " - cgroup2 " in l][0]
    assert not os.path.exists(mount + path)
    os.rmdir(mount + os.path.dirname(path))


def controllers():
    mount = [l.split()[4] for l in open("/proc/self/mountinfo") if " - cgroup2 " in l][0]
    return mount, open(mount + "/cgroup.controllers").read().split()


def test_unheld_limits_are_told(runtime):
    """linux.resources: what the host cannot hold is said, never dropped in silence."""
    _, known = controllers()
    if "memory" in known:
        return "this host has the controllers"
    done = runtime.run("true", lambda c: c["linux"]["resources"].update(memory={"limit": 1 << 26}, pids={"limit": 50}))
    expect(done.stderr, "linux.resources.memory.limit cannot be held", "linux.resources.pids.limit cannot be held")


def test_resources(runtime):
    """linux.resources: memory, processor, processes and unified keys in the group's files."""
    mount, known = controllers()
    if not {"memory", "cpu", "pids"} <= set(known):
        return "the controllers of this host are bound to cgroup v1"
    def change(c):
        c["linux"]["cgroupsPath"] = "/oci-check-limits"
        c["linux"]["resources"].update(
            memory={"limit": 1 << 26, "reservation": 1 << 25, "swap": 1 << 27}, pids={"limit": 50},
            cpu={"shares": 1024, "quota": 50000, "period": 100000}, unified={"memory.high": "60000000"})
    name, _ = runtime.create(change=change)
    read = lambda file: open(f"{mount}/oci-check-limits/{file}").read().split()
    assert read("memory.max") == [str(1 << 26)] and read("memory.low") == [str(1 << 25)] and read("pids.max") == ["50"]
    assert read("cpu.max") == ["50000", "100000"] and read("cpu.weight") == ["39"], read("cpu.weight")
    runtime.call("update", "--pids-limit", "60", "--memory", "128m", name)
    assert read("pids.max") == ["60"] and read("memory.max") == [str(1 << 27)]


def test_unified(runtime):
    """linux.resources.unified: written into the group; a file that is not there is an error."""
    mount, known = controllers()
    if "hugetlb" not in known and "pids" not in known:
        return "no controller to try it with"
    file = "pids.max" if "pids" in known else "hugetlb.2MB.max"
    group = f"oci-check-unified-{os.getpid()}"
    def change(c):
        c["linux"]["cgroupsPath"] = "/" + group
        c["linux"]["resources"]["unified"] = {file: "4194304"}
    name, _ = runtime.create(change=change)
    assert open(f"{mount}/{group}/{file}").read().strip() == "4194304"
    done = runtime.run("true", lambda c: c["linux"]["resources"].update(unified={"nothing.max": "1"}), check=False)
    assert done.returncode != 0
    expect(done.stderr, "linux.resources.unified", "nothing.max")
    assert not os.path.exists(f"{mount}/swiftlet-oci/{runtime.made[-1]}"), "the group of what could not be made is left"
