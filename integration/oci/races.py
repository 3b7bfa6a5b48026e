"""Calls that meet at one id: none of them takes away what another made, and none is refused for it. strace holds one of them up where it matters."""
import os
import random
import signal
import subprocess
import tempfile
import threading
import time

from bundle import QUIET, expect, until

SEED = int(os.environ.get("OCI_SEED", "1"))


def held(runtime, holds, *words, path=None, turn=1):
    """A call that is held up for three seconds at one of its system calls, the `turn`th of that kind."""
    where = ["-P", path] if path else []
    tracer = ["strace", "-qq", "-o", "/dev/null", *where, "-e", f"inject={holds}=3000000:when={turn}"]
    return subprocess.Popen([*tracer, *runtime.command(*words)], **QUIET)


def is_whole(runtime, name):
    """A container that was created, starts, and goes without a trace."""
    assert runtime.status(name) == "created", runtime.status(name)
    runtime.call("start", name)
    runtime.wait(name, "running")
    runtime.call("delete", "--force", name)
    assert runtime.left_over(name) == [], runtime.left_over(name)


def test_run_removes_its_own(runtime):
    """A foreground run whose container another has deleted leaves the next one of that id alone."""
    name, folder = runtime.id(), runtime.bundle("sleep 60")
    run = runtime.begin("run", "--bundle", folder, name)
    until(lambda: os.path.exists(f"{runtime.root}/{name}/state.json") and runtime.status(name) == "running", "it runs")
    run.send_signal(signal.SIGSTOP)
    runtime.call("delete", "--force", name)
    runtime.create(name=name)
    run.send_signal(signal.SIGCONT)
    assert run.wait(120) == 128 + signal.SIGKILL
    is_whole(runtime, name)


def test_deleted_while_it_is_made(runtime):
    """delete --force in the middle of a create: no group is left, whoever comes last."""
    name, folder = runtime.id(), runtime.bundle("sleep 60")
    create = held(runtime, "symlink:delay_exit", "create", "--bundle", folder, name)
    until(lambda: os.path.lexists(f"{runtime.root}/{name}/cgroup"), "its group is noted")
    runtime.call("delete", "--force", name)
    assert create.wait(120) != 0
    assert runtime.left_over(name) == [], runtime.left_over(name)


def test_creator_leaves_its_successor_alone(runtime):
    """create, in whose middle the id was deleted and taken by another, leaves that one alone."""
    name, folder = runtime.id(), runtime.bundle("sleep 60")
    group = f"/swiftlet-oci-{name}"
    create = held(runtime, "openat:delay_enter", "create", "--bundle", folder, name, path=f"{runtime.root}/{name}/state.json.new")
    until(lambda: any(group in line for line in cgroups()), "its process is there")
    runtime.call("delete", "--force", name)
    runtime.create(name=name)
    assert create.wait(120) != 0
    is_whole(runtime, name)


def cgroups():
    """The groups of all processes."""
    for number in filter(str.isdigit, os.listdir("/proc")):
        try:
            yield open(f"/proc/{number}/cgroup").read()
        except OSError:
            continue  # it ended meanwhile


def test_claimed_while_it_is_deleted(runtime):
    """create in the moment in which a delete has given the id back, but not yet removed the directory: both are done."""
    name, folder = runtime.create()
    runtime.call("kill", name, "KILL")
    runtime.wait(name)
    delete = held(runtime, "rmdir:delay_enter", "delete", name, path=f"{runtime.root}/{name}")
    until(lambda: not os.path.exists(f"{runtime.root}/{name}/config.json"), "its files are gone")
    runtime.create(name=name)
    assert delete.wait(120) == 0, delete.returncode
    is_whole(runtime, name)


def test_deleted_twice_at_once(runtime):
    """Of two that delete a container at once one does, and runs its hooks; the other waits for it."""
    log, go = runtime.folder + "/deleted", runtime.folder + "/go"
    hook = {"path": "/bin/sh", "args": ["sh", "-c", f"echo ran >>{log}; until [ -e {go} ]; do sleep 0.05; done"], "timeout": 20}
    name, _ = runtime.create(change=lambda c: c.update(hooks={"poststop": [hook]}))
    words = runtime.command("delete", "--force", name)
    first = subprocess.Popen(words, **QUIET)
    until(lambda: os.path.exists(log), "the hook runs")
    second = subprocess.Popen(words, **QUIET)
    time.sleep(0.3)  # in which one that does not wait would run the hook
    open(go, "w").close()
    assert [first.wait(120), second.wait(120)] == [0, 0], (first.returncode, second.returncode)
    assert open(log).read() == "ran\n", open(log).read()
    assert runtime.left_over(name) == [], runtime.left_over(name)


