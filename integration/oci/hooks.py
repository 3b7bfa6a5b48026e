"""Hooks: when, where and as whom they run, and what becomes of them."""
import json
import os
import subprocess
import tempfile
import time

from bundle import add_mount, expect, until, with_users, without, words

HOOKS = "prestart createRuntime createContainer startContainer poststart poststop".split()


def hook_bundle(runtime, change=None, **replacements):
    """Each hook notes its name, the namespace it runs in and the state it was given."""
    log = tempfile.mkdtemp(dir=runtime.folder)
    os.chmod(log, 0o777)
    def both(c):
        c["mounts"].append({"destination": log, "source": log, "type": "bind", "options": ["bind"]})
        c["hooks"] = {}
        for name in HOOKS:
            place = "/bin/sh" if name == "startContainer" else runtime.rootfs + "/bin/sh"
            script = f"s=$(cat); echo {name} $(readlink /proc/self/ns/net) $TOKEN $s >>{log}/hooks"
            c["hooks"][name] = [{"path": place, "args": ["sh", "-c", script], "env": ["PATH=/bin:/usr/bin", "TOKEN=" + name[:3]]}]
        for name, hook in replacements.items():
            c["hooks"][name] = [hook]
        if change:
            change(c)
    return log, both


def test_hooks(runtime):
    """hooks: all six in order, each in its namespace, with its environment and the container's state."""
    log, change = hook_bundle(runtime)
    name, _ = runtime.create("echo program >>%s/hooks; sleep 60" % log, change)
    own = os.readlink("/proc/self/ns/net")
    pid = runtime.state(name)["pid"]
    inside = os.readlink(f"/proc/{pid}/ns/net")
    rows = lambda: [line.split(" ", 3) for line in open(log + "/hooks").read().strip().split("\n")]
    assert [(r[0], r[1]) for r in rows()] == [("prestart", own), ("createRuntime", own), ("createContainer", inside)], rows()
    first = json.loads(rows()[0][3])
    assert first["id"] == name and first["pid"] == pid and first["status"] == "created" and json.loads(rows()[1][3])["status"] == "creating" and rows()[0][2] == "pre", rows()[0]
    # by the number that the container knows it by
    assert json.loads(rows()[2][3])["pid"] == 1, rows()[2]
    runtime.call("start", name)
    until(lambda: len(rows()) == 6, "the program and the hook after its start have written")
    names = [r[0] for r in rows()]
    assert names[3] == "startContainer" and sorted(names[4:]) == ["poststart", "program"], names
    assert rows()[3][1] == inside and json.loads(rows()[3][3])["pid"] == 1, rows()[3]
    runtime.call("delete", "--force", name)
    assert rows()[-1][0] == "poststop" and json.loads(rows()[-1][3])["status"] == "stopped", rows()[-1]


def test_hook_failures(runtime):
    """hooks: one that fails before the program ends the container, with an error; one after it does not."""
    for kind in HOOKS[:4]:
        log, change = hook_bundle(runtime, **{kind: {"path": "/bin/false" if kind == "startContainer" else runtime.rootfs + "/bin/false", "args": ["false"]}})
        folder = runtime.bundle("touch %s/ran" % log, change)
        name = runtime.id()
        done = runtime.call("create", "--bundle", folder, name, check=False, close_fds=True) if kind != "startContainer" else None
        if kind == "startContainer":
            runtime.create("touch %s/ran" % log, change, name=name)
            done = runtime.call("start", name, check=False)
            runtime.wait(name)
            runtime.call("delete", name)
        assert done.returncode != 0, kind
        expect(done.stderr, kind, "false")
        assert not os.path.exists(log + "/ran"), kind
        assert runtime.call("state", name, check=False).returncode != 0, kind
        told = [line.split()[0] for line in open(log + "/hooks")]
        assert told == HOOKS[:HOOKS.index(kind)] + ["poststop"], (kind, told)
    log, change = hook_bundle(runtime, poststart={"path": runtime.rootfs + "/bin/false"}, poststop={"path": runtime.rootfs + "/bin/false"})
    done = runtime.run("touch %s/ran" % log, change)
    assert os.path.exists(log + "/ran")
    expect(done.stderr, "poststart", "poststop")


