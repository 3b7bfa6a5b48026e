"""What is executed beside a container, and terminals: each check looks at the effect."""
import array
import ctypes
import json
import os
import pty
import select
import signal
import socket
import subprocess
import threading
import time

from bundle import controllers, expect, said, until, with_users, without


def test_exec(runtime):
    """exec: namespaces, user, directory, environment, exit code, capabilities."""
    name, _ = runtime.create()
    runtime.call("start", name)
    pid = runtime.state(name)["pid"]
    script = "for k in pid mnt ipc uts net cgroup; do readlink /proc/self/ns/$k; done"
    out = runtime.call("exec", name, "sh", "-c", script).stdout.split()
    assert out == [os.readlink(f"/proc/{pid}/ns/{k}") for k in "pid mnt ipc uts net cgroup".split()], out
    out = runtime.call("exec", "--user", "3:4", "--cwd", "/tmp", "--env", "A=1", "-g", "9", name, "sh", "-c", "id -u; id -g; id -G; pwd; echo $A").stdout
    assert out.split() == ["3", "4", "4", "9", "/tmp", "1"], out
    assert runtime.call("exec", name, "sh", "-c", "exit 9", check=False).returncode == 9
    done = runtime.call("exec", name, "/bin/nothing", check=False)
    assert done.returncode != 0
    expect(done.stderr, "executing the program")
    # a container's own directory is made, a session's is not
    done = runtime.call("exec", "--cwd", "/tmp/nowhere/b", name, "true", check=False)
    assert done.returncode != 0
    expect(done.stderr, "working directory", "/tmp/nowhere/b", "No such file")
    assert runtime.call("exec", name, "test", "-e", "/tmp/nowhere", check=False).returncode == 1


def test_exec_traced(runtime):
    """exec: the end of a process that another traces is told once that lets go of it."""
    name, _ = runtime.create()
    runtime.call("start", name)
    file = runtime.folder + "/traced.pid"
    session = subprocess.Popen(runtime.command("exec", "--pid-file", file, name, "sleep", "1000"), stdin=subprocess.DEVNULL)
    process = int(until(lambda: os.path.exists(file) and open(file).read(), "the session"))
    assert ctypes.CDLL(None).ptrace(0x4206, process, None, None) == 0  # PTRACE_SEIZE
    os.kill(process, signal.SIGKILL)
    calls = {"247", "95"}  # waitid(2) on x86-64 and arm64
    until(lambda: session.poll() is not None or open(f"/proc/{session.pid}/syscall").read().split()[0] in calls, "its end is waited for")
    os.waitpid(process, 0)
    assert session.wait(60) == 137, session.returncode


def test_exec_where_its_creator_was(runtime):
    """exec: a namespace that the container was not given is its creator's, not that of who calls exec."""
    name, folder = runtime.id(), runtime.bundle("sleep 60", lambda c: without(c, "network"))
    subprocess.run(["unshare", "--net", *runtime.command("create", "--bundle", folder, name)],
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True, timeout=60)
    runtime.call("start", name)
    theirs = os.readlink(f"/proc/{runtime.state(name)['pid']}/ns/net")
    assert theirs != os.readlink("/proc/self/ns/net")
    assert runtime.call("exec", name, "readlink", "/proc/self/ns/net").stdout.strip() == theirs


def test_exec_behind_the_filter(runtime):
    """linux.seccomp: a session is behind the container's filter, as it was at the creation, and where what was kept of that is spoilt by the configuration."""
    rules = [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 99}]
    section = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": rules, "flags": ["SECCOMP_FILTER_FLAG_LOG"]}
    name, _ = runtime.create(change=lambda c: c["linux"].update(seccomp=section))
    runtime.call("start", name)
    kept = f"{runtime.root}/{name}/seccomp"
    whole = open(kept, "rb").read()
    for spoil in (lambda: None, lambda: open(kept, "wb").write(whole[:-8]), lambda: os.unlink(kept)):
        spoil()
        out = runtime.call("exec", name, "sh", "-c", "mkdir /tmp/no 2>&1; grep Seccomp: /proc/self/status").stdout
        expect(out, "assign requested address", "Seccomp:\t2")


