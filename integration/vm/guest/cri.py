"""The runtime as a CRI on cgroup v2 alone, by the client of integration/cri: what another kubelet asks for of limits, and what a hybrid host cannot show."""

import os
import sys

from cluster import Cluster
from report import command, expect, fields, read, wait_for

sys.path.insert(0, "/payload/cri")

ROOT = "/sys/fs/cgroup"
SOCKET = "/run/swiftlet/cri.sock"
SECONDS = 120  # for what takes a moment: this machine may be an emulated one
SLEEP = ["sleep", "1000"]


class Options:
    """What the client is to work with."""

    def __init__(self, socket):
        self.socket, self.registry, self.logs = socket, "", "/tmp"


def limited(world, pod, command=SLEEP, memory=64, **more):
    """A started container of at most so many MiB."""
    return pod.container(command, resources=world.cri.LinuxContainerResources(memory_limit_in_bytes=memory << 20, **more))


def group(container):
    """The one that bears the first 32 digits of the container's id."""
    name = container.id[:32]
    return next(path for path, names, _ in os.walk(ROOT) if os.path.basename(path) == name)


def held(container, **files):
    """The files of its group hold these values; a name's two underscores are a dot."""
    for name, value in files.items():
        name = name.replace("__", ".")
        found = read(f"{group(container)}/{name}").strip()
        expect(found == value, f"{name} is {found}, not {value}")


def updated(world, container, **resources):
    world.runtime.UpdateContainerResources(world.cri.UpdateContainerResourcesRequest(
        container_id=container.id, linux=world.cri.LinuxContainerResources(**resources)))


def out_of_memory(world):
    """As critest has it."""
    container = limited(world, world.pod(), ["sh", "-c", "sleep 1 && dd if=/dev/zero of=/dev/null bs=20M count=1"], memory=15)
    wait_for("its end", SECONDS, lambda: container.status().state == world.cri.CONTAINER_EXITED)
    status = container.status()
    expect((status.reason, status.exit_code) == ("OOMKilled", 137), f"it ended with {status.reason} {status.exit_code}")


def update(world):
    """A CPU manager names CPUs alone, a resize everything but those."""
    container = limited(world, world.pod(), cpu_quota=50000, cpu_period=100000, cpu_shares=512)
    held(container, memory__max=str(64 << 20), memory__swap__max="0", cpu__max="50000 100000", cpuset__cpus="")
    updated(world, container, cpuset_cpus="1")
    held(container, memory__max=str(64 << 20), cpu__max="50000 100000", cpuset__cpus="1")
    updated(world, container, memory_limit_in_bytes=48 << 20, cpu_quota=20000, cpu_period=50000)
    held(container, memory__max=str(48 << 20), memory__swap__max="0", cpu__max="20000 50000", cpuset__cpus="1")
    told = container.status().resources.linux
    seen = (told.memory_limit_in_bytes, told.cpu_quota, told.cpu_period, told.cpu_shares, told.cpuset_cpus)
    expect(seen == (48 << 20, 20000, 50000, 512, "1"), f"the status says {seen}")
    updated(world, container, cpu_quota=-1)
    held(container, memory__max=str(48 << 20), cpu__max="max 50000")


def unified(world):
    container = limited(world, world.pod(), unified={"memory.high": "33554432", "memory.swap.max": "4194304", "cpu.idle": "1"})
    held(container, memory__high="33554432", memory__max=str(64 << 20), memory__swap__max="4194304", cpu__idle="1")
    for name in ("cgroup.freeze", "memory.high/../../cgroup.freeze"):
        world.refused(lambda: updated(world, container, unified={name: "1"}), world.code.INVALID_ARGUMENT)


def figures(world):
    """The page cache is used and is no working set."""
    container = limited(world, world.pod(), ["sh", "-c", "dd if=/dev/zero of=/tmp/file bs=1M count=24; exec sleep 1000"])
    inside = group(container)
    wait_for("pages of the file", SECONDS, lambda: fields(f"{inside}/memory.stat")["file"] >= 24 << 20)
    memory = world.runtime.ContainerStats(world.cri.ContainerID(container_id=container.id)).stats.memory
    used, working, free = memory.usage_bytes.value, memory.working_set_bytes.value, memory.available_bytes.value
    expect(used >= 24 << 20 and 0 < working < used - (16 << 20), f"used are {used}, the working set is {working}")
    expect(free == (64 << 20) - working, f"{free} are said to be left of 64 MiB with {working} in use")


def described(world):
    """Every metric, also those that controllers alone make."""
    import metrics
    metrics.values(world)
    container = world.pod().container(SLEEP)
    found = {metric.name for pod in world.runtime.ListPodSandboxMetrics(world.cri.Empty()).pod_metrics
             for each in pod.container_metrics if each.container_id == container.id for metric in each.metrics}
    expect({"container_memory_kernel_usage", "container_memory_max_usage_bytes"} <= found, f"there are {sorted(found)}")