def held_hook(runtime, change=None):
    """A container whose startContainer hook waits, in its own process, for a file; its name, and the call that starts it."""
    log, both = hook_bundle(runtime, change)
    def waits(c):
        both(c)
        c["hooks"]["startContainer"][0]["args"][2] += f"; until [ -e {log}/go ]; do sleep 0.05; done"
    name, _ = runtime.create(f"touch {log}/ran; sleep 60", waits)
    call = subprocess.Popen(runtime.command("start", name), stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    until(lambda: "startContainer" in open(log + "/hooks").read(), "the hook runs")
    return name, log, call


def test_hook_killed(runtime):
    """hooks: a container that is killed while those of startContainer run has not started, and ends as any other."""
    for change in (None, lambda c: with_users(c, base=0), lambda c: without(c, "pid")):
        name, log, call = held_hook(runtime, change)
        runtime.call("kill", name, "KILL")
        said = call.communicate(timeout=60)[1]
        assert call.returncode != 0, said
        expect(said, "ended before it executed its program")
        runtime.wait(name)
        runtime.call("delete", name)
        told = [line.split()[0] for line in open(log + "/hooks")]
        assert told == HOOKS[:4] + ["poststop"] and not os.path.exists(log + "/ran"), told


def test_hook_outlives_its_start(runtime):
    """hooks: a start that is killed while those of startContainer run has started the container, whatever its filter lets pass."""
    killing = {"names": ["sendto", "sendmsg"], "action": "SCMP_ACT_KILL_PROCESS"}
    for rules in ([], [killing]):
        for is_killed in (True, False):
            name, log, call = held_hook(runtime, lambda c: c["linux"].update(seccomp={"defaultAction": "SCMP_ACT_ALLOW", "syscalls": rules}))
            if is_killed:
                call.kill()
                call.wait()
            open(log + "/go", "w").close()
            until(lambda: os.path.exists(log + "/ran"), "the program runs")
            assert call.wait(60) == (-9 if is_killed else 0), call.stderr.read()
            assert runtime.status(name) == "running"


def test_hook_timeout(runtime):
    """hooks: one that takes longer than its timeout is killed and is an error."""
    log, change = hook_bundle(runtime, prestart={"path": runtime.rootfs + "/bin/sleep", "args": ["sleep", "300"], "timeout": 1})
    begin = time.monotonic()
    done = runtime.run("true", change, check=False)
    assert done.returncode != 0 and time.monotonic() - begin < 60
    expect(done.stderr, "within 1 s")


def test_hook_surroundings(runtime):
    """hooks: without an environment of its own one has that of the caller, and inside the container's; outside it runs in the bundle."""
    log = tempfile.mkdtemp(dir=runtime.folder)
    os.chmod(log, 0o777)
    def change(c):
        add_mount(c, log, log, "bind", ["bind"])
        c["process"]["env"].append("WHOSE=container")
        hook = lambda shell, **more: [{"path": shell, "args": ["sh", "-c", f"echo $WHOSE $(pwd -P) >>{log}/said"], **more}]
        outside = runtime.rootfs + "/bin/sh"
        c["hooks"] = {"prestart": hook(outside), "createRuntime": hook(outside, env=["PATH=/bin"]), "startContainer": hook("/bin/sh"), "poststop": hook(outside)}
    folder = runtime.bundle("true", change)
    runtime.call("run", "--bundle", folder, runtime.id(), env=dict(os.environ, WHOSE="caller"))
    rows = open(log + "/said").read().splitlines()
    assert rows[0] == rows[3] == "caller " + folder and rows[1] == folder and rows[2].startswith("container /"), rows


def test_hook_ends_with_its_caller(runtime):
    """hooks: one that runs when its caller is killed ends as well, also in a user namespace and with the host's processes."""
    length = f"86397.{os.getpid()}"
    def beside_the_host(c):
        with_users(c)
        without(c, "pid")
        c["mounts"] = [m for m in c["mounts"] if m["type"] != "proc"]
    for alter in (lambda c: None, with_users, beside_the_host):
        for station in "createRuntime", "createContainer":
            hooks = {station: [{"path": "/bin/sleep", "args": ["sleep", length]}]}
            folder = runtime.bundle("true", lambda c: (alter(c), c.update(hooks=hooks)))
            words = runtime.command("create", "--bundle", folder, runtime.id())
            caller = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            until(lambda: running(f"sleep {length}"), "the hook")
            caller.kill()
            caller.wait()
            until(lambda: not running(f"sleep {length}"), "the hook's end")


def test_hooks_see_mounts(runtime):
    """hooks: createContainer runs in the bundle and finds at the root's path what is mounted in it, and the host uncovered around it."""
    log, source = tempfile.mkdtemp(dir=runtime.folder), tempfile.mkdtemp(dir=runtime.folder)
    os.chmod(log, 0o777)
    open(source + "/library", "w").write("bound ")
    looks = f"""{{ cat rootfs/mnt/vendor/library rootfs/etc/one; test -d rootfs/dev/shm/inner && echo inner
        test -d rootfs/proc/self && echo proc; test -c /dev/null && test -d /sys/kernel && echo host; }} >{log}/seen 2>&1"""
    def change(c):
        add_mount(c, "/mnt/vendor", source, "bind", ["rbind"])
        add_mount(c, "/etc/one", source + "/library", "bind", ["bind", "shared"])
        add_mount(c, "/dev/shm/inner", "tmpfs", "tmpfs", [])
        c["hooks"] = {"createContainer": [{"path": "/bin/sh", "args": ["sh", "-c", looks]}]}
    for users in (False, True):
        out = runtime.run("cat /mnt/vendor/library; grep -c ' /etc/one .* shared:' /proc/self/mountinfo; test -d /sys/kernel && echo sys",
                          lambda c: (change(c), with_users(c, base=0) if users else None))
        assert open(log + "/seen").read().split() == ["bound", "bound", "inner", "proc", "host"], open(log + "/seen").read()
        assert words(out) == ["bound", "1", "sys"], out.stdout


def running(program):
    return subprocess.run(["pgrep", "-f", f"^{program}$"], capture_output=True, text=True).stdout.split()


def test_hooks_leave_nothing_running(runtime):
    """hooks: what createContainer leaves running is ended before the container's program is, also in another container's pid namespace."""
    other, _ = runtime.create()
    def in_others_sight(c):
        without(c, "pid")
        c["linux"]["namespaces"].append({"type": "pid", "path": f"/proc/{runtime.state(other)['pid']}/ns/pid"})
    log = tempfile.mkdtemp(dir=runtime.folder) + "/left"
    os.chmod(os.path.dirname(log), 0o777)
    sleep = f"sleep 86398.{os.getpid()}"
    for change in (lambda c: None, with_users, in_others_sight):
        hook = {"path": "/bin/sh", "args": ["sh", "-c", f"setsid {sleep} >/dev/null 2>&1 & {sleep} >/dev/null 2>&1 & echo begun >{log}"]}
        runtime.create(change=lambda c: (change(c), c.update(hooks={"createContainer": [hook]})))
        assert open(log).read() == "begun\n" and not running(sleep), running(sleep)
        os.unlink(log)


def test_hooks_have_no_more_rights(runtime):
    """hooks: startContainer is a program of the container's, with the rights of its process and no more."""
    show = "grep -E '^(Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp:)' /proc/self/status; pwd; echo $MINE"
    def change(c):
        c["process"].update(user={"uid": 7, "gid": 8, "additionalGids": [9]}, noNewPrivileges=True, cwd="/tmp", env=["PATH=/bin", "MINE=its"])
        c["process"]["capabilities"] = {name: ["CAP_KILL"] for name in ("bounding", "effective", "permitted")}
        c["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["swapon"], "action": "SCMP_ACT_ERRNO"}]}
        c["hooks"] = {"startContainer": [{"path": "/bin/sh", "args": ["sh", "-c", f"({show}) >/dev/shm/hook 2>&1"]}]}
    script = f"({show}) >/dev/shm/own; cmp /dev/shm/hook /dev/shm/own && cat /dev/shm/hook"
    for users in (lambda c: None, with_users):
        name, folder = runtime.create(script, lambda c: (change(c), users(c)))
        runtime.call("start", name)
        runtime.wait(name)
        for out in open(folder + "/output").read(), runtime.run(script, lambda c: (change(c), users(c))).stdout:
            expect(out, "Uid:\t7\t7\t7\t7\nGid:\t8\t8\t8\t8\n", "9 ", "CapEff:\t0000000000000000\nCapBnd:\t0000000000000020\n", "NoNewPrivs:\t1\nSeccomp:\t2\n/tmp\nits\n")


def test_hooks_say_one_line(runtime):
    """hooks: what one says of its failure is told on one line, without characters that would move the reader's cursor."""
    for kind in HOOKS[:4]:
        hook = {"path": "/bin/sh", "args": ["sh", "-c", "printf 'it\\033[2J is\\r\\n\\342\\200\\256not\\a there\\n' >&2; exit 4"]}
        said = runtime.run("true", lambda c: c.update(hooks={kind: [hook]}), check=False).stderr
        assert said == f"swiftlet-oci: {kind} hook /bin/sh: it ended with 4: it[2J is; not there\n", (kind, said)


def test_stop_hooks_without_a_look(runtime):
    """hooks: those of poststop run after a failed creation whose process cannot be looked at any more."""
    place, log = tempfile.mkdtemp(dir=runtime.folder), runtime.folder + "/stopped"
    cover = f"pid=$(grep -o '\"pid\":[0-9]*' | cut -d: -f2); touch {place}/$pid; mount --bind {place} /proc; exit 1"  # where it is a file, and no directory
    def change(c):
        c["hooks"] = {"createRuntime": [{"path": "/bin/sh", "args": ["sh", "-c", cover]}],
                      "poststop": [{"path": "/bin/sh", "args": ["sh", "-c", f"ls /proc >{log}; umount /proc; cat >>{log}"]}]}
    name = runtime.id()
    words = ["unshare", "-m", *runtime.command("run", "--bundle", runtime.bundle("true", change), name)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    expect(done.stderr, "createRuntime")
    covered, told = open(log).read().splitlines()
    assert covered.isdigit() and json.loads(told)["status"] == "stopped" and json.loads(told)["id"] == name, told
    assert name not in os.listdir(runtime.root)
