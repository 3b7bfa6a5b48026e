"""The runtime killed at every one of its system calls, by strace: what it did not get to do must be made good by the next call.

OCI_KILLS=1 kills at every call; the default is every third, and OCI_SEED moves where it begins, but no kind of call is left out: each verb's
line says which were met and how often, and one that was never met fails the check."""
import json
import os
import re
import subprocess
import time

from bundle import QUIET, expect, hierarchy, until

# Calls that a waiting takes as it happens: met where they are, but not to be counted on.
WAITS = {"clock_nanosleep", "futex", "poll", "ppoll", "restart_syscall"}
STRIDE, SEED = int(os.environ.get("OCI_KILLS", "3")), int(os.environ.get("OCI_SEED", "1"))


def traced(runtime, options, words):
    return subprocess.run(["strace", "-qq", *options, *runtime.command(*words)], timeout=120, **QUIET)


def steps(runtime, words):
    """The system calls of a call that is left alone: name, and the how many-th of its kind."""
    path = runtime.folder + "/trace"
    traced(runtime, ["-o", path], words)
    seen, found = {}, []
    for line in open(path):
        name = re.match(r"(\w+)\(", line)
        if name and name[1] not in ("exit_group", "execve"):
            seen[name[1]] = seen.get(name[1], 0) + 1
            found.append((name[1], seen[name[1]]))
    return found


def kills(runtime, verb, prepare, words, settle):
    """Kills `verb` at each step of a container's own that `prepare` makes ready; `settle` tries again and looks."""
    name = prepare()
    plan = steps(runtime, words(name))
    settle(name)
    runtime.call("delete", "--force", name)
    assert len(plan) > 10, plan
    met = {call: 0 for call, _ in plan}
    def kill(call, turn):
        name = prepare()
        done = traced(runtime, ["-o", "/dev/null", "-e", f"inject={call}:signal=SIGKILL:when={turn}"], words(name))
        met[call] += done.returncode == -9
        try:
            settle(name)
            runtime.call("delete", "--force", name)
            assert runtime.left_over(name) == [], runtime.left_over(name)
        except Exception as error:
            raise AssertionError(f"{verb} killed before {call} number {turn}: {error}") from error
    chosen = [step for number, step in enumerate(plan) if number % STRIDE == SEED % STRIDE]
    for call, turn in chosen:
        kill(call, turn)
    hits = sum(met.values())
    for call in [call for call in met if not met[call]] * 3:
        if not met[call]:
            kill(call, 1)
    counts = {call: f"{call} {met[call]}/{sum(step[0] == call for step in plan)}" for call in met}
    print(f"      {verb} killed at {sum(met.values())} of {len(plan)} system calls: {', '.join(counts.values())}")
    assert hits > len(chosen) * 3 // 4, f"{hits} of {len(chosen)} steps of {verb} were hit"
    never = [call for call in met if not met[call] and call not in WAITS]
    assert not never, f"{verb} was never killed at {', '.join(never)}"


def test_create_killed(runtime):
    """create killed at its steps: what was left is taken away by the next create, or there is a container to be deleted."""
    folder = runtime.bundle("sleep 60")
    def settle(name):
        again = runtime.call("create", "--bundle", folder, name, check=False, output=None)
        if again.returncode != 0:
            assert runtime.status(name) in ("created", "stopped"), runtime.status(name)
            runtime.call("delete", "--force", name)
            assert runtime.left_over(name) == [], runtime.left_over(name)
            runtime.call("create", "--bundle", folder, name, output=None)
        assert runtime.status(name) == "created"
    words = ["create", "--pid-file", runtime.folder + "/pid-file", "--bundle", folder]
    kills(runtime, "create", runtime.id, lambda name: [*words, name], settle)


def test_create_without_mounts_of_its_own_killed(runtime):
    """create killed where the container's tree lies in the caller's mount namespace: the tree goes too."""
    def change(config):
        config["linux"]["namespaces"] = [n for n in config["linux"]["namespaces"] if n["type"] != "mount"]
        config["mounts"] = config["mounts"][:1]
    folder = runtime.bundle("sleep 60", change)
    def settle(name):
        runtime.call("delete", "--force", name)
        until(lambda: runtime.left_over(name) == [], "a child that lost its parent ends by itself")
    kills(runtime, "create", runtime.id, lambda name: ["create", "--bundle", folder, name], settle)


def test_start_killed(runtime):
    """start killed at its steps: the container runs, or start is called again and it runs."""
    def settle(name):
        if runtime.status(name) == "created":
            runtime.call("start", name, check=False)  # the word that the killed call has given may be on its way
        runtime.wait(name, "running")
        assert runtime.call("start", name, check=False).returncode != 0
        expect(runtime.call("exec", name, "echo", "inside").stdout, "inside")
    kills(runtime, "start", lambda: runtime.create()[0], lambda name: ["start", name], settle)


