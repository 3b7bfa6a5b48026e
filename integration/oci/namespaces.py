"""Namespaces, new and joined, with what is set in them."""
import os
import subprocess
import tempfile

from bundle import expect, until, user_namespace, with_users, without, words


def test_names(runtime):
    """hostname and domainname."""
    out = runtime.run("hostname; cat /proc/sys/kernel/domainname", lambda c: c.update(hostname="one", domainname="two"))
    assert words(out) == ["one", "two"]


def test_namespaces_new(runtime):
    """linux.namespaces: new ones, of every kind."""
    kinds = {"pid": "pid", "mount": "mnt", "ipc": "ipc", "uts": "uts", "network": "net", "cgroup": "cgroup",
             "time": "time", "user": "user"}
    def change(c):
        with_users(c)
        c["linux"]["namespaces"].append({"type": "time"})
    script = "for k in %s; do readlink /proc/self/ns/$k; done" % " ".join(kinds.values())
    inside = words(runtime.run(script, change))
    here = [os.readlink("/proc/self/ns/" + kind) for kind in kinds.values()]
    assert len(inside) == len(here) and not set(inside) & set(here), (inside, here)


def test_namespaces_inherited(runtime):
    """linux.namespaces: those that are not named are the caller's, the mount namespace too."""
    kinds = ["pid", "mnt", "ipc", "uts", "net", "cgroup", "time", "user"]
    def change(c):
        c["linux"]["namespaces"] = []
        c["mounts"] = c["mounts"][:2]
    inside = words(runtime.run("for k in %s; do readlink /proc/self/ns/$k; done" % " ".join(kinds), change))
    assert inside == [os.readlink("/proc/self/ns/" + kind) for kind in kinds], inside
    assert runtime.rootfs + "/proc" not in open("/proc/self/mountinfo").read(), "its mounts are left behind"


def test_namespaces_joined(runtime):
    """linux.namespaces: joined by path, each kind but the user's."""
    kinds = {"pid": "pid", "mount": "mnt", "ipc": "ipc", "uts": "uts", "network": "net", "cgroup": "cgroup", "time": "time"}
    name, _ = runtime.create(change=lambda c: c["linux"]["namespaces"].append({"type": "time"}))
    pid = runtime.state(name)["pid"]
    for kind, file in kinds.items():
        if kind == "mount":
            continue
        def change(c):
            without(c, kind)
            c["linux"]["namespaces"].append({"type": kind, "path": f"/proc/{pid}/ns/{file}"})
        out = words(runtime.run(f"readlink /proc/self/ns/{file}", change))
        assert out == [os.readlink(f"/proc/{pid}/ns/{file}")], (kind, out)


def test_namespaces_elsewhere(runtime):
    """linux.namespaces: what looks like them elsewhere in the file makes none, and is in the way of none."""
    here = os.readlink("/proc/self/ns/net")
    for kind in ("ipc", "time", "user"):
        def change(c):
            inner = dict(c)
            c.clear()
            c.update({"unknown": {"namespaces": [{"type": "network"}]}}, **inner)
            without(c, "network") if kind != "user" else with_users(c)
            c["linux"]["namespaces"] = [n for n in c["linux"]["namespaces"] if n["type"] != kind] + [{"type": kind}]
        out = words(runtime.run(f"readlink /proc/self/ns/{kind}; readlink /proc/self/ns/net", change))
        assert out[0] != os.readlink(f"/proc/self/ns/{kind}"), (kind, out)
        assert (out[1] == here) == (kind != "user"), (kind, out)


def test_namespace_mount_joined(runtime):
    """linux.namespaces: a mount namespace joined by path."""
    holder = subprocess.Popen(["unshare", "-m", "--propagation", "private", "sh", "-c", "echo; exec sleep 30"], stdout=subprocess.PIPE)
    try:
        holder.stdout.readline()
        def change(c):
            without(c, "mount")
            c["linux"]["namespaces"].append({"type": "mount", "path": f"/proc/{holder.pid}/ns/mnt"})
        assert words(runtime.run("readlink /proc/self/ns/mnt", change)) == [os.readlink(f"/proc/{holder.pid}/ns/mnt")]
    finally:
        holder.kill()
        holder.wait()


