"""The OCI runtime where cgroup v2 has every controller: what its limits do to a container, and what an update changes while it runs."""

import json
import os
import shutil
import subprocess
import sys
import time

import engine
import scopes
from report import command, expect, fields, one, read, share_while_throttled, wait_for

sys.path.insert(0, "/payload/oci")
import habits  # noqa: E402
import sessions  # noqa: E402
from bundle import Runtime  # noqa: E402

GROUP = "/sys/fs/cgroup/oci-vm.slice"
SECONDS = 60  # for what takes a moment: this machine may be an emulated one


def limited(runtime, script, resources, name=None):
    """A started container in a group of its own: the id and the group's directory."""
    name = name or runtime.id()
    def change(config):
        config["linux"]["cgroupsPath"] = f"/oci-vm.slice/{name}"
        config["linux"]["resources"].update(resources)
        config["process"]["oomScoreAdj"] = 0  # the suite's own may be that of who must not be killed
    runtime.create(script, change, name=name)
    runtime.call("start", name, timeout=SECONDS)
    return name, f"{GROUP}/{name}"


def ended(runtime, name):
    wait_for(f"the end of {name}", SECONDS, lambda: runtime.status(name) == "stopped")


def memory(runtime):
    name, group = limited(runtime, "dd if=/dev/zero of=/dev/null bs=64M count=1", {"memory": {"limit": 16 << 20, "swap": 16 << 20}})
    ended(runtime, name)
    expect(fields(f"{group}/memory.events")["oom_kill"] > 0, f"nothing was killed: {read(group + '/memory.events')}")
    expect(read(f"{group}/memory.swap.max").strip() == "0", "swap is memory and swap less memory")
    runtime.call("delete", name)


