"""Creators that die or meet: what they leave is whole, or goes."""
import os
import signal
import subprocess
import time

from bundle import QUIET, said, until


def test_two_creators(runtime):
    """Of two that create the same id at once, whichever is held up between making the directory and locking it, one makes it."""
    folder = runtime.bundle("sleep 60")
    for held in ("openat:delay_exit", "fcntl:delay_enter"):
        name = runtime.id()
        words = runtime.command("create", "--bundle", folder, name)
        path = f"{runtime.root}/{name}/config.json"
        tracer = ["strace", "-qq", "-o", "/dev/null", "-P", path, "-e", f"inject={held}=1000000"]
        first = subprocess.Popen([*tracer, *words], **QUIET)
        until(lambda: os.path.exists(path) or first.poll() is not None, "the first has made the directory")
        second = subprocess.run(words, **QUIET, timeout=60)
        assert sorted([first.wait(60), second.returncode]) == [0, 1], (held, first.returncode, second.returncode)
        assert runtime.status(name) == "created"
        runtime.call("start", name)
        runtime.call("delete", "--force", name)


def test_start_outlives_the_creator(runtime):
    """A created container waits for start though its creator is gone, and dies by a signal meanwhile."""
    name, _ = runtime.create()
    assert runtime.state(name)["status"] == "created"
    runtime.call("kill", name, "SIGKILL")
    runtime.wait(name)
    assert runtime.call("start", name, check=False).returncode != 0


def test_creator_killed(runtime):
    """A creator killed at any moment leaves a container that is whole or can be removed."""
    for delay in range(0, 14):
        name = runtime.id()
        folder = runtime.bundle("sleep 60")
        call = runtime.begin("create", "--bundle", folder, name)
        time.sleep(delay / 1000)
        call.kill()
        call.wait()
        runtime.call("delete", "--force", name)
        again, _ = runtime.create(name=name)
        runtime.call("delete", "--force", again)


def test_creator_killed_by_its_hook(runtime):
    """A creator that dies while the container's process waits for it takes the process with it, cgroup or none."""
    change = lambda c: c.update(hooks={"createRuntime": [{"path": "/bin/sh", "args": ["sh", "-c", "kill -9 $PPID"]}]})
    folder, name = runtime.bundle("sleep 60", change), runtime.id()
    done = runtime.call("--cgroup-manager", "disabled", "create", "--bundle", folder, name, check=False, output=None)
    assert done.returncode == -signal.SIGKILL, done.returncode
    until(lambda: not processes_with(name), "its process has ended")


def held_run(runtime, call, script, change=None):
    """A run that is held up before a system call of its process, for longer than its check takes. The process of strace, the id and the bundle's folder."""
    name, folder = runtime.id(), runtime.bundle(script, change)
    held = ["strace", "-f", "-qq", "-o", folder + "/calls", "-e", f"trace={call}", "-e", f"inject={call}:delay_enter=5000000:when=1"]
    with open(folder + "/output", "w") as output:
        run = subprocess.Popen(
            [*held, *runtime.command("run", "--bundle", folder, name)], stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    until(lambda: os.path.exists(f"{runtime.root}/{name}/state.json.new"), "the process is at work")
    return run, name, folder


def is_published(runtime, name):
    return os.path.exists(f"{runtime.root}/{name}/state.json")


def waits(pid):
    """Whether a process is in poll or ppoll."""
    return open(f"/proc/{pid}/syscall").read().split()[0] in {"x86_64": ("7", "271"), "aarch64": ("73",)}[os.uname().machine]


def ends_of(runtime, run, name):
    runtime.call("delete", "--force", name)
    assert run.wait(60) == 137, run.returncode


def test_run_is_not_there_before_its_mounts(runtime):
    """A run's container is not there for others before all is mounted for it."""
    run, name, folder = held_run(runtime, "mknodat", "echo begun; exec sleep 60")
    for words in (["state", name], ["exec", name, "true"]):
        done = runtime.call(*words, check=False)
        assert done.returncode != 0 and "not finished" in done.stderr, done
    assert not is_published(runtime, name)
    said(folder, "begun")
    assert runtime.status(name) == "running"
    ends_of(runtime, run, name)


def test_record_of_a_run(runtime):
    """A run's record is there when its program is, and until then nobody else gets its id or takes it away."""
    runtime.call("list")
    own = {"destination": "/mnt", "type": "bind", "source": runtime.root, "options": ["rbind", "ro"]}
    run, name, folder = held_run(runtime, "renameat", "cat /mnt/*/state.json; exec sleep 60", lambda c: c["mounts"].append(own))
    until(lambda: "renameat" in open(folder + "/calls").read() or run.poll() is not None, "the process is about to publish its record")
    other = runtime.call("create", "--bundle", runtime.bundle(), name, check=False, output=None)
    taken_away = runtime.call("delete", name, check=False)
    assert not is_published(runtime, name)
    said(folder, f'"{name}"')
    assert other.returncode == 1 and taken_away.returncode == 1, (other, taken_away)
    ends_of(runtime, run, name)


def test_run_whose_caller_is_killed(runtime):
    """A run's process whose caller is gone before the record is published publishes none."""
    run, name, folder = held_run(runtime, "mknodat", "exec sleep 60")
    first = int(subprocess.run(["pgrep", "-P", str(run.pid)], capture_output=True, text=True).stdout.split()[0])
    until(lambda: waits(first), "its caller has told it to go on")
    os.kill(first, signal.SIGKILL)
    until(lambda: not os.path.exists(f"/proc/{first}"), "its caller has ended")
    run.wait(60)
    assert not is_published(runtime, name)
    runtime.call("delete", "--force", name)


def processes_with(word):
    """The processes that were called with a word."""
    found = []
    for number in filter(str.isdigit, os.listdir("/proc")):
        try:
            if word.encode() in open(f"/proc/{number}/cmdline", "rb").read().split(b"\0"):
                found.append(int(number))
        except OSError:
            continue  # it ended meanwhile
    return found
