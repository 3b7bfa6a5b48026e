"""What the validation programs of runtime-tools look at beyond the clauses: with the configuration that they begin from, in a
bundle that is the root as well."""
import json
import os
import stat
import subprocess

from bundle import NUMBERS, Failure, expect, hierarchy

CAPABILITIES = """CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL
AUDIT_WRITE""".split()
# what a default of that age leaves out: calls that are younger, and those that need rights
CALLS = """accept accept4 access alarm bind brk capget capset chdir chmod chown clock_getres clock_gettime clock_nanosleep close connect
copy_file_range creat dup dup2 dup3 epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_wait eventfd eventfd2 execve execveat exit
exit_group faccessat fallocate fchdir fchmod fchmodat fchown fchownat fcntl fdatasync flock fork fstat fstatfs fsync ftruncate futex
getcwd getdents getdents64 getegid geteuid getgid getgroups getpeername getpgid getpgrp getpid getppid getpriority getrandom getresgid
getresuid getrlimit getrusage getsid getsockname getsockopt gettid gettimeofday getuid ioctl kill lchown link linkat listen lseek lstat
madvise memfd_create mkdir mkdirat mknod mknodat mmap mprotect mremap munmap nanosleep newfstatat open openat pause pipe pipe2 poll
ppoll prctl pread64 prlimit64 pselect6 pwrite64 read readlink readlinkat readv recvfrom recvmsg rename renameat renameat2
restart_syscall rmdir rt_sigaction rt_sigpending rt_sigprocmask rt_sigreturn rt_sigsuspend rt_sigtimedwait sched_getaffinity
sched_yield seccomp select sendfile sendmsg sendto setgid setgroups setitimer setpgid setpriority setregid setresgid setresuid setreuid
set_robust_list setsid setsockopt set_tid_address setuid shutdown sigaltstack socket socketpair stat statfs statx symlink symlinkat
sync sysinfo tgkill time times truncate ugetrlimit umask uname unlink unlinkat utimensat vfork wait4 waitid waitpid write writev
arch_prctl _llseek _newselect chown32""".split()


