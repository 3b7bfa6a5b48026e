"""Hooks of devices by name: programs that a container runs on its way, as the runtime specification has them."""
import glob
import json
import os
import signal
import threading

import grpc
import runtime_pb2 as cri
from devices import describe, device
from security import in_namespaces, with_namespaces
from world import TOP, equal, eventually, expect, fails, it

HOOKS = "Hooks of devices"
Security = cri.LinuxContainerSecurityContext
# How long hooks sleep that do not end by themselves, and what they leave. No other run's, which the machine may have at the same time.
LONG, LEFT = f"86399.{os.getpid()}", f"86398.{os.getpid()}"


def program(w, text):
    """A program of the host's; $1 is a folder of the test's."""
    folder = w.folder()
    os.chmod(folder, 0o755)
    with open(f"{folder}/hook", "w") as file:
        file.write(f"#!/bin/sh\n{text}\n")
    os.chmod(file.name, 0o755)
    return file.name, folder


def hook(station, path, *args, **more):
    return {"hookName": station, "path": path, "args": [path, *args], **more}


def pod_of(w, pid=cri.CONTAINER):
    return with_namespaces(w, cri.NamespaceOption(pid=pid))


def given(pod, name, command=TOP, security=None, **more):
    security = security or Security()
    security.namespace_options.CopyFrom(pod.config.linux.security_context.namespace_options)
    return pod.container(command, security=security, CDI_devices=[cri.CDIDevice(name=f"vendor.test/full={name}")], **more)


def given_in_thread(pod, name):
    """A container that cannot be made: the call, and what it is told."""
    told = []
    call = threading.Thread(target=lambda: told.append(fails(lambda: given(pod, name))))
    call.start()
    return call, told


def read(*parts):
    with open(os.path.join(*parts)) as file:
        return file.read()


def processes(word):
    """Those that have the word among theirs, by number."""
    found = []
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            if word in read(path).split("\0"):
                found.append(int(path.split("/")[2]))
        except (FileNotFoundError, ProcessLookupError):
            pass
    return found


def parent(pid):
    return int(read(f"/proc/{pid}/stat").rpartition(")")[2].split()[1])


def listed(w):
    return {c.id for c in w.runtime.ListContainers(cri.ListContainersRequest()).containers}


def left_of(w, before):
    """Containers, and processes of hooks that were to go on for long."""
    return listed(w) - before, processes(LONG)


@it(HOOKS, "one before the container leaves the host finds its root, its mounts and its state, and has what it makes there stay")
def create_hook(w):
    path, folder = program(w, """cat >$1/state; pwd >$1/cwd; echo "$2 $WORD" >rootfs/made-by-hook
        test -e rootfs/proc/version && echo there >$1/proc
        readlink /proc/self/ns/mnt >$1/mnt; cat /proc/self/cgroup >$1/cgroup""")
    describe(w, "full.json", [device("0", hooks=[hook("createContainer", path, folder, "first", env=["WORD=word", "PATH=/usr/bin:/bin"])])],
             containerEdits={"hooks": [hook("createContainer", path, folder, "common")]})
    container = given(pod_of(w), "0")
    equal(container.says("cat", "/made-by-hook"), "first word\n")
    state = json.loads(read(folder, "state"))
    equal((state["id"], state["status"]), (container.id, "creating"))
    equal(read(folder, "cwd"), state["bundle"] + "\n")
    equal(read(folder, "proc"), "there\n", "the container's /proc")
    expect(read(folder, "mnt").strip() != os.readlink("/proc/self/ns/mnt"), "it ran in the host's mounts")
    expect("0::/\n" in read(folder, "cgroup"), "it is not in the group of the container: " + read(folder, "cgroup"))
    config = json.loads(read(state["bundle"], "config.json"))
    equal(config["root"]["path"], "rootfs")
    equal(os.listdir(state["bundle"] + "/rootfs"), [], "the root is on the host")
    expect(state["bundle"] not in container.says("cat", "/proc/self/mountinfo"), "the container is told of the host")
    container.stop()
    container.remove()
    expect(not os.path.exists(state["bundle"]), "the bundle is left")


@it(HOOKS, "one in the place of the program has its state, its user and its rights, and no more")
def start_hook(w):
    describe(w, "full.json", [device("0", hooks=[{
        "hookName": "startContainer", "path": "/bin/sh", "env": ["WORD=word"],
        "args": ["sh", "-c", "cat >/tmp/state; echo $WORD >/tmp/word; grep -E '^(Uid|Cap|NoNew|Seccomp:)' /proc/self/status >/tmp/rights"]}])])
    security = Security(run_as_user=cri.Int64Value(value=1001), no_new_privs=True,
                        seccomp=cri.SecurityProfile())
    container = given(pod_of(w), "0", ["sh", "-c", "grep -E '^(Uid|Cap|NoNew|Seccomp:)' /proc/self/status >/tmp/own; exec top"], security)
    state = json.loads(container.says("cat", "/tmp/state"))
    equal((state["id"], state["status"], state["pid"]), (container.id, "created", 1))
    equal(container.says("cat", "/tmp/word"), "word\n")
    eventually(lambda: container.run("test", "-s", "/tmp/own").exit_code == 0, "the container's own rights")
    own = container.says("cat", "/tmp/own")
    expect("1001" in own and "Seccomp:\t2" in own, own)
    equal(container.says("cat", "/tmp/rights"), own, "the hook's rights")


