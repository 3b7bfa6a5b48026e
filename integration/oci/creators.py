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


def test_record_of_a_run(runtime):
    """A run's container is there for others when all is mounted for it, and no later than its program."""
    runtime.call("list")
    name = runtime.id()
    own = {"destination": "/mnt", "type": "bind", "source": runtime.root, "options": ["rbind", "ro"]}
    folder = runtime.bundle("cat /mnt/*/state.json; exec sleep 60", lambda c: c["mounts"].append(own))
    held = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=renameat:delay_enter=300000"]
    with open(folder + "/output", "w") as output:
        call = subprocess.Popen([*held, *runtime.command("run", "--bundle", folder, name)], stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    answers = []
    def is_there():
        answers.append(runtime.call("state", name, check=False))
        return answers[-1].returncode == 0
    until(is_there, "there is a container")
    assert any("not finished" in one.stderr for one in answers), answers
    assert "/mnt " in runtime.call("exec", name, "mount").stdout
    said(folder, f'"{name}"')
    runtime.call("delete", "--force", name)
    assert call.wait(60) == 137, call.returncode


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
