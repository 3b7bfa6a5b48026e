"""The operations, and the descriptors and files that they are given."""
import json
import os
import signal
import subprocess
import tempfile
import time

from bundle import expect, hierarchy, said, until, with_users, without


def test_lifecycle(runtime):
    """create, start, state, kill, delete: each state in turn."""
    name, folder = runtime.create("echo begun; exec sleep 60")
    now = runtime.state(name)
    assert now["status"] == "created" and now["id"] == name and now["bundle"] == folder and now["pid"] > 0, now
    assert open(folder + "/output").read() == ""
    runtime.call("start", name)
    assert runtime.state(name)["status"] == "running"
    assert said(folder, "begun\n") == "begun\n"
    runtime.call("kill", name, "KILL")
    runtime.wait(name)
    runtime.call("delete", name)
    assert runtime.call("state", name, check=False).returncode != 0


def test_seen_while_it_does_not_run(runtime):
    """A created container that gets no time is still created, however often one looks, and starts."""
    name, _ = runtime.create()
    pid = runtime.state(name)["pid"]
    os.kill(pid, signal.SIGSTOP)
    assert {runtime.status(name) for _ in range(20)} == {"created"}
    os.kill(pid, signal.SIGCONT)
    runtime.call("start", name)
    runtime.wait(name, "running")


def test_groups_of_others(runtime):
    """linux.cgroupsPath: neither the root of all groups nor one with processes is taken, and who is in it lives on."""
    name, _ = runtime.create(change=lambda c: c["linux"].update(cgroupsPath="/oci-check-taken-%d" % os.getpid()))
    for path, words in (("/", "root of all groups"), ("/oci-check-taken-%d" % os.getpid(), "has processes already")):
        folder = runtime.bundle("true", lambda c: c["linux"].update(cgroupsPath=path))
        done = runtime.call("create", "--bundle", folder, runtime.id(), check=False, output=subprocess.PIPE)
        assert done.returncode != 0, path
        expect(done.stderr, "linux.cgroupsPath", words)
    assert runtime.status(name) == "created"


def test_start_is_done_once(runtime):
    """Of two that start a container at the same time one does, and the other leaves it alone."""
    for _ in range(8):
        name, folder = runtime.create("echo begun; exec sleep 60")
        calls = [runtime.begin("start", name) for _ in range(2)]
        assert sorted(call.wait(timeout=120) == 0 for call in calls) == [False, True]
        until(lambda: os.path.getsize(folder + "/output"), "the program has written")
        assert open(folder + "/output").read() == "begun\n" and runtime.state(name)["status"] == "running"
        runtime.call("delete", "--force", name)


def test_start_of_what_is_paused(runtime):
    """A created container that is paused is not started, also not when it goes on."""
    name, folder = runtime.create("echo begun; exec sleep 60")
    runtime.call("pause", name)
    assert runtime.call("start", name, check=False).returncode != 0
    runtime.call("resume", name)
    assert runtime.state(name)["status"] == "created"
    assert open(folder + "/output").read() == ""
    runtime.call("start", name)
    runtime.wait(name, "running")


def test_program_missing(runtime):
    """create tells why a program cannot be executed, by PATH or by path, and leaves nothing; what only shows at execve, start."""
    for program, message in (("/bin/nothing", "No such file"), ("nothing", "No such file"), ("/etc", "Permission denied")):
        folder, name = runtime.bundle(change=lambda c: c["process"].update(args=[program])), runtime.id()
        done = runtime.call("create", "--bundle", folder, name, check=False)
        assert done.returncode != 0, program
        expect(done.stderr, "executing the program", program, message)
        assert runtime.call("state", name, check=False).returncode != 0, program
    folder = runtime.bundle()
    with open(folder + "/program", "w") as file:
        file.write("#!/bin/nothing\n")
    os.chmod(folder + "/program", 0o755)
    mount = {"destination": "/interpreted", "type": "bind", "source": folder + "/program", "options": ["bind"]}
    def change(c):
        c["mounts"].append(mount)
        c["process"].update(args=["/interpreted"])
    name, _ = runtime.create(change=change)
    done = runtime.call("start", name, check=False)
    assert done.returncode != 0
    expect(done.stderr, "executing the program", "No such file")
    runtime.wait(name)