@it(HOOKS, "one that fails is named with its device and its words, and nothing is left")
def failing(w):
    path, folder = program(w, "printf 'it is \\033[31mbroken\\n' >&2; exit 3")
    slow, slow_folder = program(w, f"sleep {LONG} & sleep {LONG}")
    describe(w, "full.json", [
        device("broken", hooks=[hook("createContainer", path, folder)]),
        device("slow", hooks=[hook("createContainer", slow, slow_folder, timeout=1)]),
        device("none", hooks=[hook("createContainer", folder + "/none")]),
        device("start", hooks=[hook("startContainer", "/bin/false")])])
    file = os.path.join(w.options.devices, "first/full.json")
    pod, before = pod_of(w), listed(w)
    for name, words in (("broken", [path, "ended with 3", "it is [31mbroken"]), ("slow", [slow, "within its time"]),
                        ("none", [folder + "/none", "No such file"])):
        told = fails(lambda: given(pod, name))
        expect(all(word in told for word in ["createContainer hook", f"vendor.test/full={name}", file, *words]), told)
        eventually(lambda: left_of(w, before) == (set(), []), f"{name}: what is left: {left_of(w, before)}")
    container = given(pod, "start", start=False)
    told = fails(container.start)
    expect(all(word in told for word in ["startContainer hook /bin/false", "vendor.test/full=start", "ended with 1"]), told)
    status = container.wait(cri.CONTAINER_EXITED).status()
    expect(status.reason == "StartError" and "/bin/false" in status.message, status)


@it(HOOKS, "one that runs for long is killed with its container's monitor")
def killed_with_monitor(w):
    path, folder = program(w, f"exec sleep {LONG}")
    describe(w, "full.json", [device("slow", hooks=[hook("createContainer", path, folder)])])
    for pid in cri.CONTAINER, cri.NODE:
        call, told = given_in_thread(pod_of(w, pid), "slow")
        monitor = parent(parent(eventually(lambda: processes(LONG), "the hook")[0]))
        expect("podmonitor" in read(f"/proc/{monitor}/cmdline"), "who has the hook run")
        os.kill(monitor, signal.SIGKILL)
        eventually(lambda: not processes(LONG), "the hook's end")
        call.join(60)
        expect(told, "the call does not end")


@it(HOOKS, "what one leaves running is gone before the program, and does not hold it up; what the program's own leaves stays")
def left_running(w):
    noise = f"(while :; do echo noise >&2; done) & sleep {LEFT} &"
    path, folder = program(w, noise + " exit 0")
    describe(w, "full.json", [
        device("host", hooks=[hook("createContainer", path, folder)]),
        device("own", hooks=[{"hookName": "startContainer", "path": "/bin/sh", "args": ["sh", "-c", noise + " exit 0"]}])])
    container = given(pod_of(w), "host")
    told = container.says("ps")
    expect("sleep" not in told and "/hook" not in told, told)
    equal(processes(LEFT), [])
    expect(f"sleep {LEFT}" in given(pod_of(w), "own").says("ps"), "the check sees nothing at all")


@it(HOOKS, "a pod is ended while one runs, before and at a start")
def ended_meanwhile(w):
    path, folder = program(w, f"exec sleep {LONG}")
    describe(w, "full.json", [
        device("slow", hooks=[hook("createContainer", path, folder)]),
        device("start", hooks=[{"hookName": "startContainer", "path": "/bin/sleep", "args": ["sleep", LONG]}])])
    pod = pod_of(w)
    call, told = given_in_thread(pod, "slow")
    eventually(lambda: processes(LONG), "the hook")
    w.runtime.StopPodSandbox(cri.SandboxID(pod_sandbox_id=pod.id), timeout=30)
    call.join(30)
    expect(told and not processes(LONG), "the hook goes on")
    other = pod_of(w)
    container = given(other, "start", start=False)
    call = threading.Thread(target=lambda: told.append(fails(container.start)))
    call.start()
    eventually(lambda: processes(LONG), "the hook")
    w.runtime.RemovePodSandbox(cri.SandboxID(pod_sandbox_id=other.id), timeout=30)
    call.join(30)
    expect(len(told) == 2 and not processes(LONG), "the start goes on")


@it(HOOKS, "none begins in a pod once its end has")
def none_after_the_end(w):
    path, folder = program(w, f"exec sleep {LONG}")
    describe(w, "full.json", [device("slow", hooks=[hook("createContainer", path, folder)])])
    pod = pod_of(w)
    # All but one wait for their turn.
    calls = [given_in_thread(pod, "slow") for _ in range(5)]
    eventually(lambda: processes(LONG), "the hook")
    w.runtime.StopPodSandbox(cri.SandboxID(pod_sandbox_id=pod.id), timeout=30)
    for call, told in calls:
        call.join(30)
        expect(told, "a call goes on")
    expect(any("is being stopped" in told[0] for _, told in calls), [told for _, told in calls])
    equal(processes(LONG), [])


@it(HOOKS, "the pod's other containers go on while one runs")
def others_go_on(w):
    path, folder = program(w, f"exec sleep {LONG}")
    describe(w, "full.json", [device("slow", hooks=[hook("createContainer", path, folder)])])
    pod = pod_of(w)
    other = in_namespaces(pod, TOP)
    call, told = given_in_thread(pod, "slow")
    sleeper = eventually(lambda: processes(LONG), "the hook")[0]
    equal(other.says("echo", "here"), "here\n")
    expect(os.path.exists(f"/proc/{sleeper}"), "the hook had ended")
    os.kill(sleeper, signal.SIGKILL)
    call.join(60)
    expect(told and "ended with 137" in told[0], told)


@it(HOOKS, "there are none where containers share their processes, which is said")
def shared_processes(w):
    describe(w, "full.json", [device("0", hooks=[hook("createContainer", "/bin/true")])])
    told = fails(lambda: given(pod_of(w, cri.POD), "0"), grpc.StatusCode.FAILED_PRECONDITION)
    expect("createContainer hook /bin/true" in told and "share their processes" in told, told)