def test_deleted_twice_in_turns(runtime):
    """Of two deletes the one that waits leaves no directory where it was about to take the lock when the other took away the file."""
    log, go = runtime.folder + "/waiting", runtime.folder + "/let"
    hook = {"path": "/bin/sh", "args": ["sh", "-c", f"echo ran >>{log}; until [ -e {go} ]; do sleep 0.05; done"], "timeout": 20}
    name, _ = runtime.create(change=lambda c: c.update(hooks={"poststop": [hook]}))
    first = held(runtime, "rmdir:delay_enter", "delete", "--force", name, path=f"{runtime.root}/{name}")
    until(lambda: os.path.exists(log), "the hook runs")
    # it reads the file, finds it locked, and would then make it where it is not there: so late that the other's files are gone, the directory is not
    second = held(runtime, "openat:delay_enter", "delete", "--force", name, path=f"{runtime.root}/{name}/config.json", turn=3)
    time.sleep(1)
    open(go, "w").close()
    assert [first.wait(120), second.wait(120)] == [0, 0], (first.returncode, second.returncode)
    assert runtime.left_over(name) == [], runtime.left_over(name)


def test_claimed_in_vain(runtime):
    """create that cannot write its configuration leaves no directory."""
    name, folder = runtime.id(), runtime.bundle("sleep 60")
    for call in ("ftruncate:error=EIO", "openat:error=ENOSPC"):
        tracer = ["strace", "-qq", "-o", "/dev/null", "-P", f"{runtime.root}/{name}/config.json", "-e", f"inject={call}"]
        words = runtime.command("create", "--bundle", folder, name)
        done = subprocess.run([*tracer, *words], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=120)
        assert done.returncode == 1, (call, done)
        expect(done.stderr, f"{runtime.root}/{name}/config.json")
        assert runtime.left_over(name) == [], (call, runtime.left_over(name))


def test_started_beside_another(runtime):
    """start whose container another has deleted and made anew meanwhile leaves the new one's gate alone."""
    hook = {"path": "/bin/true"}
    name, _ = runtime.create(change=lambda c: c.update(hooks={"poststart": [hook]}))
    start = held(runtime, "unlink,unlinkat:delay_enter", "start", name)
    runtime.wait(name, "running")
    runtime.call("delete", "--force", name)
    runtime.create(name=name)
    assert start.wait(120) == 0, start.returncode
    is_whole(runtime, name)


def test_directory_of_others_files(runtime):
    """delete names a file that somebody put into a container's directory, and is done once that is away."""
    name, _ = runtime.create()
    path = f"{runtime.root}/{name}"
    open(path + "/somebodys", "w").close()
    done = runtime.call("delete", "--force", name, check=False)
    assert done.returncode != 0
    expect(done.stderr, path, "somebodys")
    # and once more, where nothing of the container is left
    done = runtime.call("delete", "--force", name, check=False)
    assert done.returncode != 0
    expect(done.stderr, "somebodys")
    os.remove(path + "/somebodys")
    runtime.call("delete", "--force", name)
    assert runtime.left_over(name) == [], runtime.left_over(name)


def test_storm(runtime):
    """Four that make, use and delete two ids at once, some killed at it: delete --force never fails, and in the end nothing is left."""
    names, folders = [runtime.id(), runtime.id()], [runtime.bundle("sleep 60"), runtime.bundle("true")]
    end, wrong, done = time.monotonic() + 4, [], []
    def call(dice):
        name = dice.choice(names)
        words = dice.choice([["create", "--bundle", folders[0], name]] * 3 + [["delete", "--force", name]] * 3 + [["start", name]] * 2 + [
            ["run", "--detach", "--bundle", dice.choice(folders), name], ["exec", name, "true"], ["kill", name, "KILL"], ["delete", name]])
        with tempfile.TemporaryFile("w+", dir=runtime.folder) as said:
            process = subprocess.Popen(runtime.command(*words), stdin=subprocess.DEVNULL, stdout=said, stderr=said)
            if dice.random() < 0.15:
                time.sleep(dice.random() * 0.02)
                process.kill()
            code = process.wait(60)
            said.seek(0)
            text = said.read().strip()
        done.append(code == 0)
        # Otherwise a delete may be too early or too late, which is an error of the container's state.
        if code > 0 and words[0] == "delete" and ("--force" in words or f"container {name}: " not in text):
            wrong.append((words[0], code, text))
    def work(number):
        dice = random.Random(SEED * 10 + number)
        while time.monotonic() < end:
            call(dice)
    workers = [threading.Thread(target=work, args=[number]) for number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not wrong, f"OCI_SEED={SEED}: {wrong[:3]} of {len(done)} calls"
    assert any(done), "no call was done"
    for name in names:
        runtime.call("delete", "--force", name)
        assert runtime.left_over(name) == [], runtime.left_over(name)
        runtime.create(name=name)
        is_whole(runtime, name)
