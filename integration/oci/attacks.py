"""Ways out of a container that are known from other runtimes, tried from inside, with a user namespace and without. Each has a control: the same
trick where nothing stands against it."""
import errno
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time

from attack import attack, image, run_image
from bundle import Failure, add_mount, expect, hierarchy, until, without


# Holds a program's file open while it runs, lets it end, and writes to the file.
REWRITE = "exec 9</proc/%s/exe; kill -9 %s; for i in $(seq 500); do grep -q 'State:.[^Z]' /proc/%s/status || break; sleep 0.02; done 2>/dev/null; echo overwritten 2>&1 >>/proc/self/fd/9"


@attack('overwriting the runtime (CVE-2019-5736)', 'its file held open through /proc/PID/exe and written to once it has ended',
        'it runs from a read-only mount of its own file', "the same trick overwrites a program of the container's own")
def test_runtime_is_not_overwritten(runtime):
    """The runtime's own executable cannot be written to through /proc/PID/exe (CVE-2019-5736)."""
    tree = image(runtime, lambda t: os.mkfifo(t + "/fifo"))
    def change(config):
        config["root"]["path"] = tree
    name, _ = runtime.create(change=change)
    runtime.call("start", name)
    # a copy that nobody else runs: one that runs is protected by that
    program = shutil.copy(runtime.program, runtime.folder + "/runtime")
    if runtime.users:
        os.chmod(program, 0o777)  # so that it is not merely somebody else's
    before = open(program, "rb").read()
    # executed inside, the runtime waits where it opens its log
    subprocess.run([program, "--root", runtime.root, "exec", "--detach", name, "/proc/self/exe", "--log", "/fifo", "start", "nobody"],
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    inside = "for p in /proc/[0-9]*; do read -r c <$p/comm; case $(cat $p/cmdline | tr '\\0' ' ') in /proc/self/exe*) echo ${p#/proc/};; esac; done"
    pid = ""
    for _ in range(600):
        pid = runtime.call("exec", name, "sh", "-c", inside).stdout.split("\n")[0].strip()
        if pid:
            break
        time.sleep(0.05)
    assert pid, "the runtime does not run inside"
    out = runtime.call("exec", name, "sh", "-c", REWRITE % (pid, pid, pid), check=False)
    expect(out.stdout + out.stderr, "Read-only file system")
    assert open(program, "rb").read() == before
    # the control: a program of the container's own is overwritten by the same trick
    control = "mkdir /v; cp /bin/busybox /v/busybox; /v/busybox sleep 100 & sleep 1; p=$!; " + REWRITE.replace("%s", "$p") + "; tail -c 12 /v/busybox"
    expect(runtime.call("exec", name, "sh", "-c", control, check=False).stdout, "overwritten")


@attack('leaked descriptors and directories (CVE-2024-21626)', 'all descriptors listed; cwd through each number',
        'close_range; the directory is opened inside the root', 'a descriptor that is handed on is there')
def test_no_descriptor_leads_out(runtime):
    """No descriptor of the runtime's is open inside, and no working directory leads through one (CVE-2024-21626)."""
    out = runtime.run("for n in $(ls /proc/self/fd); do readlink /proc/self/fd/$n || true; done; ls /proc/self/fd | wc -l").stdout
    assert out.split()[-1] == "4", out  # the three streams and the directory that ls reads
    for number in range(3, 16):
        done = runtime.run("cat etc/hostname; pwd", lambda c: c["process"].update(cwd=f"/proc/self/fd/{number}"), check=False)
        assert done.returncode != 0, f"/proc/self/fd/{number}: {done.stdout}"
    # the control: a descriptor that is handed on is there
    script = f"exec 3</bin; exec {runtime.program} --root {runtime.root} run --preserve-fds 1 --bundle {runtime.bundle('ls /proc/self/fd/3/; true')} {runtime.id()}"
    expect(subprocess.run(["bash", "-c", script], capture_output=True, text=True).stdout, "busybox")


@attack('a program by a descriptor of the runtime', 'the program is a path through each number, of a container and of an exec, and behind an image\'s link',
        'all others are closed before the execve', 'a directory that is handed on leads to the host\'s program')
def test_no_program_by_a_descriptor(runtime):
    """The program that is executed is not found through a descriptor of the runtime's."""
    outside = tempfile.mkdtemp(prefix="oci-outside-")
    try:
        os.chmod(outside, 0o755)
        shutil.copy("/bin/busybox", outside + "/echo")  # static: needs nothing of the host's beside it
        def program(number):
            return f"/proc/self/fd/{number}" + "/.." * 16 + outside + "/echo"
        def leading(number):
            return lambda config: config["process"].update(args=[program(number), "escaped"])
        name, _ = runtime.create()
        runtime.call("start", name)
        for number in range(3, 24):
            done = runtime.run("", leading(number), check=False)
            assert done.returncode != 0 and "escaped" not in done.stdout, f"{program(number)} was executed"
            done = runtime.call("exec", name, program(number), "escaped", check=False)
            assert done.returncode != 0 and "escaped" not in done.stdout, f"exec: {program(number)} was executed"
        for number in range(3, 12):
            tree = image(runtime, lambda t: os.symlink(program(number), t + "/program"))
            done = run_image(runtime, tree, "exec /program escaped", lambda c: c["process"].update(args=["/program", "escaped"]))
            assert done.returncode != 0 and "escaped" not in done.stdout, f"a link to {program(number)} was executed"
        # the control
        bundle = runtime.bundle("", lambda config: config["process"].update(args=["/proc/self/fd/3/echo", "escaped"]))
        script = f"exec 3<{outside}; exec {runtime.program} --root {runtime.root} run --preserve-fds 1 --bundle {bundle} {runtime.id()}"
        expect(subprocess.run(["bash", "-c", script], capture_output=True, text=True).stdout, "escaped")
    finally:
        shutil.rmtree(outside)


@attack('the null device given away', 'root changes its standard input, which is a null device of the host, in the container and in a session',
        'it is opened through a mount of its own that is read-only, in a session the container\'s own is; without either, only a device that nobody inside owns is handed on',
        'the same device handed on as it is (--preserve-fds) is changed')
def test_null_device_is_not_changed(runtime):
    """A container's root cannot change the host's null device that is its standard input."""
    folder = tempfile.mkdtemp(prefix="oci-null-")  # bash opens with O_CREAT, which a directory for all, such as /tmp, does not let pass
    null = folder + "/null"
    os.chmod(folder, 0o755)
    os.mknod(null, 0o20666, os.makedev(1, 3))
    os.chmod(null, 0o666)
    if runtime.users:
        os.chown(null, 100000, 100000)
    before = (os.stat("/dev/null").st_mode, os.stat("/dev/null").st_mtime)
    script = "chmod 600 /proc/self/fd/%d; touch -d '2001-01-01 00:00' /proc/self/fd/%d; cat <&%d; echo to >/proc/self/fd/%d; echo done"
    def changed():
        return os.stat(null).st_mode & 0o777 == 0o600 and os.stat(null).st_mtime < 1e9
    def attempt(*words, number=0, before=""):
        done = subprocess.run(["bash", "-c", f'exec {number}<>{null}; {before or "exec"} "$@"', "bash", *runtime.command(*words)],
                              capture_output=True, text=True, timeout=60)
        return done.stdout + done.stderr
    try:
        bundle = runtime.bundle(script % (0, 0, 0, 0))
        expect(attempt("run", "--bundle", bundle, runtime.id()), "done")
        name, _ = runtime.create()
        runtime.call("start", name)
        expect(attempt("exec", name, "sh", "-c", script % (0, 0, 0, 0)), "done")
        # whose caller has something else at /dev/null
        false_null = f"exec unshare -m sh -c 'mount --bind {__file__} /dev/null && exec \"$@\"' sh"
        unguarded = "guarding the null device", "No such device"
        for _ in range(10):  # also where its ids are not mapped yet
            expect(attempt("run", "--bundle", bundle, runtime.id(), before=false_null), *unguarded)
        expect(attempt("exec", name, "sh", "-c", script % (0, 0, 0, 0), before=false_null), "done")
        if not runtime.users:  # where it is a mount
            runtime.call("exec", name, "rm", "/dev/null")
            expect(attempt("exec", name, "true", before=false_null), *unguarded)
        assert not changed() and (os.stat("/dev/null").st_mode, os.stat("/dev/null").st_mtime) == before
        expect(attempt("run", "--preserve-fds", "1", "--bundle", runtime.bundle(script % (3, 3, 3, 3)), runtime.id(), number=3), "done")
        assert changed()  # the control
    finally:
        shutil.rmtree(folder)


@attack("a read-only mount made writable again", "from a user namespace of its own, the mount that its standard input, a null device of the host, was opened through",
        "nobody holds the mount any more when the program runs", "of one that is held it can be")
def test_mount_stays_read_only(runtime):
    """A mount that our files are opened through stays read-only whatever namespaces a container makes."""
    source = os.path.join(os.path.dirname(__file__), "writable.c")
    tree = image(runtime, lambda t: subprocess.run(["clang", "-static", "-o", t + "/bin/writable", source], check=True))
    def change(config):
        config["root"]["path"] = tree
    def says(*words):
        return subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60).stdout
    bundle = runtime.bundle("writable", change)
    for _ in range(5):
        expect(says(*runtime.command("run", "--bundle", bundle, runtime.id())), "Invalid argument")
    expect(says(tree + "/bin/writable", "keep", tree + "/bin/writable"), "made")  # the control


