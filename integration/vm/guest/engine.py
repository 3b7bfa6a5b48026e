"""Debian's containerd with swiftlet-oci and SystemdCgroup: its pods' containers are scopes of systemd's, from their making to their end."""

import glob
import os
import subprocess

import cri
from report import Unmet, command, expect, one, read, wait_for

FOLDER, SOCKET, IMAGE = "/payload/containerd", "/run/containerd.sock", "docker.io/library/busybox:vm"
SECONDS = 120  # for what takes a moment: this machine may be an emulated one
SLICE = "vmpods-burstable.slice"
GROUP = f"/sys/fs/cgroup/vmpods.slice/{SLICE}"
CONFIGURATION = f"""version = 2
root = "/tmp/containerd"
state = "/run/containerd"
[grpc]
address = "{SOCKET}"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{IMAGE}"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
BinaryName = "/usr/bin/swiftlet-oci"
SystemdCgroup = true
"""


def ctr(*words):
    return command(f"{FOLDER}/ctr", "--address", SOCKET, "--namespace", "k8s.io", *words)


def shown(unit, keys):
    lines = command("systemctl", "show", unit, *[f"--property={key}" for key in keys]).splitlines()
    return dict(line.split("=", 1) for line in lines if line)


def scopes(prefix):
    return [name for name in command("systemctl", "list-units", "--all", "--plain", "--no-legend").split() if name.startswith(prefix)]


def pod(world):
    """On the machine's network, so that no plugins are needed, in the slice that a kubelet names."""
    config = world.pod_config(security=world.cri.LinuxSandboxSecurityContext(
        namespace_options=world.cri.NamespaceOption(network=world.cri.NODE)))
    config.linux.cgroup_parent = f"/vmpods.slice/{SLICE}"
    return world.run(config)


def limits(container, properties, files):
    unit = f"cri-containerd-{container.id}.scope"
    seen = shown(unit, properties)
    expect(seen == properties, f"systemd shows {seen}")
    held = {name: read(f"{GROUP}/{unit}/{name}").strip() for name in files}
    expect(held == files, f"the files hold {held}")


def life(world):
    """A pod of two, as a kubelet runs it: its limits, what is executed in it, a change of limits, its end."""
    box = pod(world)
    first = cri.limited(world, box, cpu_quota=25000, cpu_period=100000, cpu_shares=512)
    limits(first, {"Slice": SLICE, "MemoryMax": str(64 << 20), "CPUQuotaPerSecUSec": "250ms", "CPUWeight": "59"},
           {"memory.max": str(64 << 20), "cpu.max": "25000 100000", "cpu.weight": "59"})
    expect(first.run("sh", "-c", "sleep 1000 >/dev/null 2>&1 &", timeout=SECONDS).exit_code == 0, "nothing is executed")
    inside = read(f"{GROUP}/cri-containerd-{first.id}.scope/cgroup.procs").split()
    expect(len(inside) == 2, f"in the scope are {inside}")
    cri.updated(world, first, memory_limit_in_bytes=48 << 20, cpu_quota=10000, cpu_period=100000, cpuset_cpus="1")
    changed = ({"MemoryMax": str(48 << 20), "CPUQuotaPerSecUSec": "100ms", "AllowedCPUs": "1"},
               {"memory.max": str(48 << 20), "cpu.max": "10000 100000", "cpuset.cpus": "1"})
    limits(first, *changed)
    command("systemctl", "daemon-reload")
    limits(first, *changed)
    memory = world.runtime.ContainerStats(world.cri.ContainerID(container_id=first.id)).stats.memory
    expect(0 < memory.working_set_bytes.value < 48 << 20, f"the figures are {memory}")
    second = box.container(cri.SLEEP)
    expect(len(scopes("cri-containerd-")) == 3, f"the scopes are {scopes('cri-containerd-')}")
    first.stop(timeout=0)
    wait_for("the end of the scope", SECONDS, lambda: not os.path.exists(f"{GROUP}/cri-containerd-{first.id}.scope"))
    expect(second.status().state == world.cri.CONTAINER_RUNNING, "the other ended with it")
    box.stop()
    box.remove()
    world.pods.remove(box)  # it is an error there to stop it once more
    wait_for("the end of all scopes", SECONDS, lambda: not scopes("cri-containerd-"))
    wait_for("the end of all groups", SECONDS, lambda: not glob.glob(f"{GROUP}/*.scope"))


