"""A node that runs short: the figures it goes by, its conditions, whom it evicts and whom it lets in."""

import json
import os
import re

from cluster import Cluster, Refused
from limits import container_group, pod_group
from report import command, expect, fields, read, wait_for

CONFIG = "/etc/swiftlet/config.yaml"
# Levels that this machine of 2 GiB comes to without being in danger, and conditions that turn back soon.
SETTINGS = """eviction-hard: memory.available<1100Mi,nodefs.available<25%,nodefs.inodesFree<5%
eviction-pressure-transition-period: 40
"""


def configure(cluster):
    with open(CONFIG, "a") as file:
        file.write(SETTINGS)
    command("systemctl", "restart", "swiftlet")
    cluster.ready()
    for kind in ("MemoryPressure", "DiskPressure", "PIDPressure"):
        seen = wait_for(f"a condition {kind}", 30, lambda: cluster.condition(kind))
        expect(seen["status"] == "False", f"a node with nothing to do says {seen}")


def wrong_settings():
    """A level that is none is named before anything starts."""
    try:
        command("swiftlet", "server", "--eviction-hard", "memory.available<lots", "--data-dir", "/tmp/wrong")
    except Exception as error:
        expect("eviction-hard" in str(error) and "lots" in str(error), f"it says {error}")
        return
    expect(False, "the daemon takes memory.available<lots")


# Figures


def between(name, low, value, high):
    expect(low <= value <= high, f"{name} is {value}; the kernel says {low} before and {high} after")


def of_node(cluster, path):
    return cluster.get(f"/api/v1/nodes/{cluster.node()['metadata']['name']}/proxy/{path}")


def summary_of(summary, pod):
    entry = next((entry for entry in summary["pods"] if entry["podRef"]["name"] == pod), None)
    expect(entry, f"no pod {pod} in the summary")
    return entry, entry["containers"][0]


def working_set(group):
    return int(read(f"{group}/memory.current")) - fields(f"{group}/memory.stat")["inactive_file"]


def stalled(group, resource):
    """Microseconds in which some task waited for the resource."""
    return int(re.search(r"some .*total=(\d+)", read(f"{group}/{resource}.pressure")).group(1))


def busy_pod(cluster):
    cluster.run(
        "counted", "head -c 5000000 /dev/zero >/written; head -c 3000000 /dev/zero >/scratch/f; head -c 100000 /dev/zero | tr '\\0' x; echo;"
        " while :; do :; done & while :; do :; done & while :; do :; done & wait",
        {"requests": {"memory": "16Mi"}, "limits": {"memory": "64Mi"}}, empty={})