def huge_pages(world):
    """Who may have two gets two, and who was told none, as kubelets tell whoever asks for none, gets none."""
    with open("/proc/sys/vm/nr_hugepages", "w") as file:
        file.write("6")
    command("systemctl", "restart", "swiftlet")  # which asks when it starts whether there are any
    Cluster().ready()
    os.makedirs("/tmp/huge", exist_ok=True)
    command("mount", "-t", "hugetlbfs", "-o", "pagesize=2M", "none", "/tmp/huge")
    pod = world.pod()
    mounts = [world.cri.Mount(host_path="/tmp/huge", container_path="/huge")]
    def allowed(limit):
        pages = [world.cri.HugepageLimit(page_size="2MB", limit=limit), world.cri.HugepageLimit(page_size="1GB", limit=0)]
        return pod.container(SLEEP, mounts=mounts, resources=world.cri.LinuxContainerResources(hugepage_limits=pages))
    def takes(container, pages):
        return container.run("fallocate", "-l", str(pages << 21), f"/huge/{container.id}", timeout=SECONDS).exit_code == 0
    two, none = allowed(4 << 20), allowed(0)
    held(two, hugetlb__2MB__max=str(4 << 20), hugetlb__2MB__rsvd__max=str(4 << 20), hugetlb__1GB__max="0")
    expect(takes(two, 2), "two pages are refused")
    expect(not takes(two, 3), "a third page is given")
    expect(not takes(none, 1), "a page is given to who may have none")
    expect(takes(pod.container(SLEEP, mounts=mounts), 1), "a page is refused to who has no limit")
    command("umount", "-l", "/tmp/huge")
    with open("/proc/sys/vm/nr_hugepages", "w") as file:
        file.write("0")


def groups_within(world):
    """As docker within a pod has it: all processes into a group beneath, whose controllers are then switched on. Probes and people still come in."""
    script = ("mkdir /sys/fs/cgroup/init && echo 0 >/sys/fs/cgroup/init/cgroup.procs && "
              "echo '+memory +pids' >/sys/fs/cgroup/cgroup.subtree_control && exec sleep 1000")
    container = world.pod().container(["sh", "-c", script], security=world.cri.LinuxContainerSecurityContext(privileged=True))
    wait_for("its controllers", SECONDS, lambda: "memory" in read(f"{group(container)}/cgroup.subtree_control"))
    said = container.says("cat", "/proc/self/cgroup").strip()
    expect(said == "0::/init", f"exec sees itself in {said}")


def others_group(world):
    """A kubelet's own group for the pod, made as kubelets make it: its controllers are switched on above it alone."""
    folder = f"{ROOT}/kubepods/burstable/pod1"
    os.makedirs(folder)
    for above in (ROOT, f"{ROOT}/kubepods", f"{ROOT}/kubepods/burstable"):
        with open(f"{above}/cgroup.subtree_control", "w") as file:
            file.write("+cpu +cpuset +io +memory +pids")
    config = world.pod_config()
    config.linux.cgroup_parent = "/kubepods/burstable/pod1"
    # The sum of those limits that there are; one container has none.
    config.linux.resources.CopyFrom(world.cri.LinuxContainerResources(memory_limit_in_bytes=32 << 20, cpu_shares=102))
    pod = world.run(config)
    first, second = limited(world, pod, memory=32, cpu_quota=20000, cpu_period=100000), pod.container(SLEEP)
    expect(group(first).startswith(folder + "/"), f"it is in {group(first)}")
    held(first, memory__max=str(32 << 20), cpu__max="20000 100000")
    held(second, memory__max="max")
    expect(read(os.path.dirname(group(second)) + "/memory.max").strip() == "max", "one container's limit holds the whole pod")
    updated(world, first, cpuset_cpus="0")
    held(first, cpuset__cpus="0", memory__max=str(32 << 20))
    pod.stop()
    pod.remove()
    os.removedirs(folder)  # refused where anything is left in it


def open_world(socket, image="busybox:vm"):
    """One check's client, with what the checks name."""
    import grpc
    import runtime_pb2
    import world

    opened = world.World(Options(socket))
    opened.busybox, opened.cri, opened.code, opened.refused = image, runtime_pb2, grpc.StatusCode, world.fails
    return opened


def alone(body, socket, image="busybox:vm"):
    world = open_world(socket, image)
    try:
        body(world)
    finally:
        world.clean_up()


def run(report):
    for name, body in (
        ("a container beyond its limit is OOMKilled", out_of_memory),
        ("an update changes what it names and nothing else", update),
        ("unified keys hold", unified),
        ("the working set is without the cache", figures),
        ("metrics are those that are described", described),
        ("exec into a container that has groups of its own", groups_within),
        ("a pod in a kubelet's own group: limits hold, and nothing is left", others_group),
        ("huge pages: as many as allowed, and none where none are", huge_pages),
    ):
        report.check("CRI: " + name, alone, body, SOCKET)
