"""Wrong configurations are errors that name the field."""
import os
import subprocess
import tempfile

from bundle import add_mount, expect, with_users, without


def refused(runtime, field, change):
    done = runtime.call("run", "--bundle", runtime.bundle("true", change), runtime.id(), check=False)
    assert done.returncode != 0, f"{field}: it was taken"
    expect(done.stderr, field)


def test_refusals(runtime):
    """Every kind of wrong value is refused by the name of its field."""
    p = lambda **values: lambda c: c["process"].update(values)
    l = lambda **values: lambda c: c["linux"].update(values)
    cases = {
        "ociVersion": lambda c: c.update(ociVersion="invalid"),
        "root.path": lambda c: c["root"].pop("path"),
        "process: it is not set, so there is nothing to run": lambda c: c.pop("process"),
        "process.cwd": p(cwd="relative"),
        "process.cwd: it is missing": lambda c: c["process"].pop("cwd"),
        "process.args": p(args=[]),
        "process.args[1]": p(args=["a", 1]),
        "process.user.uid": p(user={"uid": -1, "gid": 0}),
        "process.rlimits": p(rlimits=[{"type": "RLIMIT_TEST", "soft": 1, "hard": 1}]),
        "process.rlimits[0].soft": p(rlimits=[{"type": "RLIMIT_CORE", "soft": 2, "hard": 1}]),
        "process.rlimits[1].type": p(rlimits=[{"type": "RLIMIT_CORE", "soft": 0, "hard": 0}] * 2),
        "process.oomScoreAdj": p(oomScoreAdj=2000),
        "process.scheduler.policy": p(scheduler={"policy": "SCHED_X"}),
        "process.ioPriority.priority": p(ioPriority={"class": "IOPRIO_CLASS_BE", "priority": 8}),
        "process.selinuxLabel": p(selinuxLabel="system_u:system_r:acme_t:s0"),
        "process.selinuxLabel: this kernel runs without SELinux": p(selinuxLabel="system_u:system_r:acme_t:s0", apparmorProfile="acme"),
        "linux.namespaces[0].type": l(namespaces=[{"type": "net"}]),
        "linux.namespaces[1].type": l(namespaces=[{"type": "pid"}, {"type": "pid"}]),
        "linux.namespaces[0].path": l(namespaces=[{"type": "pid", "path": "relative"}]),
        "linux.uidMappings": lambda c: (with_users(c), c["linux"].pop("uidMappings")),
        "linux.timeOffsets": l(timeOffsets={"boottime": {"secs": 1}}),
        "linux.sysctl": l(sysctl={"kernel.panic": "1"}),
        "linux.rootfsPropagation": l(rootfsPropagation="sideways"),
        "linux.maskedPaths[0]": l(maskedPaths=["relative"]),
        "linux.devices[0].type": l(devices=[{"type": "x", "path": "/dev/x", "major": 1, "minor": 1}]),
        "linux.seccomp.defaultAction": l(seccomp={"defaultAction": "SCMP_ACT_X"}),
        "linux.seccomp.listenerPath": l(seccomp={"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_NOTIFY"}]}),
        "linux.seccomp.syscalls[0].args[0].op": l(seccomp={"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
            {"names": ["mkdir"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_X"}]}]}),
        "linux.personality.domain": l(personality={"domain": "VMS"}),
        "linux.netDevices.lo/1": l(netDevices={"lo/1": {}}),
        "linux.netDevices.lo1.name": l(netDevices={"lo1": {"name": "a b"}}),
        "linux.netDevices.lo2.name": l(netDevices={"lo1": {"name": "a"}, "lo2": {"name": "a"}}),
        "linux.netDevices": lambda c: (without(c, "network"), c["linux"].update(netDevices={"lo1": {}})),
        "linux.memoryPolicy.mode": l(memoryPolicy={"mode": "MPOL_ANY"}),
        "linux.memoryPolicy.nodes": l(memoryPolicy={"mode": "MPOL_BIND", "nodes": "1-0"}),
        "linux.memoryPolicy.flags": l(memoryPolicy={"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_ANY"]}),
        "linux.resources.hugepageLimits[0].pageSize": lambda c: c["linux"]["resources"].update(hugepageLimits=[{"pageSize": "3MB", "limit": 1 << 20}]),
        "linux.resources.memory.swap": lambda c: c["linux"]["resources"].update(memory={"limit": 1 << 26, "swap": 1 << 20}),
        "linux.intelRdt": l(intelRdt={"closID": "x"}),
        "mounts[7].destination": lambda c: c["mounts"].append({"source": "/tmp"}),
        "mounts[7].destination: over the container's root": lambda c: add_mount(c, "/./", "/tmp", "bind", ["bind"]),
        'mounts[7].options: idmap: uids are INSIDE-OUTSIDE-SIZE, several with # between, not "0-1"':
            lambda c: add_mount(c, "/mnt", "/tmp", "bind", ["bind", "idmap=uids=0-1;gids=0-1-1"]),
        "mounts[7].options: idmap=uids=0-1-1 has no gids=": lambda c: add_mount(c, "/mnt", "/tmp", "bind", ["bind", "idmap=uids=0-1-1"]),
        "mounts[7].type": lambda c: c["mounts"].append({"destination": "/mnt", "source": "/tmp"}),
        "/nowhere/to/be/found": lambda c: c["mounts"].append({"destination": "/mnt", "source": "/nowhere/to/be/found", "options": ["bind"]}),
        'mounts[7] (/mnt): the file system type "nothing" is not known': lambda c: add_mount(c, "/mnt", "x", "nothing"),
        'mounts[7] (/mnt): option "nothing=1" of the file system type "tmpfs": Invalid argument (the kernel says: tmpfs: Unknown parameter':
            lambda c: add_mount(c, "/mnt", "x", "tmpfs", ["mode=755", "nothing=1"]),
        'mounts[7] (/mnt): option "size=many" of': lambda c: add_mount(c, "/mnt", "x", "tmpfs", ["size=many"]),
        "mounts[7] (/bin/sh/mnt): nothing can be mounted there": lambda c: add_mount(c, "/bin/sh/mnt", "x", "tmpfs"),
        "mounts[7] (/nowhere): remount": lambda c: add_mount(c, "/nowhere", "x", "tmpfs", ["remount", "ro"]),
        "hooks.prestart[0].path": lambda c: c.update(hooks={"prestart": [{"path": "relative"}]}),
        "hooks.poststop[0].timeout": lambda c: c.update(hooks={"poststop": [{"path": "/x", "timeout": 0}]}),
        "linux.sysctl: kernel.hostname": lambda c: c["linux"].update(sysctl={"kernel.hostname": "h"}),
        "hostname": lambda c: (c.update(hostname="h"), c["linux"].update(namespaces=[n for n in c["linux"]["namespaces"] if n["type"] != "uts"])),
    }
    if "\text4\n" in open("/proc/filesystems").read():
        cases['mounts[7] (/mnt): file system type "ext4", source "/nowhere/disk"'] = lambda c: add_mount(c, "/mnt", "/nowhere/disk", "ext4")
    for field, change in cases.items():
        refused(runtime, field, change)


def test_systemd_without_a_bus(runtime):
    """linux.cgroupsPath: a scope that nobody can be asked for is an error with the unit, the bus and the way out; one that is no scope too."""
    name = runtime.id()
    for path, bus, told in (
        (f"a.slice:check:{name}", "unix:path=/nowhere/bus", [f"check-{name}.scope", "/nowhere/bus", "--cgroup-manager cgroupfs"]),
        ("/a/b", "unix:path=/nowhere/bus", ["linux.cgroupsPath", "slice:prefix:name"]),
    ):
        folder = runtime.bundle("true", lambda c: c["linux"].update(cgroupsPath=path))
        done = runtime.call("--systemd-cgroup", "run", "--bundle", folder, name, check=False, env=dict(os.environ, DBUS_SYSTEM_BUS_ADDRESS=bus))
        assert done.returncode != 0, path
        for text in told:
            expect(done.stderr, text)
        assert not os.path.exists(f"{runtime.root}/{name}"), "its directory is left"


def test_systemd_of_whom(runtime):
    """linux.cgroupsPath: the root of a user namespace asks the system's bus where that is his own, else that of his session."""
    bus = runtime.folder + "/bus"
    open(bus, "w").close()
    folder = runtime.bundle("true", lambda c: c["linux"].update(cgroupsPath="a.slice:check:whose"))
    environment = dict(os.environ, DBUS_SYSTEM_BUS_ADDRESS=f"unix:path={bus}", DBUS_SESSION_BUS_ADDRESS="unix:path=/nowhere/session")
    for user, told in ((0, bus), (65534, "/nowhere/session")):
        root = tempfile.mkdtemp(dir=runtime.folder)
        os.chown(root, user, user)
        words = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "unshare", "--user", "--map-root-user", runtime.program]
        done = subprocess.run([*words, "--root", root, "--systemd-cgroup", "run", "--bundle", folder, "whose"], env=environment,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
        assert done.returncode != 0, user
        expect(done.stderr, "check-whose.scope", f"there is no bus at {told}")


def test_wrong_namespace_kind(runtime):
    """linux.namespaces: a path that leads to another kind, to no namespace or nowhere is refused, and named."""
    ends = {"cgroup": "ipc", "ipc": "mnt", "mount": "net", "network": "pid", "pid": "user", "user": "uts", "uts": "time", "time": "cgroup"}
    kinds = {"mnt": "mount", "net": "network"}
    for kind, file in ends.items():
        for path, cause in ((f"/proc/self/ns/{file}", f"it leads to a namespace of the kind {kinds.get(file, file)}"),
                            ("/proc/self/status", "it leads to no namespace"), ("/proc/self/ns/nothing", "No such file")):
            def change(c):
                c["linux"]["namespaces"] = [n for n in c["linux"]["namespaces"] if n["type"] != kind] + [{"type": kind, "path": path}]
            done = runtime.call("run", "--bundle", runtime.bundle("true", change), runtime.id(), check=False)
            assert done.returncode != 0, kind
            expect(done.stderr, f"linux.namespaces ({kind}): {path}: {cause}")


def test_unknown_is_ignored(runtime):
    """Unknown properties and annotations are no error."""
    runtime.run("true", lambda c: c.update(unknown={"a": 1}, annotations={"org.example.x": ""}))


def test_device_in_the_way(runtime):
    """linux.devices: a file of another kind at the path is an error."""
    runtime.run("touch /mnt/taken")
    refused(runtime, "/mnt/taken", lambda c: c["linux"].update(devices=[{"type": "c", "path": "/mnt/taken", "major": 1, "minor": 3}]))
    runtime.run("rm /mnt/taken")