def test_exec_killed(runtime):
    """exec killed at its steps: the container is as it was, and exec works."""
    def prepare():
        name, _ = runtime.create()
        runtime.call("start", name)
        return name
    def settle(name):
        expect(runtime.call("exec", name, "echo", "inside").stdout, "inside")
        assert runtime.status(name) == "running"
        processes = lambda: json.loads(runtime.call("ps", "--format", "json", name).stdout)
        until(lambda: len(processes()) == 1, "nothing of the session is left")
    kills(runtime, "exec", prepare, lambda name: ["exec", name, "true"], settle)


def test_delete_killed(runtime):
    """delete killed at its steps: it is called again, or nothing is left; its poststop hooks have run."""
    log = runtime.folder + "/hooks"
    hook = {"path": "/bin/sh", "args": ["sh", "-c", "grep -o '\"id\":\"[^\"]*\"' >>" + log]}
    def prepare():
        name, _ = runtime.create("true", lambda c: c.update(hooks={"poststop": [hook]}))
        runtime.call("start", name)
        runtime.wait(name)
        return name
    def settle(name):
        if os.path.exists(f"{runtime.root}/{name}"):
            runtime.call("delete", name)
        assert runtime.left_over(name) == [], runtime.left_over(name)
        assert runtime.call("state", name, check=False).returncode != 0
        until(lambda: name in open(log).read(), "the hooks after its end have run")
    kills(runtime, "delete", prepare, lambda name: ["delete", name], settle)


