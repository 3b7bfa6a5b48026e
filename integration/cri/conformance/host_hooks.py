"""Hooks of devices by name that run on the host: the runtime's own, in its namespaces."""
import json
import os
import signal
import subprocess
import threading

import runtime_pb2 as cri
from devices import describe, device
from hooks import LONG, given, given_in_thread, hook, left_of, listed, pod_of, processes, program, read
from hung import HungVolume
from mounts import unmount
from world import equal, eventually, expect, fails, it

HOST = "Hooks of devices on the host"
STATIONS = ["createContainer", "poststop", "poststart", "createRuntime", "prestart"]


def noting(w):
    return program(w, """cat >$1/$2.state; echo $2 >>$1/order; readlink /proc/self/ns/mnt >$1/$2.mnt
        pid=$(sed -n 's/.*"pid":\\([0-9]*\\).*/\\1/p' $1/$2.state)
        [ $2 != createRuntime ] || test ! -e /proc/$pid/root$PWD/rootfs/proc/version || echo there >$1/proc
        [ $2 != poststart ] || tr '\\0' ' ' </proc/$pid/cmdline >$1/program""")


@it(HOST, "all run in their order, with the state of their time, and those of the runtime in its own namespaces")
def in_order(w):
    path, folder = noting(w)
    describe(w, "full.json", [device("0", hooks=[hook(station, path, folder, station) for station in STATIONS])])
    container = given(pod_of(w), "0")
    container.stop()
    expect("poststop" not in read(folder, "order"), "it was not removed yet")
    container.remove()
    equal(read(folder, "order").split(), ["prestart", "createRuntime", "createContainer", "poststart", "poststop"])
    states = {station: json.loads(read(folder, station + ".state")) for station in STATIONS}
    equal({state["id"] for state in states.values()}, {container.id})
    equal([states[station]["status"] for station in ("prestart", "createRuntime", "createContainer", "poststart", "poststop")],
          ["creating", "creating", "creating", "running", "stopped"])
    equal(states["prestart"]["pid"], states["poststart"]["pid"], "the process")
    expect("top" in read(folder, "program"), "the program runs: " + read(folder, "program"))
    equal(read(folder, "proc"), "there\n", "the container's mounts, where its process is")
    mounts = {station: read(folder, station + ".mnt") for station in STATIONS}
    inner = mounts.pop("createContainer")
    expect(len(set(mounts.values())) == 1 and inner not in mounts.values(), mounts)


@it(HOST, "one that fails before the program is named with its device and its words, and nothing is left")
def failing(w):
    path, folder = program(w, "printf 'it is broken\\n' >&2; exit 3")
    slow, slow_folder = program(w, f"sleep {LONG} & sleep {LONG}")
    gone, gone_folder = program(w, "echo gone >$1/gone")
    describe(w, "full.json", [
        device("broken", hooks=[hook("createRuntime", path, folder), hook("poststop", gone, gone_folder)]),
        device("slow", hooks=[hook("prestart", slow, slow_folder, timeout=1)]),
        device("none", hooks=[hook("createRuntime", folder + "/none")])])
    pod, before = pod_of(w), listed(w)
    for name, words in (("broken", ["createRuntime hook " + path, "ended with 3", "it is broken"]), ("slow", [slow, "within its time"]),
                        ("none", [folder + "/none", "No such file"])):
        told = fails(lambda: given(pod, name))
        expect(all(word in told for word in [f"vendor.test/full={name}", *words]), told)
        eventually(lambda: left_of(w, before) == (set(), []), f"{name}: what is left: {left_of(w, before)}")
    equal(read(gone_folder, "gone"), "gone\n", "the hook after the end of one that was never made")


@it(HOST, "one that fails after the program has begun holds nothing up")
def failing_late(w):
    describe(w, "full.json", [device("0", hooks=[hook("poststart", "/bin/false"), hook("poststop", "/bin/false")])])
    container = given(pod_of(w), "0")
    equal(container.says("echo", "here"), "here\n")
    container.stop()
    container.remove()
    expect(container.id not in listed(w), "it is still there")


@it(HOST, "one after the end is over with its time, and so is what it leaves running")
def ended_with_time(w):
    slow, slow_folder = program(w, f"echo begun >>$1/begun; sleep {LONG} & sleep {LONG}")
    path, folder = program(w, f"sleep {LONG} & cat /proc/self/cgroup >$1/cgroup")
    describe(w, "full.json", [device("0", hooks=[hook("poststop", slow, slow_folder, timeout=1), hook("poststop", path, folder)])])
    pod = pod_of(w)
    container = given(pod, "0")
    pod.stop()
    container.remove()
    equal((read(slow_folder, "begun"), processes(LONG)), ("begun\n", []))
    expect(f"/{container.id[:32]}-hooks\n" in read(folder, "cgroup"), "it is not in a group of its own: " + read(folder, "cgroup"))