@attack("the host's files, processes, disks", "paths, /proc/1/root, a disk's node",
        'pivot_root and a detached umount, namespaces, the device program', 'what is mounted is seen')
def test_host_is_out_of_sight(runtime):
    """The host's root, mounts, processes and devices cannot be reached, even with CAP_SYS_ADMIN."""
    marker = tempfile.mkdtemp(prefix="oci-host-")
    try:
        out = runtime.run(f"ls {marker} 2>&1; ls /../../..{marker} 2>&1; cat /proc/1/root{marker} 2>&1; ls -d /proc/[0-9]* | wc -l; "
                          "mknod /dev/disk b 254 0 2>&1 && dd if=/dev/disk bs=1 count=1 2>&1; grep -c . /proc/self/mountinfo", check=False).stdout
        assert out.count("No such file") == 3, out
        expect(out, "Operation not permitted")
        assert "1+0 records" not in out, out
        os.makedirs(runtime.rootfs + marker, exist_ok=True)
        done = runtime.run(f"ls -d {marker}", lambda c: add_mount(c, marker, marker, "bind", ["bind"]))  # the control
        expect(done.stdout, marker)
    finally:
        os.rmdir(marker)


@attack("inheritable capabilities (CVE-2022-27650)", "the sets of the first process and of exec sessions, of root and of another",
        "only what the configuration names is inheritable", "what it names is there")