def as_generated(config):
    """The five sets alike, limits, a profile that refuses by default, no cgroup namespace, the bundle itself as root."""
    names = ["CAP_" + name for name in CAPABILITIES]
    config["root"]["path"] = "."
    config["ociVersion"] = "1.0.2-dev"
    config["hostname"] = "mrsdalloway"
    config["process"]["capabilities"] = {key: list(names) for key in ("bounding", "effective", "inheritable", "permitted", "ambient")}
    config["process"]["rlimits"] = [{"type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024}]
    config["mounts"] = [m for m in config["mounts"] if m["type"] != "cgroup"]
    config["linux"]["namespaces"] = [{"type": t} for t in ("pid", "network", "ipc", "uts", "mount")]
    only = lambda name, *arguments: {"names": [name], "action": "SCMP_ACT_ALLOW", "args": list(arguments)}
    masked = {"index": 0, "value": 2080505856, "op": "SCMP_CMP_MASKED_EQ"}
    config["linux"]["seccomp"] = {
        "defaultAction": "SCMP_ACT_ERRNO", "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
        "syscalls": [{"names": CALLS, "action": "SCMP_ACT_ALLOW"}, only("chroot"), only("clone", masked),
                     only("personality", *({"index": 0, "value": v, "op": "SCMP_CMP_EQ"} for v in (0, 8, 0xFFFFFFFF)))]}
    if os.uname().machine != "x86_64":
        config["linux"]["seccomp"]["architectures"] = []


def generated(runtime, script, change=None, fill=None):
    """The output of a container whose bundle is its root; `fill` puts more into it."""
    def altered(config):
        as_generated(config)
        if change:
            change(config)
    name, folder = runtime.id(), runtime.bundle(script, altered)
    os.unlink(folder + "/rootfs")
    subprocess.run(["cp", "-a", runtime.rootfs + "/.", folder], check=True)
    if fill:
        fill(folder)
    done = runtime.call("run", "--bundle", folder, name, check=False)
    if done.returncode != 0:
        raise Failure(f"run: {done.returncode} {done.stdout.strip()} {done.stderr.strip()}")
    return done.stdout


def test_programs_default(runtime):
    """default, hostname, process, linux_seccomp: the generated configuration as it is."""
    out = generated(runtime, "grep Cap /proc/self/status; ulimit -n; ulimit -H -n; hostname; pwd; cat /proc/self/uid_map; touch /new && echo writable")
    mask = sum(1 << NUMBERS[name] for name in CAPABILITIES)
    rows = out.strip().split("\n")
    assert [int(row.split()[1], 16) for row in rows[:5]] == [mask] * 5, rows[:5]
    assert [row.split() for row in rows[5:]] == [["1024"], ["1024"], ["mrsdalloway"], ["/"], ["0", "0", "4294967295"], ["writable"]], rows
    def allows(c):
        c["linux"]["seccomp"]["defaultAction"] = "SCMP_ACT_ALLOW"
        c["linux"]["seccomp"]["syscalls"].append({"names": ["getcwd"], "action": "SCMP_ACT_ERRNO"})
    # both an allowed and a refused one: the stricter holds
    expect(generated(runtime, "cd /tmp; /bin/pwd 2>&1; true", allows), "Operation not permitted")


def test_programs_user(runtime):
    """process_user, process_rlimits, root_readonly_true: a user keeps the ambient set; every limit."""
    user = lambda c: c["process"].update(user={"uid": 10, "gid": 10, "additionalGids": [5], "umask": 2})
    out = generated(runtime, "id -u; id -G; umask; grep -E 'CapEff|CapAmb' /proc/self/status", user).split()
    assert out[:4] == ["10", "10", "5", "0002"] and out[5] == out[7] != "0" * 16, out
    wanted = {"AS": (1, 2), "CORE": (3, 4), "DATA": (5, 6), "FSIZE": (7, 8), "STACK": (9, 10)}
    def limited(c):
        c["process"]["rlimits"] = [{"type": "RLIMIT_" + key, "soft": s << 30, "hard": h << 30} for key, (s, h) in wanted.items()]
        for key, soft, hard in (("CPU", 60, 120), ("NOFILE", 3000, 4000)):
            c["process"]["rlimits"].append({"type": "RLIMIT_" + key, "soft": soft, "hard": hard})
        c["root"]["readonly"] = True
    out = generated(runtime, "grep -E 'cpu|file size|data|stack|open|address' /proc/self/limits; touch /x 2>&1; true", limited)
    rows = [[int(word) for word in row.split() if word.isdigit()] for row in out.strip().split("\n")[:-1]]
    bytes = [[s << 30, h << 30] for s, h in (wanted[k] for k in ("FSIZE", "DATA", "STACK", "CORE", "AS"))]
    assert rows == [[60, 120], *bytes[:4], [3000, 4000], bytes[4]], rows
    expect(out, "Read-only file system")


def with_files(folder):
    os.makedirs(folder + "/dir/sub")
    for path in ("dir/sub/file", "dir/file", "file"):
        open(f"{folder}/{path}", "w").write("secrets")
    for name, kind in (("block", stat.S_IFBLK), ("char", stat.S_IFCHR), ("pipe", stat.S_IFIFO)):
        os.mknod(f"{folder}/{name}", kind | 0o666, 0)


PATHS = ["/dir", "/file", "/dir/sub", "/dir/file", "/dir/sub/file", "/block", "/char", "/pipe"]


def test_programs_paths(runtime):
    """linux_masked_paths, linux_readonly_paths: one within another, and devices and pipes."""
    out = generated(runtime, "ls /dir; for f in /file /block /char /pipe; do head -c 9 $f | wc -c; stat -c %F $f; done",
                    lambda c: c["linux"].update(maskedPaths=PATHS), with_files)
    assert out.split("\n")[:8] == ["0", "character special file"] * 4, out
    out = generated(runtime, "for f in /dir/new /file /dir/sub/new /dir/file /dir/sub/file; do echo x 2>&1 >$f; done 2>&1; cat /file; true",
                    lambda c: c["linux"].update(readonlyPaths=PATHS), with_files)
    assert out.count("Read-only file system") == 5 and out.endswith("secrets"), out


def test_programs_propagation(runtime):
    """linux_rootfs_propagation: what is mounted inside is seen through a mount of the root where it is shared, and there alone."""
    def change(c):
        c["linux"].pop("seccomp")
        for names in c["process"]["capabilities"].values():
            names.append("CAP_SYS_ADMIN")
    script = """mkdir /target /mounted /test; touch /test/example
mount -o rbind / /target 2>/dev/null || echo unbindable
mount --bind /test /mounted 2>/dev/null; ls /target/mounted/example 2>/dev/null || echo hidden"""
    for word, wanted in (("shared", ["/target/mounted/example"]), ("slave", ["hidden"]), ("private", ["hidden"]),
                         ("unbindable", ["unbindable", "hidden"])):
        out = generated(runtime, script, lambda c: (change(c), c["linux"].update(rootfsPropagation=word)))
        assert out.split() == wanted, (word, out)


def test_programs_namespaces(runtime):
    """linux_ns_itype, linux_ns_nopath: all mounts without a namespace of any kind, and none of them left; all kinds new."""
    kinds = "cgroup ipc mnt net pid user uts".split()
    def bare(c):
        as_generated(c)
        c["linux"]["namespaces"] = []
        c["root"]["path"] = "rootfs"
        c.pop("hostname")
    name, _ = runtime.create(change=bare)
    pid = runtime.state(name)["pid"]
    assert all(os.readlink(f"/proc/{pid}/ns/{kind}") == os.readlink(f"/proc/self/ns/{kind}") for kind in kinds)
    runtime.call("delete", "--force", name)
    assert runtime.rootfs + "/" not in open("/proc/self/mountinfo").read()
    def whole(c):
        as_generated(c)
        c["root"]["path"] = "rootfs"
        c["linux"]["namespaces"] = [{"type": t} for t in ("cgroup", "ipc", "mount", "network", "pid", "user", "uts")]
        for key, size in (("uidMappings", 2000), ("gidMappings", 3000)):
            c["linux"][key] = [{"hostID": 1000, "containerID": 0, "size": size}]
    name, _ = runtime.create(change=whole)
    pid = runtime.state(name)["pid"]
    assert not any(os.readlink(f"/proc/{pid}/ns/{kind}") == os.readlink(f"/proc/self/ns/{kind}") for kind in kinds)
    assert [words_of(f"/proc/{pid}/{file}") for file in ("uid_map", "gid_map")] == [["0", "1000", "2000"], ["0", "1000", "3000"]]


def words_of(path):
    return open(path).read().split()


def test_programs_states(runtime):
    """kill_no_effect, pidfile, delete_only_create_resources: a stopped state stays as it is; a foreign group is left."""
    file = runtime.folder + "/pid-alone"
    name, _ = runtime.create("true", options=["--pid-file", file])
    assert open(file).read() == str(runtime.state(name)["pid"]), "a pid file holds the number alone"
    mount = hierarchy()
    group = f"{mount}/oci-check-foreign-{os.getpid()}"
    os.mkdir(group)
    try:
        open(group + "/cgroup.procs", "w").write(open(file).read())
        runtime.call("start", name)
        runtime.wait(name)
        before = runtime.state(name)
        assert runtime.call("kill", name, "KILL", check=False).returncode != 0
        assert runtime.state(name) == before and before["pid"] == 0, before
        runtime.call("delete", name)
        assert os.path.isdir(group), "a group of another's is gone"
    finally:
        os.rmdir(group)


def test_programs_hooks(runtime):
    """hooks_stdin: the state that each hook reads."""
    def change(c):
        c["annotations"] = {"org.example.hooks": "on standard input"}
        c["hooks"] = {kind: [{"path": runtime.rootfs + "/bin/sh", "args": ["sh", "-c", f"cat >{runtime.folder}/{kind}"], "timeout": 5,
                              "env": ["PATH=" + runtime.rootfs + "/bin:/bin"]}] for kind in ("prestart", "poststart", "poststop")}
    name, folder = runtime.create("true", change)
    pid = runtime.state(name)["pid"]
    runtime.call("start", name)
    runtime.wait(name)
    runtime.call("delete", name)
    for kind, status in (("prestart", "created"), ("poststart", "running"), ("poststop", "stopped")):
        seen = json.load(open(f"{runtime.folder}/{kind}"))
        assert (seen["id"], seen["bundle"], seen["status"]) == (name, folder, status), seen
        assert seen["annotations"] == {"org.example.hooks": "on standard input"}, seen
        assert status == "stopped" or seen["pid"] == pid, seen
