"""Seccomp profiles, by what becomes of the calls that they name."""
import array
import fcntl
import json
import os
import re
import socket
import struct
import subprocess
import threading
import time

from attack import image
from bundle import expect, until


ORDINARY = {"action": "SCMP_ACT_ALLOW", "names": """execve exit exit_group brk mmap munmap mprotect read write writev open openat close fstat stat lstat
newfstatat getuid getgid geteuid getegid rt_sigaction rt_sigprocmask rt_sigreturn arch_prctl set_tid_address getpid getppid fcntl ioctl getcwd
set_robust_list rseq prlimit64 readlink readlinkat getrandom uname access lseek pread64 capset prctl clone fork vfork wait4
fchdir setgid setuid setgroups setresuid setresgid dup2 dup3 pipe pipe2 umask""".split()}


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
    out = runtime.run("echo fine; mkdir /tmp/no 2>&1; true", seccomp([ORDINARY], default="SCMP_ACT_ERRNO", defaultErrnoRet=13)).stdout
    expect(out, "fine", "Permission denied")


def test_seccomp_of_x32(runtime):
    """linux.seccomp.architectures: calls of x32 are the profile's to answer where it names it, and unknown where it does not."""
    if os.uname().machine != "x86_64":
        return "x32 is of x86-64"
    source = "#include <errno.h>\n#include <sys/syscall.h>\n#include <unistd.h>\nint main(void) { return syscall(0x40000000 | SYS_mkdir, 0, 0) < 0 ? errno : 0; }"
    tree = image(runtime, lambda t: subprocess.run(["clang", "-static", "-o", t + "/bin/call", "-x", "c", "-"], input=source, text=True, check=True))
    rule = {"names": ["mkdir"], "action": "SCMP_ACT_ERRNO", "errnoRet": 99}
    for architectures, code in ((["SCMP_ARCH_X86_64"], 38), (["SCMP_ARCH_X86_64", "SCMP_ARCH_X32"], 99)):
        answers = seccomp([ORDINARY, rule], default="SCMP_ACT_ERRNO", architectures=architectures)
        done = runtime.run("exec call", lambda c: (answers(c), c["root"].update(path=tree)), check=False)
        assert done.returncode == code, (architectures, done)


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


def test_seccomp_before_start(runtime):
    """linux.seccomp: loaded while the container waits for its start, where it lets pass what is done until then; else by the start. It holds either way."""
    def filter_of(pid):
        return re.search(r"Seccomp:\s*(\d)", open(f"/proc/{pid}/status").read()).group(1)

    plain = {"names": ["symlink", "symlinkat"], "action": "SCMP_ACT_ERRNO"}
    directory = {"names": ["mkdirat"], "action": "SCMP_ACT_ERRNO"}
    wake = {"names": ["restart_syscall"], "action": "SCMP_ACT_KILL_PROCESS"}
    gate = {"names": ["accept4", "recvfrom", "fchdir"], "action": "SCMP_ACT_ERRNO"}
    looks = {"names": ["prctl"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 0, "value": 1 << 20, "op": "SCMP_CMP_EQ"}]}
    for rules, is_early in (([plain], True), *(([plain, other], False) for other in (directory, wake, gate, looks))):
        for bound in (True, False):
            def change(c):
                c["process"]["noNewPrivileges"] = bound
                c["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": rules}
            name, folder = runtime.create("ln -s /tmp /tmp/no 2>/dev/null || echo refused; grep Seccomp: /proc/self/status; exec sleep 60", change)
            pid = runtime.state(name)["pid"]
            if is_early:
                until(lambda: filter_of(pid) == "2", "the filter is loaded before the start")
            else:
                time.sleep(0.05)
                assert filter_of(pid) == "0", rules
            runtime.call("pause", name)
            runtime.call("resume", name)
            runtime.call("start", name)
            until(lambda: open(folder + "/output").read().split() == ["refused", "Seccomp:", "2"], f"a filter of {rules} holds")
            runtime.call("delete", "--force", name)