@it(HOST, "one after the end runs once, though the removal fails and is called again")
def ended_once(w):
    path, folder = program(w, "echo $PWD >>$1/place; mount -t tmpfs none $PWD")
    describe(w, "full.json", [device("0", hooks=[hook("poststop", path, folder, env=["PATH=/usr/bin:/bin"])])])
    container = given(pod_of(w), "0")
    container.stop()
    fails(container.remove)
    [place] = read(folder, "place").split()
    unmount(place)
    container.remove()
    equal(read(folder, "place").split(), [place])


@it(HOST, "one that hangs in the kernel holds nothing up once it is killed, and leaves no zombie")
def hangs(w):
    volume = HungVolume(w)
    path, folder = program(w, "echo $$ >$1/pid; exec ls $2/name")
    describe(w, "full.json", [device("slow", hooks=[hook("createRuntime", path, folder, volume.path, timeout=1, env=["PATH=/usr/bin:/bin"])])])
    pod = pod_of(w)
    told = fails(lambda: given(pod, "slow"))
    expect("within its time" in told, told)
    pid = read(folder, "pid").strip()
    equal(read(f"/proc/{pid}/stat").rpartition(")")[2].split()[0], "D", "the hook's state")
    volume.end()
    eventually(lambda: not os.path.exists(f"/proc/{pid}"), "the hook's end")


@it(HOST, "the doctor spares one that runs")
def doctor(w):
    path, folder = program(w, f"exec sleep {LONG}")
    describe(w, "full.json", [device(station, hooks=[hook(station, path, folder)]) for station in ("createRuntime", "poststop")])
    command = [*os.environ["DOCTOR"].split(), "--fix"]
    pod, other = pod_of(w), pod_of(w)
    ending = given(other, "poststop")
    ending.stop()
    launch, _ = given_in_thread(pod, "createRuntime")
    removal = threading.Thread(target=ending.remove)
    removal.start()
    hooks = set(eventually(lambda: len(processes(LONG)) == 2 and processes(LONG), "the hooks"))
    told = subprocess.run(command, capture_output=True, text=True).stdout
    equal((set(processes(LONG)), bool(told), "-hooks" in told), (hooks, True, False), told)
    for hook_process in hooks:
        os.kill(hook_process, signal.SIGKILL)
    launch.join(60)
    removal.join(60)


@it(HOST, "a pod is ended while one runs, with all that it has begun, and none begins after that")
def ended_meanwhile(w):
    path, folder = program(w, f"sleep {LONG} & exec sleep {LONG}")
    describe(w, "full.json", [
        device("slow", hooks=[hook("prestart", path, folder), hook("createRuntime", path, folder)]),
        device("late", hooks=[hook("poststart", path, folder)])])
    pod = pod_of(w)
    calls = [given_in_thread(pod, "slow") for _ in range(3)]
    eventually(lambda: processes(LONG), "the hook")
    w.runtime.StopPodSandbox(cri.SandboxID(pod_sandbox_id=pod.id), timeout=30)
    for call, told in calls:
        call.join(30)
        expect(told, "a call goes on")
    equal(processes(LONG), [])
    other = pod_of(w)
    container = given(other, "late", start=False)
    call = threading.Thread(target=container.start)
    call.start()
    eventually(lambda: processes(LONG), "the hook")
    w.runtime.RemovePodSandbox(cri.SandboxID(pod_sandbox_id=other.id), timeout=30)
    call.join(30)
    expect(not call.is_alive() and not processes(LONG), "the start goes on")


@it(HOST, "who waits for one ends with the pod's monitor, and the hook with them")
def monitor_gone(w):
    path, folder = program(w, f"cat >$1/state; exec sleep {LONG}")
    describe(w, "full.json", [device("slow", hooks=[hook("createRuntime", path, folder)])])
    call, told = given_in_thread(pod_of(w), "slow")
    eventually(lambda: processes(LONG), "the hook")
    waiting = json.loads(read(folder, "state"))["pid"]
    monitor = int(read(f"/proc/{waiting}/stat").rpartition(")")[2].split()[1])
    expect("podmonitor" in read(f"/proc/{monitor}/cmdline"), "who has made it")
    os.kill(monitor, 9)
    eventually(lambda: not processes(LONG) and not os.path.exists(f"/proc/{waiting}"), "their end")
    call.join(60)
    expect(told, "the call does not end")


@it(HOST, "those after the program has begun run where containers share their processes; others are refused")
def shared_processes(w):
    path, folder = noting(w)
    describe(w, "full.json", [
        device("0", hooks=[hook("poststart", path, folder, "poststart"), hook("poststop", path, folder, "poststop")]),
        device("1", hooks=[hook("createRuntime", path, folder, "createRuntime")])])
    pod = pod_of(w, cri.POD)
    container = given(pod, "0")
    container.stop()
    container.remove()
    equal(read(folder, "order").split(), ["poststart", "poststop"])
    expect("share their processes" in fails(lambda: given(pod, "1")), "the refusal")