def test_nothing_is_inheritable(runtime):
    """No capability is inheritable or ambient unless the configuration says so (CVE-2022-27650)."""
    look = "grep -E 'CapInh|CapAmb' /proc/self/status"
    none = ["0000000000000000"] * 2
    def sets(out):
        return out.split()[1::2]
    name, _ = runtime.create(f"{look} >/dev/shm/first; sleep 60")
    runtime.call("start", name)
    first = "until grep -q CapAmb /dev/shm/first; do sleep 0.1; done; cat /dev/shm/first"
    for words in (["sh", "-c", look], ["sh", "-c", first]):
        assert sets(runtime.call("exec", name, *words).stdout) == none, words
    assert sets(runtime.call("exec", "--user", "7:7", name, "sh", "-c", look).stdout) == none
    def change(config):
        config["process"]["capabilities"].update(inheritable=["CAP_KILL"], ambient=["CAP_KILL"])
    assert sets(runtime.run(look, change).stdout) == ["0000000000000020"] * 2  # the control


@attack("ids that wrap around to root (CVE-2024-40635)", "ids at and beyond 2^31 and 2^32, in the configuration and by exec",
        "such a number is refused where it is read", "the largest that is allowed is the process's own")
def test_ids_do_not_wrap(runtime):
    """A user id beyond what a process can have does not become another (CVE-2024-40635)."""
    name, _ = runtime.create()
    runtime.call("start", name)
    for uid in (1 << 31, (1 << 32) - 1, 1 << 32, (1 << 32) + 1, 1 << 64, -1):
        done = runtime.run("id -u", lambda c: c["process"]["user"].update(uid=uid), check=False)
        assert done.returncode != 0 and done.stdout == "", (uid, done.stdout)
        done = runtime.call("exec", "--user", str(uid), name, "id", "-u", check=False)
        assert done.returncode != 0 and done.stdout == "", (uid, done.stdout)
    most = 65535 if runtime.users else (1 << 31) - 1
    assert runtime.run("id -u", lambda c: c["process"]["user"].update(uid=most)).stdout.split() == [str(most)]


@attack("control sockets within reach (CVE-2020-15257)", "abstract sockets listed from a container in the caller's network namespace, while another waits at its gate",
        "the gate is a file in a directory that only the caller may enter", "an abstract socket of the test's own is listed")