def test_namespace_user_joined(runtime):
    """linux.namespaces: a user namespace joined by path, the others made in it."""
    name, _ = runtime.create(change=with_users)
    pid = runtime.state(name)["pid"]
    def change(c):
        c["linux"]["namespaces"].append({"type": "user", "path": f"/proc/{pid}/ns/user"})
    out = words(runtime.run("readlink /proc/self/ns/user; id -u; echo $$; cat /proc/self/uid_map", change))
    assert out == [os.readlink(f"/proc/{pid}/ns/user"), "0", "1", "0", "100000", "65536"], out


def test_namespaces_of_a_pod(runtime):
    """linux.namespaces: all of a container's joined by another, its users and its processes among them; what the kernel shows of them is theirs."""
    files = {"user": "user", "pid": "pid", "network": "net", "ipc": "ipc", "uts": "uts"}
    name, _ = runtime.create("ip link add of-the-pod type dummy || ip link add of-the-pod type veth; exec sleep 60", with_users)
    runtime.call("start", name)
    until(lambda: "of-the-pod" in runtime.call("exec", name, "ls", "/sys/class/net").stdout, "the pod has a link of its own")
    pid = runtime.state(name)["pid"]
    def change(c):
        without(c, *files)
        c["linux"]["namespaces"] += [{"type": kind, "path": f"/proc/{pid}/ns/{file}"} for kind, file in files.items()]
    script = "for f in %s; do readlink /proc/self/ns/$f; done; ls /sys/class/net; mount | grep /dev/mqueue"
    out = words(runtime.run(script % " ".join(files.values()), change))
    assert out[:5] == [os.readlink(f"/proc/{pid}/ns/{file}") for file in files.values()], out
    expect(" ".join(out), "of-the-pod", "type mqueue")