def test_exec_process_file(runtime):
    """exec --process: a whole process from a file."""
    name, _ = runtime.create()
    runtime.call("start", name)
    path = runtime.folder + "/process.json"
    json.dump({"args": ["sh", "-c", "id -u; grep CapBnd /proc/self/status; echo $B"], "cwd": "/", "env": ["PATH=/bin", "B=2"], "user": {"uid": 11, "gid": 0},
               "capabilities": {"bounding": ["CAP_KILL"]}, "rlimits": [{"type": "RLIMIT_NOFILE", "soft": 64, "hard": 64}]}, open(path, "w"))
    out = runtime.call("exec", "--process", path, name).stdout.split()
    assert out == ["11", "CapBnd:", "0000000000000020", "2"], out


def test_exec_label(runtime):
    """process.selinuxLabel of a session, by option and by file: refused on a kernel without SELinux."""
    if os.path.exists("/sys/fs/selinux/enforce"):
        return "this kernel has SELinux"
    name, _ = runtime.create()
    runtime.call("start", name)
    path = runtime.folder + "/process.json"
    json.dump({"args": ["true"], "cwd": "/", "env": ["PATH=/bin"], "user": {"uid": 0, "gid": 0}, "selinuxLabel": "u:r:t:s0"}, open(path, "w"))
    for options in (["--process-label", "u:r:t:s0", name, "true"], ["--process", path, name]):
        done = runtime.call("exec", *options, check=False)
        assert done.returncode == 255, options
        expect(done.stderr, "process.selinuxLabel: this kernel runs without SELinux")


def test_exec_affinity(runtime):
    """process.execCPUAffinity: the processors of an exec session, on its way and in the end."""
    if len(os.sched_getaffinity(0)) < 2:
        return "this machine has one processor"
    name, _ = runtime.create()
    runtime.call("start", name)
    path = runtime.folder + "/process.json"
    def seen(affinity):
        json.dump({"args": ["grep", "Cpus_allowed_list", "/proc/self/status"], "cwd": "/", "env": ["PATH=/bin"], "user": {"uid": 0, "gid": 0},
                   "execCPUAffinity": affinity}, open(path, "w"))
        return runtime.call("exec", "--process", path, name).stdout.split()[-1]
    first, second = sorted(os.sched_getaffinity(0))[:2]
    assert seen({"initial": str(second)}) == str(second)
    assert seen({"final": str(first)}) == str(first)
    assert seen({"initial": str(second), "final": str(first)}) == str(first)
    assert seen({}) not in (str(first), str(second))


def test_exec_detached(runtime):
    """exec --detach --pid-file."""
    name, _ = runtime.create()
    runtime.call("start", name)
    file = runtime.folder + "/exec-pid"
    subprocess.run(runtime.command("exec", "--detach", "--pid-file", file, name, "sleep", "77"),
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True, timeout=120)
    pid = int(open(file).read())
    expect(open(f"/proc/{pid}/cmdline").read(), "sleep", "77")
    assert pid in json.loads(runtime.call("ps", "-f", "json", name).stdout)


def test_exec_beside_groups_of_its_own(runtime):
    """exec into a container whose own group lets those beneath use its controllers, so that no process may be in it: it joins the first one's."""
    made = "mkdir -p /sys/fs/cgroup/init/deep && echo 1 >/sys/fs/cgroup/init/deep/cgroup.procs"
    given = "for one in $(cat /sys/fs/cgroup/cgroup.controllers); do echo +$one >/sys/fs/cgroup/cgroup.subtree_control; done"
    name, folder = runtime.create(f"{made} && {given}; echo ready; exec sleep 60", lambda c: c["mounts"][6]["options"].remove("ro"))
    runtime.call("start", name)
    said(folder, "ready")
    if not controllers():
        return "the unified hierarchy has no controllers"
    assert runtime.call("exec", name, "grep", "^0::", "/proc/self/cgroup").stdout.strip() == "0::/init/deep"
    done = runtime.call("exec", "--cgroup", "/", name, "true", check=False)
    assert done.returncode != 0, "a group that was asked for is not changed for another"
    expect(done.stderr, "creating the process")
    assert len(json.loads(runtime.call("ps", "--format", "json", name).stdout)) == 1