def test_no_abstract_sockets(runtime):
    """No socket of the runtime's can be reached through the network namespace (CVE-2020-15257)."""
    runtime.create()  # waits at its gate
    own = socket.socket(socket.AF_UNIX)
    own.bind("\0oci-check-abstract")
    try:
        out = runtime.run("cat /proc/net/unix", lambda c: (without(c, "network"), c.update(mounts=[m for m in c["mounts"] if "/sys" not in m["destination"]]))).stdout
        expect(out, "@oci-check-abstract")
        assert not [line for line in out.splitlines() if "@" in line and ("swiftlet" in line or "start" in line or runtime.root in line)], out
        assert os.stat(runtime.root).st_mode & 0o077 == 0
    finally:
        own.close()


@attack("groups nested without end", "groups beyond what a path can name, with a process in the deepest; listed, paused, killed, deleted",
        "each is found in the one above, by descriptors", "by its path the deepest is not found")
def test_nested_groups_go(runtime):
    """Groups that a container has nested deeper than a path can name go with it, and so does who is in them."""
    def change(config):
        config["mounts"][-1]["options"].remove("ro")
    name, _ = runtime.create("until [ -e /dev/shm/go ]; do sleep 0.05; done; cd /sys/fs/cgroup; n=$(head -c 200 /dev/zero | tr '\\0' n); for i in $(seq 40); do "
                             "mkdir $n && cd -P $n || exit 1; done; sleep 100 & echo $! >cgroup.procs && touch /dev/shm/nested; exec sleep 100", change)
    runtime.call("start", name)
    group = f"{hierarchy()}/swiftlet-oci-{name}"
    if runtime.users:  # as who lets a user have groups does
        for path in ("", "/cgroup.procs"):
            os.chown(group + path, 100000, 100000)
    runtime.call("exec", name, "touch", "/dev/shm/go")
    until(lambda: runtime.call("exec", name, "ls", "/dev/shm").stdout.split() == ["go", "nested"], "the groups are made")
    try:
        os.stat(group + ("/" + "n" * 200) * 40)  # the control
        raise Failure("the deepest group has a path")
    except OSError as error:
        assert error.errno == errno.ENAMETOOLONG, error
    assert len(json.loads(runtime.call("ps", "--format", "json", name).stdout)) == 2
    runtime.call("pause", name)
    assert runtime.status(name) == "paused"
    runtime.call("resume", name)
    runtime.call("delete", "--force", name)
    assert runtime.left_over(name) == [], runtime.left_over(name)


@attack("another user's state", "a user lays a container with a hook where a second one's containers are to be, who has no XDG_RUNTIME_DIR, and who deletes it",
        "a directory in /tmp is believed only where it is the caller's own", "who is told to take that directory (--root) runs the hook")
def test_state_of_another_is_not_believed(runtime):
    """A user's call believes nothing that another has laid where its containers are by default."""
    if runtime.users:
        return "it is between callers"
    victim, foe = 61234, 61235
    place, marker = f"/tmp/run-{victim}", runtime.folder + "/led"
    open(marker, "w").close()
    os.chown(marker, victim, victim)
    hook = {"path": "/bin/sh", "args": ["sh", "-c", f"id -u >{marker}"]}
    name, _ = runtime.create(change=lambda c: c.update(hooks={"poststop": [hook]}))
    def call(*words):
        drop = ["setpriv", f"--reuid={victim}", f"--regid={victim}", "--clear-groups", "env", "-u", "XDG_RUNTIME_DIR"]
        return subprocess.run([*drop, runtime.program, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    try:
        os.mkdir(place, 0o755)
        shutil.copytree(f"{runtime.root}/{name}", f"{place}/swiftlet-oci/evil", ignore=lambda path, names: [n for n in names if not n.endswith(".json")])
        subprocess.run(["sed", "-i", f"s/{name}/evil/g", f"{place}/swiftlet-oci/evil/state.json"], check=True)
        runtime.call("delete", "--force", name)
        open(marker, "w").close()
        subprocess.run(["chown", "-R", f"{foe}:{foe}", place], check=True)
        subprocess.run(["chmod", "-R", "a+rwX", place], check=True)
        done = call("delete", "--force", "evil")
        assert done.returncode != 0 and open(marker).read() == "", (done, open(marker).read())
        expect(done.stderr, place, "XDG_RUNTIME_DIR")
        call("--root", place + "/swiftlet-oci", "delete", "--force", "evil")
        assert open(marker).read() == f"{victim}\n"  # the control
    finally:
        shutil.rmtree(place, ignore_errors=True)