def test_process_unset(runtime):
    """A bundle without a process can be created; start is an error."""
    name, _ = runtime.create(change=lambda c: c.pop("process"))
    done = runtime.call("start", name, check=False)
    assert done.returncode != 0
    expect(done.stderr, "process: it is not set")
    runtime.wait(name)


def test_errors_of_operations(runtime):
    """Operations that a state does not allow are errors: no id, an id taken, unknown ids, start twice, delete of what runs."""
    name, folder = runtime.create()
    for words in (["create", "--bundle", folder], ["create", "--bundle", folder, name], ["start"], ["start", "nobody"], ["kill"],
                  ["kill", "nobody", "TERM"], ["delete"], ["delete", "nobody"], ["delete", name], ["state"], ["state", "nobody"]):
        assert runtime.call(*words, check=False).returncode != 0, words
    runtime.call("start", name)
    for words in (["start", name], ["delete", name]):
        assert runtime.call(*words, check=False).returncode != 0, words
    runtime.call("kill", name, "KILL")
    runtime.wait(name)
    for words in (["start", name], ["kill", name, "TERM"]):
        assert runtime.call(*words, check=False).returncode != 0, words
    runtime.call("delete", name)


def test_configuration_is_kept(runtime):
    """A change of config.json after create is without effect."""
    name, folder = runtime.create("sleep 60", lambda c: c["process"].update(env=["PATH=/bin", "WHO=first"]))
    path = folder + "/config.json"
    config = json.load(open(path))
    config["process"].update(env=["PATH=/bin", "WHO=second"], args=["/bin/false"])
    json.dump(config, open(path, "w"))
    runtime.call("start", name)
    assert runtime.state(name)["status"] == "running"
    assert runtime.call("exec", name, "sh", "-c", "echo $WHO").stdout.strip() == "first"


def test_kill_signals(runtime):
    """kill: by name, number, with and without SIG."""
    for word in ("TERM", "SIGTERM", "15", "term"):
        name, folder = runtime.create("trap 'echo caught; exit 3' TERM; echo ready; while :; do sleep 0.05; done")
        runtime.call("start", name)
        said(folder, "ready")
        runtime.call("kill", name, word)
        runtime.wait(name)
        expect(open(folder + "/output").read(), "caught")


def test_kill_all(runtime):
    """Without a pid namespace of its own the whole group is killed."""
    name, _ = runtime.create("sleep 61 & sleep 62", lambda c: without(c, "pid"))
    runtime.call("start", name)
    processes = lambda: json.loads(runtime.call("ps", "--format", "json", name).stdout)
    until(lambda: len(processes()) >= 2, "both sleep")
    runtime.call("kill", "--all", name, "KILL")
    runtime.wait(name)
    until(lambda: processes() == [], "all of the group are gone")


def test_list_and_ps(runtime):
    """list and ps, as table, JSON and ids."""
    name, _ = runtime.create()
    runtime.call("start", name)
    rows = {row["id"]: row for row in json.loads(runtime.call("list", "--format", "json").stdout)}
    assert rows[name]["status"] == "running"
    expect(runtime.call("list").stdout, name, "running")
    assert name in runtime.call("list", "-q").stdout.split()
    pid = runtime.state(name)["pid"]
    assert json.loads(runtime.call("ps", "--format", "json", name).stdout) == [pid]
    expect(runtime.call("ps", name).stdout, str(pid), "sleep 60")


def test_pause(runtime):
    """pause stops every process, resume lets them go on; exec waits for neither."""
    name, folder = runtime.create("while :; do echo x; sleep 0.02; done")
    runtime.call("start", name)
    runtime.call("pause", name)
    assert runtime.state(name)["status"] == "paused"
    size = os.path.getsize(folder + "/output")
    time.sleep(0.2)  # in which it would write ten lines
    assert os.path.getsize(folder + "/output") == size
    assert runtime.call("exec", name, "true", check=False).returncode != 0
    assert runtime.call("pause", name, check=False).returncode != 0
    runtime.call("resume", name)
    assert runtime.state(name)["status"] == "running"
    until(lambda: os.path.getsize(folder + "/output") > size, "it writes again")