def test_words_and_waits_refused(runtime):
    """exec and run of which the kernel refuses a word or a wait: an error says which, and neither session nor container is left behind."""
    name, _ = runtime.create("sleep 1000")
    runtime.call("start", name)
    brief, other = runtime.bundle("true"), runtime.id()
    cases = [(["exec", name, "true"], "sendto", 1, "creating the process"), (["exec", name, "true"], "waitid", 1, "collect"),
             (["run", "--bundle", brief, other], "waitid", 1, "collect")]
    for words, call, turn, said in cases:
        done = subprocess.run(["strace", "-qq", "-o", "/dev/null", "-e", f"inject={call}:error=ENOMEM:when={turn}", runtime.program,
                               "--root", runtime.root, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
        assert done.returncode not in (0, -9), done
        expect(done.stderr, said, "Cannot allocate memory")
        until(lambda: len(json.loads(runtime.call("ps", "--format", "json", name).stdout)) == 1, "nothing of the session is left")
    assert runtime.left_over(other) == [], runtime.left_over(other)


def test_session_not_made(runtime):
    """exec whose process the kernel refuses, or kills on its way: what has happened is told, and what helps."""
    name, _ = runtime.create("sleep 1000")
    runtime.call("start", name)
    cases = [("clone3:error=EAGAIN:when=1", ["creating the process", "pids.max", "RLIMIT_NPROC"]),
             ("setns:signal=KILL:when=1", ["creating the process", "killed", "oom_kill", "memory.max"]),
             ("setsid:signal=KILL:when=1", ["before its program", "oom_kill", "memory.max"])]
    for harm, said in cases:
        done = subprocess.run(["strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=" + harm, *runtime.command("exec", name, "true")],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
        assert done.returncode not in (0, -9), done
        expect(done.stderr, *said)
        until(lambda: len(json.loads(runtime.call("ps", "--format", "json", name).stdout)) == 1, "nothing of the session is left")
    assert runtime.call("exec", name, "echo", "here").stdout == "here\n"


def test_looks_refused(runtime):
    """Without descriptors or memory to look, nothing that runs is taken for ended and no group for gone: an error says what could not be looked at."""
    def refused(path, call, code, *words):
        options = ["-o", "/dev/null", "-P", path, "-e", f"inject={call}:error={code}"]
        return subprocess.run(["strace", "-qq", *options, *runtime.command(*words)], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=120)
    name, _ = runtime.create("trap exit TERM; while :; do sleep 1; done")
    runtime.call("start", name)
    look = f"/proc/{runtime.state(name)['pid']}/stat"
    for words in (["state", name], ["delete", name], ["delete", "--force", name], ["kill", name]):
        done = refused(look, "openat", "ENFILE", *words)
        assert done.returncode not in (0, -9), (words, done)
        expect(done.stderr, look, "Too many open files in system")
        assert runtime.status(name) == "running", words
    runtime.call("kill", name, "KILL")
    runtime.wait(name)
    group = f"{hierarchy()}/swiftlet-oci-{name}"
    for path, call in ((hierarchy() + "/cgroup.controllers", "openat"), (group, "rmdir")):
        done = refused(path, call, "ENOMEM", "delete", name)
        assert done.returncode not in (-9,) and os.path.exists(group) == (done.returncode != 0), done
        assert done.returncode == 0 or runtime.status(name) == "stopped", done
        if done.returncode != 0:
            expect(done.stderr, path, "Cannot allocate memory")
    runtime.call("delete", "--force", name)
    assert runtime.left_over(name) == [], runtime.left_over(name)


def test_list_without_one(runtime):
    """list tells a container that it cannot look at, gives the others, and ends with 1; so does one without a readable record, and a root that cannot be read."""
    name, other = (runtime.create()[0] for _ in range(2))
    def list_refused(path, *words):
        options = ["-o", "/dev/null", "-P", path, "-e", "inject=openat:error=ENFILE"]
        return subprocess.run(["strace", "-qq", *options, *runtime.command(*words)], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=120)
    look = f"/proc/{runtime.state(name)['pid']}/stat"
    for words in (["list"], ["list", "--quiet"], ["list", "--format", "json"], ["--log", runtime.folder + "/list.log", "list"]):
        done = list_refused(look, *words)
        assert done.returncode == 1 and other in done.stdout and name not in done.stdout, (words, done)
        expect(done.stderr, name, look, "Too many open files in system")
    record = f"{runtime.root}/{name}/state.json"
    kept = open(record).read()
    for broken in (kept[:20], "{}"):
        with open(record, "w") as file:
            file.write(broken)
        done = runtime.call("list", check=False)
        assert done.returncode == 1 and other in done.stdout and name not in done.stdout, done
        expect(done.stderr, name, "state.json")
    with open(record, "w") as file:
        file.write(kept)
    done = list_refused(runtime.root, "list")
    assert done.returncode == 1 and done.stdout == "", done
    expect(done.stderr, runtime.root, "Too many open files in system")
    assert runtime.call("list", "--quiet").stdout.split().count(name) == 1
    assert runtime.call("--root", runtime.root + "/nowhere", "list", "--quiet").stdout == ""


def test_gate_refused(runtime):
    """A created container whose gate cannot take a caller for lack of descriptors waits for the next one."""
    name, _ = runtime.create()
    pid = runtime.state(name)["pid"]
    refused = runtime.folder + "/refused"
    strace = subprocess.Popen(["strace", "-qq", "-o", refused, "-p", str(pid), "-e", "inject=accept4:error=ENFILE:when=1"],
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        def was_refused():
            runtime.call("state", name)
            return os.path.exists(refused) and "ENFILE" in open(refused).read()
        until(was_refused, "the gate has been refused a caller")
        assert runtime.status(name) == "created", runtime.status(name)
    finally:
        strace.terminate()
        strace.wait()
    runtime.call("start", name)
    runtime.wait(name, "running")


def test_output_refused(runtime):
    """An answer that cannot be written is an error."""
    name, _ = runtime.create()
    for words in (["state", name], ["list"], ["list", "--quiet"], ["ps", name], ["events", "--stats", name], ["features"]):
        with open("/dev/full", "w") as full:
            done = subprocess.run(runtime.command(*words), stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE,
                                  text=True, timeout=120)
        assert done.returncode == 1, (words, done)
        expect(done.stderr, "standard output", "No space left on device")


def test_five_hundred(runtime):
    """500 containers created, run and deleted: mounts, groups, keyrings, sockets, state and this process's descriptors are back."""
    parent = "oci-check-%d" % os.getpid()
    group = f"{hierarchy()}/{parent}"
    folder = runtime.bundle("true", lambda c: c["linux"].update(cgroupsPath="/" + parent + "/one"))
    name = runtime.id()
    def kept():
        sockets = [line for line in open("/proc/net/unix") if runtime.root in line]
        # without what others who test on this machine bind their network namespaces to
        mounts = [line for line in open("/proc/self/mountinfo") if "/run/netns" not in line]
        return (mounts, sorted(os.listdir(runtime.root)), sockets, len(os.listdir("/proc/self/fd")))
    def keyrings():
        return sum("_ses: " in line for line in open("/proc/keys"))
    before, keyrings_before = None, keyrings()
    for number in range(501):
        runtime.call("create", "--bundle", folder, name, output=None)
        runtime.call("start", name)
        runtime.wait(name)
        runtime.call("delete", name)
        before = before or kept()  # from the second on: the first fills the caches
    for _ in range(3000):
        counts = dict(line.split() for line in open(group + "/cgroup.stat"))
        now = kept()
        is_rid_of_keyrings = keyrings() < keyrings_before + 250  # others on this machine make some, too
        if counts["nr_descendants"] == "0" and counts["nr_dying_descendants"] == "0" and now == before and is_rid_of_keyrings:
            break
        time.sleep(0.02)
    assert counts["nr_descendants"] == counts["nr_dying_descendants"] == "0", counts
    assert now == before, [pair for pair in zip(before, now) if pair[0] != pair[1]]
    assert is_rid_of_keyrings, (keyrings_before, keyrings())
    os.rmdir(group)