def test_exec_in_user_namespace(runtime):
    """exec into a user namespace is its root."""
    name, _ = runtime.create(change=with_users)
    runtime.call("start", name)
    out = runtime.call("exec", name, "sh", "-c", "id -u; cat /proc/self/uid_map; echo x >/dev/null; hostname other && hostname").stdout.split()
    assert out == ["0", "0", "100000", "65536", "other"], out


def test_exec_without_mount_namespace(runtime):
    """exec is confined to the container's tree also where the mount namespace is the caller's."""
    def change(c):
        without(c, "mount")
        c["mounts"] = c["mounts"][:1]
    name, _ = runtime.create(change=change)
    runtime.call("start", name)
    assert runtime.call("exec", name, "ls", "/").stdout.split() == sorted(os.listdir(runtime.rootfs))
    runtime.call("delete", "--force", name)
    assert runtime.rootfs + "/proc" not in open("/proc/self/mountinfo").read()


def receive_terminal(path):
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen(1)
    got = []
    def serve():
        peer, _ = server.accept()
        _, ancillary, _, _ = peer.recvmsg(4096, socket.CMSG_SPACE(4))
        got.append(array.array("i", ancillary[0][2])[0])
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    return thread, got


def read_all(terminal, seconds=30):
    text, end = b"", time.monotonic() + seconds
    while time.monotonic() < end:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                part = os.read(terminal, 4096)
            except OSError:
                break
            if not part:
                break
            text += part
    return text.decode()


def test_console(runtime):
    """process.terminal: the terminal goes to --console-socket, with its size, and is the console."""
    path = runtime.folder + "/console"
    thread, got = receive_terminal(path)
    def change(c):
        c["process"].update(terminal=True, consoleSize={"width": 91, "height": 33})
    name, _ = runtime.create("tty; stty size; test -c /dev/console && echo console; grep -c /dev/console /proc/self/mountinfo", change, options=["--console-socket", path])
    thread.join(30)
    runtime.call("start", name)
    out = read_all(got[0])
    expect(out, "/dev/pts/0", "33 91", "console", "1")


def test_exec_console(runtime):
    """exec --tty --console-socket."""
    name, _ = runtime.create()
    runtime.call("start", name)
    path = runtime.folder + "/exec-console"
    thread, got = receive_terminal(path)
    subprocess.run(runtime.command("exec", "-d", "-t", "--console-socket", path, name, "tty"), stdin=subprocess.DEVNULL, check=True, timeout=120)
    thread.join(30)
    expect(read_all(got[0]), "/dev/pts/")


def test_foreground_terminal_without_one(runtime):
    """process.terminal of a caller who has none: the end of its input is that of the container's."""
    folder = runtime.bundle("cat; echo over", lambda c: c["process"].update(terminal=True))
    for text in ("", "one\n", "two"):
        done = subprocess.run(runtime.command("run", "--bundle", folder, runtime.id()), input=text, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0 and done.stdout.endswith("over\n") and text.strip() in done.stdout, done
    # a shell edits lines itself, and takes what came before for nothing
    folder = runtime.bundle("sh -i; echo over", lambda c: c["process"].update(terminal=True))
    done = subprocess.run(runtime.command("run", "--bundle", folder, runtime.id()), input="", capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and done.stdout.endswith("over\n"), done


def test_foreground_terminal(runtime):
    """run with a terminal of the caller's passes it through."""
    folder = runtime.bundle("tty; read line; echo got $line", lambda c: c["process"].update(terminal=True))
    name = runtime.id()
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(runtime.program, runtime.command("run", "--bundle", folder, name))
    # what is typed before the terminal is the container's may be thrown away
    out, end = "", time.monotonic() + 60
    while "/dev/pts/0" not in out and time.monotonic() < end:
        out += read_all(terminal, 0.3)
    os.write(terminal, b"words\r")
    out += read_all(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    expect(out, "/dev/pts/0", "got words")


def test_signals_are_passed_on(runtime):
    """run passes its signals to the container."""
    folder = runtime.bundle("trap 'exit 21' USR1; echo ready; while :; do sleep 0.05; done")
    call = subprocess.Popen(runtime.command("run", "--bundle", folder, runtime.id()), stdout=subprocess.PIPE)
    call.stdout.readline()
    call.send_signal(signal.SIGUSR1)
    assert call.wait(120) == 21