def test_pid_file(runtime):
    """--pid-file."""
    file = runtime.folder + "/pid"
    name, _ = runtime.create(options=["--pid-file", file])
    assert int(open(file).read()) == runtime.state(name)["pid"]
    refused = runtime.call("create", "--pid-file", "/nowhere/pid", "--bundle", runtime.bundle("true"), runtime.id(), check=False)
    assert refused.returncode != 0 and "/nowhere/pid:" in refused.stderr, refused


def test_preserved_descriptors(runtime):
    """--preserve-fds hands on so many descriptors, and no others are left open."""
    folder = runtime.bundle("ls /proc/self/fd; cat <&3; cat <&4")
    files = []
    for text in ("three", "four"):
        path = tempfile.mkstemp(dir=runtime.folder)[1]
        open(path, "w").write(text)
        files.append(open(path))
    # the shell that calls opens nothing beyond 4
    script = f"exec 3<{files[0].name} 4<{files[1].name} 5</dev/null; exec {runtime.program} --root {runtime.root} run --preserve-fds 2 --bundle {folder} {runtime.id()}"
    out = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=120).stdout
    expect(out, "three", "four")
    assert "\n5\n" not in out.replace("5\nthree", "three", 1), out
    for verb, words in (("run", ["--bundle", folder, runtime.id()]), ("create", ["--bundle", folder, runtime.id()])):
        # what the runtime opens for itself is none of them
        refused = runtime.call(verb, "--preserve-fds", "1", *words, check=False)
        assert refused.returncode != 0 and "descriptor 3 is not open" in refused.stderr, refused


def test_events(runtime):
    """events --stats."""
    name, _ = runtime.create()
    runtime.call("start", name)
    event = json.loads(runtime.call("events", "--stats", name).stdout)
    assert event["type"] == "stats" and event["id"] == name and event["data"]["cpu"]["usage"]["total"] >= 0, event


def test_features_and_spec(runtime):
    """features, and a sample of spec that runs."""
    features = json.loads(runtime.call("features").stdout)
    assert features["ociVersionMax"].startswith("1.") and "time" in features["linux"]["namespaces"]
    folder = tempfile.mkdtemp(dir=runtime.folder)
    os.symlink(runtime.rootfs, folder + "/rootfs")
    runtime.call("spec", "--bundle", folder)
    config = json.load(open(folder + "/config.json"))
    config["process"].update(terminal=False, args=["/bin/echo", "sample"])
    json.dump(config, open(folder + "/config.json", "w"))
    assert runtime.call("run", "--bundle", folder, runtime.id()).stdout == "sample\n"


def test_log_file(runtime):
    """--log and --log-format json: the last line says why."""
    path = runtime.folder + "/log.json"
    done = runtime.call("--log", path, "--log-format", "json", "start", "nobody", check=False)
    assert done.returncode != 0
    entry = json.loads(open(path).read().strip().split("\n")[-1])
    assert entry["level"] == "error" and "nobody" in entry["msg"] and entry["time"], entry


def test_nothing_leaks(runtime):
    """After a container nothing is left: no mount, no cgroup, no state."""
    # without what others who test on this machine bind their network namespaces to
    mounts = lambda: [line for line in open("/proc/self/mountinfo") if "/run/netns" not in line]
    before = mounts()
    names = set(os.listdir(runtime.root))
    made = len(runtime.made)
    for _ in range(20):
        runtime.run("true")
    assert mounts() == before
    assert set(os.listdir(runtime.root)) == names
    groups = os.listdir(hierarchy())
    assert not [group for group in groups for name in runtime.made[made:] if name in group], groups


class Overlay:
    """A root that is mounted within a `with`, of directories that the kernel gives to nobody else before all that was mounted of it is gone."""

    def __init__(self, runtime):
        folder = tempfile.mkdtemp(dir=runtime.folder)
        self.upper, work, self.root = (folder + "/" + name for name in ("upper", "work", "root"))
        for place in (self.upper, work, self.root):
            os.mkdir(place)
        self.options = f"lowerdir={runtime.rootfs},upperdir={self.upper},workdir={work},index=on"

    def __enter__(self):
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", self.options, self.root], check=True)

    def __exit__(self, *_):
        subprocess.run(["umount", self.root], check=True)