def memory_of_all(runtime):
    """A group that is ended as one takes along a session on its way to its program, which stands still here; who called for it is told."""
    name, group = limited(runtime, "dd if=/dev/zero of=/dev/shm/held bs=1M count=24; sleep 1000",
                          {"memory": {"limit": 64 << 20, "swap": 64 << 20}, "unified": {"memory.oom.group": "1"}})
    wait_for("its memory", SECONDS, lambda: int(read(f"{group}/memory.current")) > 24 << 20)
    runtime.call("pause", name, timeout=SECONDS)
    before = len(read(f"{group}/cgroup.procs").split())
    killable = ("sh", "-c", 'echo 0 >/proc/self/oom_score_adj; exec "$@"', "-")  # which the suite is not
    session = subprocess.Popen([*killable, *runtime.command("exec", "--ignore-paused", name, "true")], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    wait_for("the session's process", SECONDS, lambda: len(read(f"{group}/cgroup.procs").split()) > before)
    with open(f"{group}/memory.max", "w") as file:
        file.write("4M")
    said, _ = session.communicate(timeout=SECONDS)
    expect((session.returncode, "(OOM)" in said) == (137, True), f"the session ended with {session.returncode}: {said}")
    ended(runtime, name)
    expect(not read(f"{group}/cgroup.procs"), f"left are {read(group + '/cgroup.procs')}")
    runtime.call("delete", name, timeout=SECONDS)


def memory_before(runtime):
    """A kill that was before a session, and that the container has outlived, is not its end."""
    name, group = limited(runtime, "dd if=/dev/zero of=/dev/null bs=64M count=1; sleep 1000", {"memory": {"limit": 16 << 20, "swap": 16 << 20}})
    wait_for("a kill", SECONDS, lambda: fields(f"{group}/memory.events")["oom_kill"] > 0)
    with open(f"{group}/memory.oom.group", "w") as file:
        file.write("1")
    done = runtime.call("exec", name, "/no/program", check=False, timeout=SECONDS)
    expect((done.returncode, "/no/program" in done.stderr, "OOM" in done.stderr) == (255, True, False),
           f"the session ended with {done.returncode}: {done.stderr}")
    runtime.call("delete", "--force", name, timeout=SECONDS)


def processor(runtime):
    name, group = limited(runtime, "while :; do :; done", {"cpu": {"quota": 20000, "period": 100000, "shares": 512}})
    used = share_while_throttled(group)
    expect(used < 0.35, f"it used {used:.2f} of a core with a quota of 0.2")
    expect(read(f"{group}/cpu.weight").strip() == "59", f"512 shares are a weight of 59, not {read(group + '/cpu.weight')}")
    runtime.call("delete", "--force", name, timeout=SECONDS)


def processes(runtime):
    name, group = limited(runtime, "for i in $(seq 30); do sleep 1000 & done; sleep 1000", {"pids": {"limit": 12}})
    wait_for("a refused fork", SECONDS, lambda: fields(f"{group}/pids.events")["max"] > 0)
    expect(int(read(f"{group}/pids.current")) <= 12, f"there are {read(group + '/pids.current')} processes")
    runtime.call("delete", "--force", name, timeout=SECONDS)


def block_devices(runtime):
    number = read("/sys/block/vda/dev").strip()
    major, minor = (int(part) for part in number.split(":"))
    rate = {"major": major, "minor": minor, "rate": 1 << 20}
    name, group = limited(runtime, "sleep 1000", {"blockIO": {"throttleWriteBpsDevice": [rate]}})
    expect(f"{number} " in read(f"{group}/io.max") and "wbps=1048576" in read(f"{group}/io.max"), f"io.max is {read(group + '/io.max')}")
    runtime.call("delete", "--force", name, timeout=SECONDS)


def unified(runtime):
    keys = {"memory.high": "33554432", "pids.max": "77", "cpu.idle": "1"}
    name, group = limited(runtime, "sleep 1000", {"unified": keys})
    for key, value in keys.items():
        expect(read(f"{group}/{key}").strip() == value, f"{key} is {read(f'{group}/{key}')}")
    runtime.call("delete", "--force", name, timeout=SECONDS)
    done = runtime.run("true", lambda c: c["linux"]["resources"].update(unified={"memory.nothing": "1"}), check=False, timeout=SECONDS)
    expect(done.returncode != 0 and "memory.nothing" in done.stderr, f"a key that is not there was taken: {done.stderr}")


def update(runtime):
    name, group = limited(runtime, "while :; do :; done", {"memory": {"limit": 64 << 20}, "pids": {"limit": 50}})
    runtime.call("update", "--memory", "48m", "--pids-limit", "20", "--cpu-quota", "10000", "--cpu-period", "100000", "--cpu-share", "256",
                 "--cpuset-cpus", "0", name, timeout=SECONDS)
    expected = {"memory.max": str(48 << 20), "pids.max": "20", "cpu.max": "10000 100000", "cpu.weight": "35", "cpuset.cpus": "0"}
    seen = {file: read(f"{group}/{file}").strip() for file in expected}
    expect(seen == expected, f"after the update: {seen}")
    before = fields(f"{group}/cpu.stat")["nr_throttled"]
    wait_for("a throttled process", SECONDS, lambda: fields(f"{group}/cpu.stat")["nr_throttled"] > before)
    path = "/tmp/resources.json"
    with open(path, "w") as file:
        json.dump({"memory": {"limit": 32 << 20}, "unified": {"memory.low": "1048576"}}, file)
    runtime.call("update", "--resources", path, name, timeout=SECONDS)
    expect(read(f"{group}/memory.max").strip() == str(32 << 20) and read(f"{group}/memory.low").strip() == "1048576", "the file's values are not there")
    runtime.call("delete", "--force", name, timeout=SECONDS)


def freezer(runtime):
    name, group = limited(runtime, "while :; do :; done", {})
    runtime.call("pause", name, timeout=SECONDS)
    expect(runtime.status(name) == "paused" and fields(f"{group}/cgroup.events")["frozen"] == 1, "it is not frozen")
    before = fields(f"{group}/cpu.stat")["usage_usec"]
    time.sleep(1)
    expect(fields(f"{group}/cpu.stat")["usage_usec"] == before, "it went on while it was frozen")
    runtime.call("resume", name, timeout=SECONDS)
    wait_for("progress", SECONDS, lambda: fields(f"{group}/cpu.stat")["usage_usec"] > before)
    runtime.call("pause", name, timeout=SECONDS)
    runtime.call("delete", "--force", name, timeout=SECONDS)
    expect(not os.path.exists(group), "a frozen container's group is left")


def devices(runtime):
    """The disk of the machine itself, in a container that may make nodes."""
    number = read("/sys/block/vda/dev").strip().replace(":", " ")
    script = f"mknod /dev/disk b {number} && dd if=/dev/disk of=/dev/null bs=512 count=1 2>&1"
    done = runtime.run(script, check=False, timeout=SECONDS)
    expect(done.returncode != 0 and "not permitted" in done.stdout + done.stderr, f"the disk was read: {done.stdout}")
    major, minor = (int(part) for part in number.split())
    rule = {"allow": True, "type": "b", "major": major, "minor": minor, "access": "rwm"}
    allowed = runtime.run(script, lambda c: c["linux"]["resources"]["devices"].append(rule), check=False, timeout=SECONDS)
    expect(allowed.returncode == 0, f"an allowed device was refused: {allowed.stdout} {allowed.stderr}")


def controllers_reach_down(runtime):
    """A group that nobody named has all controllers, and goes with its container."""
    name, _ = runtime.create("sleep 1000")
    group = f"/sys/fs/cgroup/swiftlet-oci-{name}"
    have, wanted = set(read(group + "/cgroup.controllers").split()), set(read("/sys/fs/cgroup/cgroup.controllers").split())
    expect(have == wanted, f"the group has {have}, the machine {wanted}")
    runtime.call("delete", "--force", name, timeout=SECONDS)
    expect(not os.path.exists(group), "the group is left")


def groups_within(runtime):
    """A container that hands its controllers on to groups of its own, as a systemd within it does."""
    skipped = sessions.test_exec_beside_groups_of_its_own(runtime)
    expect(skipped is None, f"it was left out: {skipped}")


def updates_in_turn(runtime):
    skipped = habits.test_updates_in_turn(runtime)
    expect(skipped is None, f"it was left out: {skipped}")


def nothing_leaks(runtime):
    """Sixty lives one after the other: groups, mounts and the kernel's memory are back."""
    def life():
        runtime.run("true", timeout=SECONDS)
    def kernel():
        with open("/proc/sys/vm/drop_caches", "w") as file:  # what is read through a group keeps it half alive
            file.write("3")
        figures = dict(line.split(":") for line in read("/proc/meminfo").splitlines())
        return sum(int(figures[key].split()[0]) for key in ("SUnreclaim", "KernelStack", "PageTables", "Percpu"))
    for _ in range(5):
        life()
    mounts, before = read("/proc/self/mountinfo"), kernel()
    for _ in range(60):
        life()
    wait_for("the kernel's memory to be back within 4 MiB", SECONDS, lambda: kernel() - before < 4096)
    wait_for("the end of dying groups", SECONDS, lambda: kernel() and fields("/sys/fs/cgroup/cgroup.stat")["nr_dying_descendants"] < 8)
    expect(read("/proc/self/mountinfo") == mounts, "a mount is left")


def run(report):
    command("dpkg", "-i", one("/payload/swiftlet_*.deb"))
    shutil.copy("/payload/bundle/rootfs/bin/busybox", "/bin/busybox")  # what the bundles are made of
    os.makedirs(GROUP, exist_ok=True)
    runtime = Runtime("/usr/bin/swiftlet-oci")
    try:
        for title, check in (
            ("memory.limit: the kernel kills what takes more", memory), ("cpu.quota and shares: throttled and weighed", processor),
            ("memory.oom.group: a session on its way is told what has ended it", memory_of_all),
            ("memory.oom.group: a kill before a session is not its end", memory_before),
            ("pids.limit: forks are refused", processes), ("blockIO: rates of a device", block_devices),
            ("unified: keys as they are, and an error for one that is not there", unified), ("update: every value, while it runs", update),
            ("update: each leaves what the ones before have set", updates_in_turn),
            ("pause and resume; a frozen container is deleted", freezer), ("devices: the program lets in what a rule allows, and nothing else", devices),
            ("groups have all controllers, and their parent goes with the last", controllers_reach_down),
            ("exec into a container that has groups of its own", groups_within),
            ("sixty lives leave nothing", nothing_leaks),
        ):
            report.check("swiftlet-oci: " + title, check, runtime)
        scopes.run(report, runtime)
        engine.run(report)
    finally:
        runtime.clean()
        for path in [GROUP + "/" + name for name in os.listdir(GROUP) if os.path.isdir(GROUP + "/" + name)] + [GROUP]:
            os.rmdir(path)
