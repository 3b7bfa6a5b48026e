"""What a container can do to the calls that reach into it. As in attacks.py, each has a control."""
import json
import os
import re
import shutil
import subprocess
import tempfile

from agents import Agent
from attack import attack, image
from bundle import ALL_CAPABILITIES, QUIET, expect, said, until, with_users, without


def may_trace(config):
    """Root's rights without those to mount, with CAP_SYS_PTRACE."""
    names = [name for name in ALL_CAPABILITIES if name != "CAP_SYS_ADMIN"]
    config["process"]["capabilities"] = {key: list(names) for key in ("bounding", "effective", "permitted")}


def processes(runtime, name):
    return json.loads(runtime.call("ps", "--format", "json", name).stdout)


def is_of_container(pid, words=""):
    """Whether it runs the one program that the container has, and with these words."""
    try:
        return os.readlink(f"/proc/{pid}/exe").endswith("/busybox") and open(f"/proc/{pid}/cmdline").read().startswith(words)
    except OSError:
        return not words  # it has ended, which no session does that waits


def number_inside(pid):
    """A process's number in the innermost pid namespace."""
    return next(line for line in open(f"/proc/{pid}/status") if line.startswith("NSpid")).split()[-1]


# What of a process the container's root can open or read.
LOOK = """(: </proc/$1/mem) 2>/dev/null && echo mem; for f in maps environ; do [ "$(head -c 1 /proc/$1/$f 2>/dev/null | wc -c)" = 1 ] && echo $f; done
for l in exe cwd root fd/1; do readlink /proc/$1/$l >/dev/null 2>&1 && echo $l; done"""


@attack("a session on its way (CVE-2016-9962)", "a session waits in the container for its program to be executed; its memory, descriptors and program are looked at",
        "what is not yet the container's program is not dumpable", "a process of the container's own is open to the same look")
def test_session_is_out_of_reach(runtime):
    """The container's root cannot open what has come to be a session and is none yet (CVE-2016-9962)."""
    agent = Agent(runtime, serves=1)
    tree = image(runtime, lambda t: open(t + "/look", "w").write(LOOK))
    def change(config):
        config["root"]["path"] = tree
        for names in config["process"]["capabilities"].values():
            names[:] = set(names) - {"CAP_SYS_PTRACE", "CAP_SYS_ADMIN"}  # the rights to look at all
        agent.asked_for("execve")(config)
    name, folder = runtime.create("sleep 100 & until [ -e /who ]; do sleep 0.05; done; for p in $(cat /who); do sh /look $p | tr '\\n' ' '; echo .; done; exec sleep 100", change)
    runtime.call("start", name)
    sleeper = until(lambda: [p for p in processes(runtime, name) if is_of_container(p, "sleep\x00100")], "the container's own process is there")[0]
    session = runtime.begin("exec", name, "sleep", "77")
    try:
        until(lambda: len(agent.taken) == 2, "the session's filter is loaded")
        on_its_way = until(lambda: [p for p in processes(runtime, name) if not is_of_container(p)], "the session waits")[0]
        with open(tree + "/who.new", "w") as file:
            file.write(f"{number_inside(on_its_way)} {number_inside(sleeper)}\n")
        os.rename(tree + "/who.new", tree + "/who")
        out = said(folder, ".", 2)
        seen, control = [row.split() for row in out.split(".")[:2]]
        assert seen == [], seen
        assert control == ["mem", "maps", "environ", "exe", "cwd", "root", "fd/1"], control
    finally:
        runtime.call("delete", "--force", name)
        session.wait(30)