def test_run_takes_its_mounts_along(runtime):
    """run: when it is back nothing is mounted for it any more."""
    overlay = Overlay(runtime)
    for _ in range(20):
        with overlay:
            runtime.call("run", "--bundle", runtime.bundle("touch /written", rootfs=overlay.root), runtime.id())
    assert os.path.exists(overlay.upper + "/written")


def in_a_chroot(runtime, script):
    """The output of a container that is run from within a chroot, with nothing around that is shared; `AROUND` in the script is a path outside of it."""
    place = tempfile.mkdtemp(dir=runtime.folder)
    folder = runtime.bundle(script.replace("AROUND", place))
    steps = f"""mount --make-rprivate / && mount -t tmpfs tmpfs {place} && cd {place} && mkdir dev proc && mount --rbind /dev dev && mount --rbind /proc proc &&
        cp -a {runtime.rootfs} rootfs && cp {folder}/config.json . && cp {runtime.program} runtime &&
        exec chroot . /runtime --root /state --cgroup-manager disabled run --bundle / {runtime.id()}"""
    return subprocess.run(["unshare", "--mount", "sh", "-c", steps], capture_output=True, text=True)


def test_chroot(runtime):
    """run within a chroot: the container has its root, and what is around the chroot is out of its sight."""
    done = in_a_chroot(runtime, "test -e AROUND && echo around; test -e /runtime && echo within; test -x /bin/busybox && echo own")
    assert done.stdout == "own\n", done


def test_without_the_right_to_change_roots(runtime):
    """run by who has every right but CAP_SYS_CHROOT."""
    words = runtime.command("run", "--bundle", runtime.bundle("echo done"), runtime.id())
    done = subprocess.run(["setpriv", "--bounding-set", "-sys_chroot", *words], capture_output=True, text=True)
    assert done.stdout == "done\n", done


def test_ended_with_its_mounts(runtime):
    """A container that a run waits for has ended for others only when nothing is mounted for it any more."""
    overlay = Overlay(runtime)
    name, folder = runtime.id(), runtime.bundle("sleep 60", rootfs=overlay.root)
    with overlay:
        run = subprocess.Popen(runtime.command("run", "--bundle", folder, name))
        try:
            until(lambda: '"running"' in runtime.call("state", name, check=False).stdout, "it runs")
            run.send_signal(signal.SIGSTOP)
        finally:
            runtime.call("delete", "--force", name)
    try:
        with overlay:
            pass
    finally:
        run.send_signal(signal.SIGCONT)
        run.wait(60)


def test_rootless(runtime):
    """An unprivileged user's container, in a user namespace of its own, and an exec session in it."""
    if open("/proc/sys/user/max_user_namespaces").read().strip() == "0":
        return "this kernel makes no user namespaces for users"
    change = lambda c: (
        with_users(c, base=65534, size=1), c["linux"].pop("resources"),
        c["mounts"][2]["options"].remove("gid=5"), c.update(mounts=[m for m in c["mounts"] if m["type"] != "cgroup"]))
    root = tempfile.mkdtemp(dir=runtime.folder)
    os.chown(root, 65534, 65534)
    def call(*words, output=subprocess.PIPE):
        program = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", runtime.program, "--root", root + "/state"]
        return subprocess.run([*program, *words], stdin=subprocess.DEVNULL, stdout=output, stderr=output, text=True, timeout=120)
    done = call("run", "--bundle", runtime.bundle("id -u; hostname inside; hostname; echo x >/dev/null && echo null", change), "rootless")
    assert done.stdout.split() == ["0", "inside", "null"], (done.stdout, done.stderr)
    try:
        done = call("run", "--detach", "--bundle", runtime.bundle("while :; do sleep 60; done", change), "rootless", output=subprocess.DEVNULL)
        assert done.returncode == 0, done
        done = call("exec", "rootless", "sh", "-c", "id -u; cat /proc/1/comm")
        assert done.returncode == 0 and done.stdout.split() == ["0", "sh"], (done.returncode, done.stdout, done.stderr)
    finally:
        done = call("delete", "--force", "rootless")
    assert done.returncode == 0, done.stderr