def test_namespaces_without_a_way_back(runtime):
    """linux.namespaces: root of a user namespace to which the host's do not belong makes a container with new ones, and with some that are its own."""
    folder = tempfile.mkdtemp(dir=runtime.folder)
    os.chown(folder, 100000, 100000)
    script = "for f in net ipc uts cgroup; do readlink /proc/self/ns/$f; done"
    def change(c):
        c["linux"].pop("resources")
        c["mounts"] = c["mounts"][:2]
    def joined(c):
        change(c)
        without(c, "network", "ipc", "uts", "cgroup")
        c["linux"]["namespaces"] += [{"type": kind, "path": f"/proc/{others.pid}/ns/{file}"}
                                     for kind, file in (("network", "net"), ("ipc", "ipc"), ("uts", "uts"), ("cgroup", "cgroup"))]
    with user_namespace() as users:
        others = subprocess.Popen([*users, "unshare", "-n", "-i", "-u", "-C", "sh", "-c", "echo; exec cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            others.stdout.readline()
            call = [*users, "unshare", "-m", runtime.program, "--root", folder + "/state", "--cgroup-manager", "disabled", "run", "--bundle"]
            for alter in (change, joined):
                done = subprocess.run([*call, runtime.bundle(script, alter), "way-back"], stdin=subprocess.PIPE, capture_output=True, text=True, timeout=60)
                assert done.returncode == 0, done
                theirs = [os.readlink(f"/proc/{others.pid}/ns/{file}") for file in ("net", "ipc", "uts", "cgroup")]
                assert (words(done) == theirs) == (alter == joined) and os.readlink("/proc/self/ns/net") not in words(done), (done.stdout, theirs)
        finally:
            others.kill()
            others.wait()


def test_processes_and_clocks_without_a_way_back(runtime):
    """linux.namespaces: the same with a new time namespace, and with a pid and a time namespace that are its own."""
    folder = tempfile.mkdtemp(dir=runtime.folder)
    os.chown(folder, 100000, 100000)
    def change(c):
        c["linux"].pop("resources")
        c["mounts"] = c["mounts"][:2]
    def with_clocks(c):
        change(c)
        c["linux"]["namespaces"].append({"type": "time"})
        c["linux"]["timeOffsets"] = {"boottime": {"secs": 1000000}}
    def joined(c):
        change(c)
        without(c, "pid")
        c["linux"]["namespaces"] += [{"type": kind, "path": f"/proc/{others.pid}/ns/{kind}_for_children"} for kind in ("pid", "time")]
    def joined_with_hooks(c):
        joined(c)
        c["hooks"] = {"createContainer": [{"path": "/bin/true"}], "createRuntime": [{"path": "/bin/sh", "args": ["sh", "-c", f"readlink /proc/self/ns/pid >{folder}/hook"]}]}
    with user_namespace() as users:
        others = subprocess.Popen([*users, "unshare", "-p", "-T", "--fork", "--kill-child", "sh", "-c", "echo; exec cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            others.stdout.readline()
            call = [*users, "unshare", "-m", runtime.program, "--root", folder + "/state", "--cgroup-manager", "disabled", "run", "--bundle"]
            theirs = [os.readlink(f"/proc/{others.pid}/ns/{kind}_for_children") for kind in ("pid", "time")]
            script = "readlink /proc/self/ns/pid; readlink /proc/self/ns/time; cut -d. -f1 /proc/uptime"
            for alter in (with_clocks, joined, joined_with_hooks):
                done = subprocess.run([*call, runtime.bundle(script, alter), "way-back"], stdin=subprocess.PIPE, capture_output=True, text=True, timeout=60)
                assert done.returncode == 0, (alter, done)
                *kinds, up = words(done)
                assert int(up) > 1000000 and not set(kinds) & set(theirs) if alter == with_clocks else kinds == theirs, (alter, done, theirs)
            # what else it makes is not of the container's
            assert open(folder + "/hook").read().strip() == os.readlink("/proc/self/ns/pid")
        finally:
            others.kill()
            others.wait()


def test_user_namespace(runtime):
    """linux.uidMappings and gidMappings: ids, ownership and devices in a user namespace."""
    out = runtime.run("cat /proc/self/uid_map /proc/self/gid_map; echo x >/dev/null && ls -l /dev/null; touch /tmp/u 2>&1; "
                      "hostname inside; hostname", with_users)
    assert out.stdout.split()[:6] == ["0", "100000", "65536"] * 2, out.stdout
    expect(out.stdout, "1,   3", "inside")


def test_streams_in_user_namespace(runtime):
    """linux.uidMappings: the pipes that a program and a session have been given can be opened by their users, root and another."""
    write = "echo said >/dev/stdout && echo too >/dev/stderr"
    for user in (0, 7):
        def change(c):
            with_users(c)
            c["process"]["user"] = {"uid": user, "gid": user}
        done = runtime.run(write, change)
        assert (done.stdout, done.stderr) == ("said\n", "too\n"), done
        name, _ = runtime.create(change=change)
        runtime.call("start", name)
        done = runtime.call("exec", name, "sh", "-c", write)
        assert (done.stdout, done.stderr) == ("said\n", "too\n"), done


def test_time_offsets(runtime):
    """linux.timeOffsets: both clocks, of a session as well."""
    def change(c):
        c["linux"]["namespaces"].append({"type": "time"})
        c["linux"]["timeOffsets"] = {"boottime": {"secs": 1000000, "nanosecs": 0}, "monotonic": {"secs": 5}}
    name, _ = runtime.create(change=change)
    runtime.call("start", name)
    since_boot = lambda text: float(text.split()[0])
    for text in (runtime.run("cat /proc/uptime", change).stdout, runtime.call("exec", name, "cat", "/proc/uptime").stdout):
        assert abs(since_boot(text) - since_boot(open("/proc/uptime").read()) - 1000000) < 60, text


def test_sysctl(runtime):
    """linux.sysctl, of the network, ipc and uts namespaces."""
    def change(c):
        c["linux"]["sysctl"] = {"net.ipv4.ip_forward": "1", "kernel.shmmni": "77", "kernel.domainname": "d.example",
                                "net/ipv4/conf/lo/forwarding": "0"}
    out = runtime.run("cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shmmni /proc/sys/kernel/domainname", change)
    assert words(out) == ["1", "77", "d.example"], out.stdout
