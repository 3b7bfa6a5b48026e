"""The container's group and its limits."""
import json
import os

from bundle import controllers, expect, hierarchy


def test_cgroup(runtime):
    """linux.cgroupsPath: the container is in its group, the namespace's root, and the group goes with it."""
    path = "/oci-check-%d/inner" % os.getpid()
    name, folder = runtime.create(change=lambda c: c["linux"].update(cgroupsPath=path))
    pid = runtime.state(name)["pid"]
    line = [l for l in open(f"/proc/{pid}/cgroup") if l.startswith("0::")][0].strip()
    assert line == "0::" + path, line
    runtime.call("start", name)
    out = runtime.call("exec", name, "grep", "^0::", "/proc/self/cgroup")
    assert out.stdout.strip() == "0::/", out.stdout
    runtime.call("delete", "--force", name)
    assert not os.path.exists(hierarchy() + path)
    os.rmdir(hierarchy() + os.path.dirname(path))


def test_unheld_limits_are_told(runtime):
    """linux.resources: what the host cannot hold is said, never dropped in silence."""
    known = controllers()
    if "memory" in known:
        return "this host has the controllers"
    done = runtime.run("true", lambda c: c["linux"]["resources"].update(memory={"limit": 1 << 26}, pids={"limit": 50}))
    expect(done.stderr, "linux.resources.memory.limit cannot be held", "linux.resources.pids.limit cannot be held")
    # as engines call it, which look into the file where a call has failed
    log, name = runtime.folder + "/unheld.log", runtime.id()
    folder = runtime.bundle("true", lambda c: c["linux"]["resources"].update(memory={"limit": 1 << 26}))
    done = runtime.call("--log", log, "--log-format", "json", "run", "--bundle", folder, name)
    expect(done.stderr, "warning: linux.resources.memory.limit cannot be held")
    said = [json.loads(line) for line in open(log)]
    assert [entry["level"] for entry in said] == ["warning"] and "memory.limit cannot be held" in said[0]["msg"], said


def test_resources(runtime):
    """linux.resources: memory, processor, processes and unified keys in the group's files."""
    mount, known = hierarchy(), controllers()
    if not {"memory", "cpu", "pids"} <= set(known):
        return "the controllers of this host are bound to cgroup v1"
    def change(c):
        c["linux"]["cgroupsPath"] = "/oci-check-limits"
        c["linux"]["resources"].update(
            memory={"limit": 1 << 26, "reservation": 1 << 25, "swap": 1 << 27}, pids={"limit": 50},
            cpu={"shares": 512, "quota": 50000, "period": 100000}, unified={"memory.high": "60000000"})
    name, _ = runtime.create(change=change)
    read = lambda file: open(f"{mount}/oci-check-limits/{file}").read().split()
    assert read("memory.max") == [str(1 << 26)] and read("memory.low") == [str(1 << 25)] and read("pids.max") == ["50"]
    assert read("cpu.max") == ["50000", "100000"] and read("cpu.weight") == ["59"], read("cpu.weight")
    runtime.call("update", "--pids-limit", "60", "--memory", "128m", name)
    assert read("pids.max") == ["60"] and read("memory.max") == [str(1 << 27)]
    little = {"memory": {"limit": 4096, "checkBeforeUpdate": True}}
    done = runtime.call("update", "--resources", "-", name, check=False, stdin=json.dumps(little))
    assert done.returncode != 0 and "4096 bytes are not more than" in done.stderr, done.stderr
    assert read("memory.max") == [str(1 << 27)], "it was limited to less than it uses"


def test_unified(runtime):
    """linux.resources.unified: written into the group; a file that is not there is an error."""
    mount, known = hierarchy(), controllers()
    if "hugetlb" not in known and "pids" not in known:
        return "no controller to try it with"
    file = "pids.max" if "pids" in known else "hugetlb.2MB.max"
    group = f"oci-check-unified-{os.getpid()}"
    def change(c):
        c["linux"]["cgroupsPath"] = "/" + group
        c["linux"]["resources"]["unified"] = {file: "4194304"}
    name, _ = runtime.create(change=change)
    assert open(f"{mount}/{group}/{file}").read().strip() == "4194304"
    done = runtime.run("true", lambda c: c["linux"]["resources"].update(unified={"nothing.max": "1"}), check=False)
    assert done.returncode != 0
    expect(done.stderr, "linux.resources.unified", "nothing.max")
    assert not os.path.exists(f"{mount}/swiftlet-oci-{runtime.made[-1]}"), "the group of what could not be made is left"