def out_of_memory(world):
    """The shell lives on until containerd has heard of the kill, which it does only as long as the group is there."""
    script = "dd if=/dev/zero of=/dev/null bs=64M count=1; code=$?; while [ ! -f /go ]; do sleep 1; done; exit $code"
    container = cri.limited(world, pod(world), ["sh", "-c", script], memory=15, memory_swap_limit_in_bytes=15 << 20)
    wait_for("word of the kill", SECONDS, lambda: container.status().reason == "OOMKilled")
    container.run("sh", "-c", ": >/go", timeout=SECONDS)
    wait_for("its end", SECONDS, lambda: container.status().state == world.cri.CONTAINER_EXITED)
    status = container.status()
    expect((status.reason, status.exit_code) == ("OOMKilled", 137), f"it ended with {status.reason} {status.exit_code}")


def by_name(_):
    """Slice, prefix and name as ctr hands them on; without a slice it is the system's."""
    for path, unit, slice in (("vmctr.slice:ctr:one", "ctr-one.scope", "vmctr.slice"), (":ctr:two", "ctr-two.scope", "system.slice")):
        name = path.split(":")[2]
        ctr("run", "--detach", "--runtime", "io.containerd.runc.v2", "--runc-binary", "/usr/bin/swiftlet-oci", "--runc-systemd-cgroup",
            "--cgroup", path, "--memory-limit", str(64 << 20), IMAGE, name, "sleep", "1000")
        expected = {"Slice": slice, "MemoryMax": str(64 << 20), "ActiveState": "active"}
        expect(shown(unit, expected) == expected, f"systemd shows {shown(unit, expected)}")
        ctr("tasks", "pause", name)
        ctr("tasks", "resume", name)
        ctr("tasks", "kill", "--signal", "KILL", name)
        wait_for("the end of its task", SECONDS, lambda: "STOPPED" in ctr("tasks", "list"))
        ctr("tasks", "rm", name)
        ctr("containers", "rm", name)
        wait_for(f"the end of {unit}", SECONDS, lambda: not scopes(unit))


def start():
    if not os.path.exists("/usr/bin/swiftlet-oci"):
        command("dpkg", "-i", one("/payload/swiftlet_*.deb"))
    with open("/tmp/containerd.toml", "w") as file:
        file.write(CONFIGURATION)
    environment = dict(os.environ, PATH=f"{FOLDER}:{os.environ.get('PATH', '/usr/sbin:/usr/bin:/sbin:/bin')}")
    with open("/tmp/containerd.log", "w") as log:
        process = subprocess.Popen([f"{FOLDER}/containerd", "--config", "/tmp/containerd.toml"], env=environment, stdout=log, stderr=log)
    wait_for("containerd's socket", SECONDS, lambda: os.path.exists(SOCKET))
    ctr("images", "import", f"{FOLDER}/image.tar")
    wait_for("the CRI's knowledge of the image", SECONDS, lambda: "io.cri-containerd.image" in ctr("images", "list"))
    return process


def told(body):
    """With containerd's last words where it fails."""
    try:
        cri.alone(body, SOCKET, IMAGE)
    except Exception as error:
        words = "\n".join(read("/tmp/containerd.log").splitlines()[-12:])
        raise Unmet(f"{error}\ncontainerd's last words:\n{words}") from error


def run(report):
    process = start()
    try:
        for name, body in (
            ("a pod's limits, exec, update and end", life), ("a container beyond its limit is OOMKilled", out_of_memory),
            ("ctr with slice, prefix and name", by_name),
        ):
            report.check("swiftlet-oci under containerd with SystemdCgroup: " + name, told, body)
    finally:
        process.terminate()
        process.wait(SECONDS)