def test_number_is_not_the_childs(runtime):
    """The page in which the kernel tells a process between whom it has made is not had by that one, who may be traced by then."""
    name, _ = runtime.create(change=with_users)
    pid = runtime.state(name)["pid"]
    def of_a_pod(config):
        without(config, "pid")
        config["linux"]["namespaces"] += [{"type": kind, "path": f"/proc/{pid}/ns/{kind}"} for kind in ("user", "pid")]
    plain, _ = runtime.create()
    runtime.call("start", plain)
    births = ["python3", "-B", os.path.dirname(__file__) + "/births.py"]
    # whoever makes it has a page of its caller's, of a session all its memory
    for words, maker in ((["run", "--bundle", runtime.bundle("true", of_a_pod), runtime.id()], ["1", "1", "0"]), (["exec", plain, "true"], ["1", "0", "1"])):
        done = subprocess.run([*births, *runtime.command(*words)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        rows = [row.split() for row in done.stdout.splitlines()]
        inside = [row for row in rows if int(row[0]) > 1]
        assert maker in rows and inside and all(row[1:] == ["0", "0"] for row in inside), done


# What is in the container's sight and not its own program: whether the host's files are behind its root, and where its descriptors lead.
WATCH = """while [ ! -e /dev/shm/over ]; do for p in /proc/[0-9]*; do read -r c <$p/comm && case $c in sh|cat|readlink|touch) ;;
*) echo seen; for f in $p/fd/*; do readlink $f; done; cat $p/root%s && echo led;; esac; done; done 2>/dev/null; echo over; exec sleep 100"""


@attack("a session traced from its first moment", "a container that may trace (CAP_SYS_PTRACE) looks for the host's root and for descriptors behind all that comes into its sight; strace holds the session up",
        "a session's process is cloned inside, without the caller's descriptors", "a process that began outside, in a pid namespace that is shared, leads to the host's files")
def test_session_shows_nothing_of_the_host(runtime):
    """A session leads who may trace it neither to the host's files nor to the caller's, from its first moment."""
    outside = tempfile.mkdtemp(prefix="oci-outside-")
    os.chmod(outside, 0o755)
    open(outside + "/marker", "w").close()
    def change(config):
        may_trace(config)
        config["process"]["env"].append("HOME=/")  # or a session opens the container's own /etc/passwd, and may be seen at it
    try:
        delays = [word for call in ("setns", "setsid", "close_range") for word in ("-e", f"inject={call}:delay_enter=150000")]
        tracer = ["strace", "-f", "-qq", "-o", "/dev/null", *delays]
        for input, options in ("/dev/null", []), (outside + "/marker", ["--tty"]):
            name, folder = runtime.create(WATCH % (outside + "/marker"), change)
            runtime.call("start", name)
            with open(input) as stdin:
                subprocess.run([*tracer, *runtime.command("exec", *options, name, "touch", "/dev/shm/over")], check=True, timeout=60, **{**QUIET, "stdin": stdin})
            out = said(folder, "over").split("\n")
            assert "seen" in out, "the session was not seen on its way"
            assert "led" not in out, "it led to the host's files"
            assert outside + "/marker" not in out, "it led to what its caller has in the terminal's place"
            leads = {line for line in out if line.startswith("/")} - {"/", "/dev/null", "/dev/shm/over"}
            assert options or not leads, leads
        if not runtime.users:  # where it has no rights over who began outside
            def shared(config):
                change(config)
                without(config, "pid")
            script = f"ls -d /proc/{os.getpid()}/root{outside}/marker"
            expect(runtime.run(script, shared).stdout, "marker")  # the control
    finally:
        shutil.rmtree(outside)


# What is in the container's sight, may be traced and may do more than the container's own: with CAP_SYS_ADMIN it could show kernel parameters of the host.
# And what has no filter, or could still gain rights.
WATCH_RIGHTS = """while [ ! -e /dev/shm/over ]; do for p in /proc/[0-9]*; do read -r c <$p/comm && case $c in sh|readlink|touch) ;;
*) echo seen; readlink $p/root >/dev/null && while read -r k v; do case $k in CapPrm:) [ $((0x$v >> 21 & 1)) = 0 ] || echo mighty;; NoNewPrivs:) [ $v = 1 ] || echo gaining;; Seccomp:) [ $v = 2 ] || echo unfiltered;; esac; done <$p/status;; esac; done; done 2>/dev/null
echo over; exec sleep 100"""


@attack("a session's rights taken over", "a container that may trace (CAP_SYS_PTRACE) looks for rights beyond its own, and for what is under no filter, behind all that comes into its sight; strace holds the session up",
        "what asks for more rights than the program has is done, and these are given up, before the session is cloned inside", "a process of the host's root, in a pid namespace that is shared, has them")
def test_session_lends_no_rights(runtime):
    """A session may do no more than its program from the moment that it is in the container's sight."""
    def limited(config):
        may_trace(config)
        config["process"].update(noNewPrivileges=True, rlimits=[{"type": "RLIMIT_NPROC", "soft": 1000, "hard": 1000}])
    def filtered(config):
        may_trace(config)
        config["process"]["noNewPrivileges"] = True
        config["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["keyctl"], "action": "SCMP_ACT_ERRNO"}]}
    delays = [word for call in ("setsid", "fcntl", "prctl") for word in ("-e", f"inject={call}:delay_enter=100000")]
    for setting, options, lent in (may_trace, [], {"mighty"}), (may_trace, ["--tty"], {"mighty"}), (limited, [], {"mighty", "gaining"}), \
            (filtered, [], {"mighty", "gaining", "unfiltered"}), (filtered, ["--tty"], {"mighty", "gaining", "unfiltered"}):
        name, folder = runtime.create(WATCH_RIGHTS, setting)
        runtime.call("start", name)
        session = runtime.command("exec", *options, name, "touch", "/dev/shm/once")
        for _ in range(30):  # strace loses who is cloned into a user namespace, so that it goes by quickly
            subprocess.run(["strace", "-f", "-qq", "-o", "/dev/null", *delays, *session], check=True, timeout=60, **{**QUIET, "stdin": subprocess.DEVNULL})
            if "seen" in open(folder + "/output").read():
                break
        runtime.call("exec", name, "touch", "/dev/shm/over")
        out = said(folder, "over")
        assert "seen" in out, "the session was not seen on its way"
        assert not lent & set(out.split()), (lent & set(out.split()), options, setting.__name__)
    if not runtime.users:
        def shared(config):
            may_trace(config)
            without(config, "pid")
        script = WATCH_RIGHTS.replace("/proc/[0-9]*", f"/proc/{os.getpid()}").replace("while [ ! -e /dev/shm/over ]", "for once in 1").replace("exec sleep 100", "true")
        expect(runtime.run(script, shared).stdout, "mighty", "gaining", "unfiltered")  # the control


@attack("a container made in a pid namespace that is joined", "a container that may trace (CAP_SYS_PTRACE) looks for the host's root and for rights beyond its own behind one that is made in its pid namespace; strace holds it up",
        "it is made by a process that is not in the namespace, which gives up the rights before it clones (Linux 6.17)", "the same look at a process of the host's, in a pid namespace that is shared, finds both")
def test_joined_processes_lend_nothing(runtime):
    """A container that joins another's processes by path lends who may trace them nothing on its way."""
    if tuple(map(int, re.match(r"(\d+)\.(\d+)", os.uname().release).groups())) < (6, 17):
        return "this kernel makes a procfs for its maker's processes alone"
    outside = tempfile.mkdtemp(prefix="oci-outside-")
    os.chmod(outside, 0o755)
    open(outside + "/marker", "w").close()
    look = WATCH_RIGHTS.replace("echo seen;", f"echo seen; [ ! -e $p/root{outside}/marker ] || echo led;")
    users = runtime.users
    try:
        name, folder = runtime.create(look, may_trace)
        runtime.call("start", name)
        pid = runtime.state(name)["pid"]
        def joined(config):
            may_trace(config)
            without(config, "pid")
            kinds = ["pid", "user"] if users else ["pid"]
            config["linux"]["namespaces"] += [{"type": kind, "path": f"/proc/{pid}/ns/{kind}"} for kind in kinds]
        runtime.users = False
        delays = [word for call in ("setsid", "fcntl", "prctl", "move_mount") for word in ("-e", f"inject={call}:delay_enter=50000")]
        bundle = runtime.bundle("ps; readlink /proc/self", joined)
        words = runtime.command("run", "--bundle", bundle, runtime.id())
        tracer = [] if users else ["strace", "-f", "-qq", "-o", "/dev/null", *delays]  # it loses who is cloned into a user namespace
        for _ in range(30):
            done = subprocess.run([*tracer, *words], capture_output=True, stdin=subprocess.DEVNULL, text=True, timeout=120)
            if "seen" in open(folder + "/output").read():
                break
        expect(done.stdout + done.stderr, "/dev/shm/over")  # of the other's shell
        assert done.stdout.split()[-1].isdigit(), "its procfs is not of the namespace that it joined"
        runtime.users = users
        runtime.call("exec", name, "touch", "/dev/shm/over")
        out = said(folder, "over")
        assert "seen" in out, "it was not seen on its way"
        assert "led" not in out and "mighty" not in out, set(out.split())
        if not users:
            def shared(config):
                may_trace(config)
                without(config, "pid")
            script = look.replace("/proc/[0-9]*", f"/proc/{os.getpid()}").replace("while [ ! -e /dev/shm/over ]", "for once in 1").replace("exec sleep 100", "true")
            expect(runtime.run(script, shared).stdout, "led", "mighty")  # the control
    finally:
        runtime.users = users
        shutil.rmtree(outside)


# Files of the container's own where the kernel's are.
COVER = """mount -t tmpfs none /proc && mkdir -p /proc/self/attr/apparmor /proc/self/fd /proc/sys/kernel && cd /proc/self &&
for f in oom_score_adj attr/exec attr/apparmor/exec; do echo whole >$f; done; echo covered; cd /; exec sleep 100"""


@attack("procfs of the container's own (CVE-2019-16884, CVE-2025-52881)", "files of its own lie where the kernel's are that exec writes to",
        "all that is written goes through the host's procfs, before the container is entered", "who writes to them inside changes the files")
def test_session_believes_no_procfs(runtime):
    """exec writes to nothing that a container has laid over its procfs (CVE-2019-16884)."""
    name, folder = runtime.create(COVER, lambda c: c["process"].update(oomScoreAdj=321))
    runtime.call("start", name)
    said(folder, "covered")
    pid_file = folder + "/session"
    runtime.call("exec", "--detach", "--pid-file", pid_file, name, "sleep", "77", output=None)
    pid = open(pid_file).read()
    assert open(f"/proc/{pid}/oom_score_adj").read().strip() == "321"
    files = "cd /proc/self && cat oom_score_adj attr/exec attr/apparmor/exec"
    assert runtime.call("exec", name, "sh", "-c", files).stdout.split() == ["whole"] * 3
    assert runtime.call("exec", name, "sh", "-c", "echo 5 >/proc/self/oom_score_adj; cat /proc/self/oom_score_adj").stdout == "5\n"  # the control


def test_sysctl_is_not_led_astray(runtime):
    """linux.sysctl: what somebody has laid over /proc/sys in a mount namespace that is joined is not written to (CVE-2025-52881)."""
    victim = runtime.folder + "/victim"
    open(victim, "w").write("whole")
    lay = f"mount --bind {victim} /proc/sys/net/ipv4/ip_forward && echo laid && read line && echo led >/proc/sys/net/ipv4/ip_forward"
    holder = subprocess.Popen(["unshare", "-mn", "--propagation", "private", "sh", "-c", lay], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout.readline() == "laid\n"
        def change(c):
            c["linux"]["namespaces"] = [n for n in c["linux"]["namespaces"] if n["type"] != "mount"] + [{"type": "mount", "path": f"/proc/{holder.pid}/ns/mnt"}]
            c["linux"]["sysctl"] = {"net.ipv4.ip_forward": "1"}
        out = runtime.run("cat /proc/sys/net/ipv4/ip_forward", change).stdout
        assert open(victim).read() == "whole" and out == "1\n", (open(victim).read(), out)
        holder.communicate("go\n", timeout=30)
        assert open(victim).read() == "led\n"  # the control
    finally:
        holder.kill()
        holder.wait()


@attack("hooks led by their container", "the container's root lists what a hook in its namespaces has open, and where it is",
        "descriptors are closed before the execve; it stands at the container's root and is the container's user", "the same program started with an open directory shows it")
def test_hooks_carry_nothing_in(runtime):
    """A hook in the container's namespaces has no descriptor, no directory and no user of the host's."""
    show = "cat >/dev/null; id -u; pwd; ls -d ..; ls /proc/self/fd | tr '\\n' ' '; readlink /proc/self/cwd"
    def change(config):
        config["hooks"] = {"startContainer": [{"path": "/bin/sh", "args": ["sh", "-c", f"({show}) >/dev/shm/hook 2>&1"], "env": ["PATH=/bin"]}]}
    script = f"exec 9</; cd /; exec {os.path.abspath(runtime.program)} --root {runtime.root} run --preserve-fds 0 --bundle {runtime.bundle('cat /dev/shm/hook', change)} {runtime.id()}"
    out = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=30)
    assert out.stdout.split() == ["0", "/", "..", "0", "1", "2", "3", "/"], (out.stdout, out.stderr)
    control = subprocess.run(["bash", "-c", 'exec 9</; cd /tmp; exec sh -c "$0"', show], stdin=subprocess.DEVNULL, capture_output=True, text=True).stdout.split()
    assert "9" in control and control[1] == "/tmp", control