def summary(cluster):
    busy_pod(cluster)
    wait_for("the three loops", 240, lambda: int(read(f"{container_group(cluster, 'counted')}/pids.current")) == 4)
    groups = {"pod": pod_group(cluster, "counted"), "container": container_group(cluster, "counted")}

    def kernel():
        return {name: (fields(f"{group}/cpu.stat")["usage_usec"], stalled(group, "cpu")) for name, group in groups.items()}

    before, document, after = kernel(), of_node(cluster, "stats/summary"), kernel()
    entries = dict(zip(("pod", "container"), summary_of(document, "counted")))
    for name, entry in entries.items():
        between(f"CPU of the {name}", before[name][0], entry["cpu"]["usageCoreNanoSeconds"] // 1000, after[name][0])
        between(f"CPU pressure of the {name}", before[name][1], entry["cpu"]["psi"]["some"]["total"] // 1000, after[name][1])
        expect(entry["cpu"]["psi"]["some"]["total"] > 0, "three busy loops on two processors waited for none")
        used = working_set(groups[name])
        expect(abs(entry["memory"]["workingSetBytes"] - used) < 4 << 20, f"memory of the {name}: {entry['memory']}, the kernel says {used}")
        expect(entry["memory"]["availableBytes"] == (64 << 20) - entry["memory"]["workingSetBytes"], f"{entry['memory']} of a limit of 64Mi")
        expect("psi" in entry["memory"] and "psi" in entry["io"], f"the {name} has no pressure of memory and disk: {sorted(entry)}")
    expect(entries["pod"]["process_stats"]["process_count"] == int(read(f"{groups['pod']}/pids.current")), f"{entries['pod']['process_stats']}")



def stored(cluster):
    pod, container = summary_of(of_node(cluster, "stats/summary"), "counted")
    expect(5_000_000 <= container["rootfs"]["usedBytes"] < 5_500_000, f"5 MB written into the root: {container['rootfs']}")
    volume = next(entry for entry in pod["volume"] if entry["name"] == "scratch")
    expect(3_000_000 <= volume["usedBytes"] < 3_300_000, f"3 MB in the volume: {volume}")
    expect(100_000 <= container["logs"]["usedBytes"] < 400_000, f"100 KB logged: {container['logs']}")
    expect(pod["ephemeral-storage"]["usedBytes"] >= 8_100_000, f"{pod['ephemeral-storage']}")


def node_figures(cluster):
    def kernel():
        memory = {name: int(value) << 10 for name, value in re.findall(r"^(\S+):\s+(\d+) kB", read("/proc/meminfo"), re.M)}
        return memory["MemTotal"], memory["MemTotal"] - memory["MemFree"] - memory["Inactive(file)"] - memory["KReclaimable"]

    node = of_node(cluster, "stats/summary")["node"]
    total, used = kernel()
    memory = node["memory"]
    expect(abs(memory["workingSetBytes"] - used) < 64 << 20, f"memory: {memory}, the kernel says {used}")
    expect(memory["availableBytes"] + memory["workingSetBytes"] == total, f"memory: {memory} of {total}")
    disk = os.statvfs("/var/lib/swiftlet")
    expect(node["fs"]["capacityBytes"] == disk.f_blocks * disk.f_frsize, f"disk: {node['fs']}")
    expect(abs(node["fs"]["availableBytes"] - disk.f_bavail * disk.f_frsize) < 32 << 20, f"disk: {node['fs']}")
    expect(node["runtime"]["imageFs"]["capacityBytes"] == node["fs"]["capacityBytes"], f"images: {node['runtime']}")
    expect(node["rlimit"]["curproc"] > 20 and node["rlimit"]["maxpid"] > 1000, f"processes: {node['rlimit']}")
    pods = next(entry for entry in node["systemContainers"] if entry["name"] == "pods")["memory"]
    group = os.path.dirname(os.path.dirname(pod_group(cluster, "counted")))
    expect(abs(pods["workingSetBytes"] - working_set(group)) < 8 << 20, f"all pods: {pods}, the kernel says {working_set(group)}")
    for resource in ("cpu", "memory", "io"):
        expect("some" in node[resource]["psi"], f"no pressure of {resource} in {node[resource]}")


def metric(text, name, **labels):
    """The values of the family's lines with these labels."""
    found = []
    for line in text.splitlines():
        match = re.match(rf"{name}(?:{{(.*)}})? (\S+)(?: \d+)?$", line)
        if match and dict(re.findall(r'(\w+)="([^"]*)"', match.group(1) or "")).items() >= labels.items():
            found.append(float(match.group(2)))
    return found


def metrics(cluster):
    group = container_group(cluster, "counted")
    labels = {"namespace": "default", "pod": "counted", "container": "main"}
    for path in ("metrics/resource", "metrics/cadvisor"):
        before = fields(f"{group}/cpu.stat")["usage_usec"] / 1e6
        text = of_node(cluster, path)
        after = fields(f"{group}/cpu.stat")["usage_usec"] / 1e6
        value, = metric(text, "container_cpu_usage_seconds_total", **labels)
        between(f"CPU in {path}", before, value, after)
        value, = metric(text, "container_memory_working_set_bytes", **labels)
        expect(abs(value - working_set(group)) < 4 << 20, f"memory in {path} is {value}, the kernel says {working_set(group)}")
    before = stalled(group, "cpu") / 1e6
    text = of_node(cluster, "metrics/cadvisor")
    value, = metric(text, "container_pressure_cpu_waiting_seconds_total", **labels)
    between("CPU pressure", before, value, stalled(group, "cpu") / 1e6)
    for resource in ("cpu", "memory", "io"):
        for kind in ("waiting", "stalled"):
            name = f"container_pressure_{resource}_{kind}_seconds_total"
            expect(metric(text, name, **labels) and metric(text, name, id="/"), f"no {name}")
    expect(metric(text, "container_spec_memory_limit_bytes", **labels) == [64 << 20], "the limit is not told")


def command_line(cluster):
    document = json.loads(command("swiftlet", "stats", "-o", "json"))
    _, container = summary_of(document, "counted")
    used = working_set(container_group(cluster, "counted"))
    expect(abs(container["memory"]["workingSetBytes"] - used) < 4 << 20, f"{container['memory']}, the kernel says {used}")
    line = next(line for line in command("swiftlet", "stats", "--once").splitlines() if "default/counted" in line)
    busy = float(re.search(r"([\d.]+) %", line).group(1))
    expect(100 < busy <= 210, f"three busy loops on two processors: {line}")
    cluster.remove("counted")


# Evictions


def is_tainted(cluster, kind):
    return any(taint["key"] == f"node.kubernetes.io/{kind}-pressure" for taint in cluster.node()["spec"].get("taints", []))


def evicted(cluster, name, resource):
    pod = cluster.wait_phase(name, "Failed")
    status = pod["status"]
    expect(status["reason"] == "Evicted" and f"low on resource: {resource}" in status["message"], f"it ended with {status}")
    target = next((entry for entry in status["conditions"] if entry["type"] == "DisruptionTarget"), {})
    expect(target.get("status") == "True" and target.get("reason") == "TerminationByKubelet", f"no disruption is told: {status['conditions']}")
    wait_for("an event of it", 20, lambda: any(event.startswith("Warning Evicted") for event in cluster.events(name)))
    return status["message"]


def running(cluster, *names):
    for name in names:
        pod = cluster.pod(name)
        expect(pod["status"]["phase"] == "Running", f"{name} is {pod['status']}")
        expect(pod["status"]["containerStatuses"][0]["restartCount"] == 0, f"{name} was restarted")


def turns(cluster, kind, value, seconds):
    """Waits for the condition and the taint that follows from it."""
    wait_for(f"{kind} being {value}", seconds, lambda: cluster.condition(kind).get("status") == value)
    short = {"MemoryPressure": "memory", "DiskPressure": "disk"}[kind]
    wait_for(f"the taint of {kind}", 30, lambda: is_tainted(cluster, short) == (value == "True"))


def memory_pressure(cluster):
    """What eats memory goes, the others stay; while the node is short, a pod that asks for nothing is kept out."""
    cluster.run("idle", "sleep 1000")
    cluster.run("sure", "sleep 1000", {"limits": {"cpu": "100m", "memory": "32Mi"}})
    before = cluster.node()["status"]["conditions"]
    cluster.run(
        "eater", "dd if=/dev/zero of=/scratch/f bs=1M count=900; sleep 1000", {"requests": {"memory": "16Mi"}},
        empty={"medium": "Memory"})
    turns(cluster, "MemoryPressure", "True", 240)
    message = evicted(cluster, "eater", "memory")
    expect("Container main was using" in message and "request is 16Mi" in message, message)
    running(cluster, "idle", "sure")
    expect(before != cluster.node()["status"]["conditions"], "no condition has changed")
    wait_for("the evicted pod's volume being gone", 20, lambda: "/volumes/scratch" not in read("/proc/mounts"))
    node = cluster.node()["metadata"]["name"]
    cluster.run("waits", "sleep 1000", wait=None)
    cluster.run("pushed", "sleep 1000", wait="Failed", nodeName=node)
    status = cluster.pod("pushed")["status"]
    expect(status["reason"] == "Evicted" and "MemoryPressure" in status["message"], f"it ended with {status}")
    cluster.run("asks", "sleep 1000", {"requests": {"memory": "16Mi"}})
    expect(cluster.pod("waits")["status"]["phase"] == "Pending", "a pod that asks for nothing came to a node that is short of memory")
    expect(cluster.condition("MemoryPressure")["reason"] == "KubeletHasInsufficientMemory", f"{cluster.condition('MemoryPressure')}")


def memory_relief(cluster):
    turns(cluster, "MemoryPressure", "False", 300)
    expect(cluster.condition("MemoryPressure")["reason"] == "KubeletHasSufficientMemory", f"{cluster.condition('MemoryPressure')}")
    cluster.wait_phase("waits", "Running")
    running(cluster, "idle", "sure", "asks")
    for name in ("waits", "pushed", "asks", "eater"):
        cluster.remove(name)


def room():
    disk = os.statvfs("/var/lib/swiftlet")
    return disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize


def fill(size):
    """A shell command that takes so many bytes at once."""
    return f"fallocate -l {int(size)} "


def dead_containers(cluster):
    """What a pod that has ended left behind goes before a pod that runs."""
    free, all_of_it = room()
    level = all_of_it // 4
    cluster.run("spent", fill(free - level - (600 << 20)) + "/left", wait="Succeeded")
    cluster.run("holder", fill(900 << 20) + "/scratch/f; sleep 1000", empty={})
    turns(cluster, "DiskPressure", "True", 240)
    wait_for("room being made", 60, lambda: room()[0] > level)
    running(cluster, "holder", "idle")
    spent = cluster.pod("spent")["status"]
    expect(spent["phase"] == "Succeeded" and spent["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 0, f"its end is lost: {spent}")
    turns(cluster, "DiskPressure", "False", 300)


def disk_pressure(cluster):
    """Of two that store the one that stores more goes; nobody new comes in meanwhile."""
    free, all_of_it = room()
    cluster.run("filler", fill(free - all_of_it // 4 + (300 << 20)) + "/scratch/f; sleep 1000", empty={})
    turns(cluster, "DiskPressure", "True", 240)
    message = evicted(cluster, "filler", "ephemeral-storage")
    expect("Threshold quantity" in message, message)
    wait_for("its volume being gone", 30, lambda: room()[0] > all_of_it // 4)
    running(cluster, "holder", "idle", "sure")
    cluster.run("asks", "sleep 1000", {"requests": {"memory": "16Mi"}}, wait="Failed", nodeName=cluster.node()["metadata"]["name"])
    status = cluster.pod("asks")["status"]
    expect(status["reason"] == "Evicted" and "DiskPressure" in status["message"], f"it ended with {status}")
    turns(cluster, "DiskPressure", "False", 300)
    running(cluster, "holder", "idle", "sure")
    names = [event for event in cluster.events(cluster.node()["metadata"]["name"]) if "DiskPressure" in event]
    expect(any("NodeHasDiskPressure" in event for event in names) and any("NodeHasNoDiskPressure" in event for event in names), f"{names}")


def storage_limits(cluster):
    """A pod that stores more than its limits say goes, whatever room the node has."""
    cluster.run("volume", "head -c 30000000 /dev/zero >/scratch/f; sleep 1000", wait="Failed", empty={"sizeLimit": "20Mi"})
    cluster.run("layer", "head -c 30000000 /dev/zero >/f; sleep 1000", {"limits": {"ephemeral-storage": "20Mi"}}, wait="Failed")
    for name, said in (("volume", 'EmptyDir volume "scratch" exceeds the limit "20Mi"'), ("layer", "exceeds the total limit of containers 20Mi")):
        status = cluster.pod(name)["status"]
        expect(status["reason"] == "Evicted" and said in status["message"], f"it ended with {status}")
    for name in ("volume", "layer", "holder", "filler", "asks", "spent", "idle", "sure"):
        try:
            cluster.remove(name)
        except Refused:
            pass


def run(report):
    cluster = Cluster()
    for name, body, *arguments in (
        ("eviction: settings are taken, and the node is short of nothing", configure, cluster),
        ("eviction: a wrong level is refused by name", wrong_settings),
        ("figures: the summary is what the cgroup files say", summary, cluster),
        ("figures: what containers, logs and volumes store", stored, cluster),
        ("figures: the node's own", node_figures, cluster),
        ("figures: the metrics, pressure included", metrics, cluster),
        ("figures: swiftlet stats", command_line, cluster),
        ("memory: the pod that eats it is evicted, others stay", memory_pressure, cluster),
        ("memory: the condition turns back", memory_relief, cluster),
        ("disk: what dead containers left goes first", dead_containers, cluster),
        ("disk: the pod that fills it is evicted, others stay", disk_pressure, cluster),
        ("disk: limits of volumes and containers hold", storage_limits, cluster),
    ):
        report.check(name, body, *arguments)
