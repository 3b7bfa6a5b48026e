"""Limits as the kernel holds them: memory, CPU, processes, and the values in the cgroup files."""

import glob
import os
import time

from cluster import Cluster
from report import command, expect, fields, read, share_while_throttled, wait_for

ROOT = "/sys/fs/cgroup"
CONFIGURATION = "/etc/swiftlet/config.yaml"


def pod_group(cluster, name):
    """The cgroup of a pod, found by its uid."""
    uid = cluster.pod(name)["metadata"]["uid"]
    found = [path for path in glob.glob(f"{ROOT}/**/*{uid}*", recursive=True) if os.path.isdir(path)]
    expect(found, f"no cgroup bears the uid {uid} of pod {name}")
    return min(found, key=len)


def container_group(cluster, name, container="main"):
    """The cgroup of a running container: it bears the first 32 digits of the container's id."""
    pod = cluster.pod(name)
    status = next(entry for entry in pod["status"]["containerStatuses"] if entry["name"] == container)
    identity = status["containerID"].split("//")[1][:32]
    found = [path for path in glob.glob(f"{ROOT}/**/*{identity}*", recursive=True) if os.path.isdir(path)]
    expect(found, f"no cgroup bears the id {identity} of container {container}")
    return min(found, key=len)


def memory_limit(cluster):
    cluster.run("oom", "echo up; x=$(yes | head -c 200000000 | tr -d '\\n'); echo ${#x}", {"limits": {"memory": "32Mi"}}, wait=None)
    pod = cluster.wait_phase("oom", "Failed", 180)
    ended = pod["status"]["containerStatuses"][0]["state"]["terminated"]
    expect(ended["reason"] == "OOMKilled" and ended["exitCode"] == 137, f"it ended with {ended}")
    cluster.remove("oom")


def memory_values(cluster):
    cluster.run("memory", "sleep 1000", {"limits": {"memory": "64Mi"}, "requests": {"memory": "16Mi"}})
    group = container_group(cluster, "memory")
    expect(read(f"{group}/memory.max").strip() == str(64 << 20), f"memory.max is {read(group + '/memory.max')}")
    expect(read(f"{group}/memory.oom.group").strip() == "1", "an OOM kill does not take the whole container")
    expect(read(f"{pod_group(cluster, 'memory')}/memory.max").strip() == str(64 << 20), "the pod's memory.max is not the sum of its containers'")
    cluster.remove("memory")


def cpu_limit(cluster):
    cluster.run("busy", "while :; do :; done", {"limits": {"cpu": "200m"}, "requests": {"cpu": "100m"}})
    group = container_group(cluster, "busy")
    expect(read(f"{group}/cpu.max").strip() == "20000 100000", f"cpu.max is {read(group + '/cpu.max')}")
    expect(read(f"{group}/cpu.weight").strip() == "17", f"cpu.weight is {read(group + '/cpu.weight')} for a request of 100m")
    used = share_while_throttled(group)
    expect(used < 0.3, f"it used {used:.2f} of a core, its limit is 0.2")
    cluster.remove("busy")


def cpu_shares(cluster):
    """Two that want everything get it in the proportion of their requests."""
    for name, request in (("small", "100m"), ("large", "800m")):
        cluster.run(name, "while :; do :; done & while :; do :; done & wait", {"requests": {"cpu": request}})
    groups = {name: container_group(cluster, name) for name in ("small", "large")}
    before = {name: fields(f"{group}/cpu.stat")["usage_usec"] for name, group in groups.items()}
    time.sleep(8)
    used = {name: fields(f"{group}/cpu.stat")["usage_usec"] - before[name] for name, group in groups.items()}
    for name in groups:
        cluster.remove(name)
    ratio = used["large"] / max(1, used["small"])
    expect(ratio > 3, f"requests of 800m and 100m used the CPU at {ratio:.1f} to 1")


def process_limit(cluster):
    """A fork bomb is held by the pod's pids.max, and the node goes on."""
    cluster.run("usual", "exec sleep 600")
    usual = int(read(f"{pod_group(cluster, 'usual')}/pids.max"))
    expect(usual >= 256, f"a pod may have {usual} processes where nothing is set")
    cluster.remove("usual")
    settings = read(CONFIGURATION)
    try:
        # Few, since forking is slow in emulation.
        configure(cluster, settings + "pod-max-pids: 200\n")
        # A shell that cannot fork ends; the container's own process outlives it.
        cluster.run("bomb", "sh -c 'while :; do sleep 600 & done'; exec sleep 600")
        group = pod_group(cluster, "bomb")
        expect(read(f"{group}/pids.max").strip() == "200", f"pids.max is {read(group + '/pids.max')}")
        # Linux before 6.11 counts a refusal where the process is, not where the limit is.
        wait_for("the bomb reaching its limit", 240, lambda: any(
            fields(path).get("max", 0) > 0 for path in glob.glob(f"{group}/**/pids.events", recursive=True)))
        running = int(read(f"{group}/pids.current"))
        expect(100 < running <= 200, f"{running} processes run with a limit of 200")
        expect(cluster.condition("Ready")["status"] == "True", "the node is not Ready")
        cluster.remove("bomb", seconds=120)
    finally:
        configure(cluster, settings)


def configure(cluster, text):
    """Has the daemon read these settings."""
    with open(CONFIGURATION, "w") as file:
        file.write(text)
    command("systemctl", "restart", "swiftlet")
    cluster.ready()


def hugepages(cluster):
    """What this node does not have is refused by the scheduler, by name."""
    cluster.run("huge", "sleep 1000", {"limits": {"hugepages-2Mi": "64Mi", "memory": "64Mi", "cpu": "100m"}}, wait=None)
    wait_for("the pod being refused", 60, lambda: any("hugepages-2Mi" in event for event in cluster.events("huge")))
    cluster.remove("huge")


def quality_tree(cluster):
    cluster.run("best", "sleep 1000")
    cluster.run("burst", "sleep 1000", {"requests": {"cpu": "100m", "memory": "16Mi"}})
    cluster.run("sure", "sleep 1000", {"limits": {"cpu": "100m", "memory": "16Mi"}})
    groups = {name: pod_group(cluster, name) for name in ("best", "burst", "sure")}
    expect("besteffort" in groups["best"] and "burstable" in groups["burst"], f"the tree has no classes: {groups}")
    expect("besteffort" not in groups["sure"] and "burstable" not in groups["sure"], f"a guaranteed pod is in {groups['sure']}")
    def weight(name):
        return read(os.path.join(os.path.dirname(groups[name]), "cpu.weight")).strip()

    expect(weight("best") == "1", f"the best-effort class has cpu.weight {weight('best')}")
    expect(weight("burst") == "17", f"the burstable class has cpu.weight {weight('burst')} for 100m asked for in all")
    expect(read(f"{groups['sure']}/cpu.max").strip() == "10000 100000", "a guaranteed pod's group has no cpu.max")
    scores = {}
    for name in groups:
        process = read(f"{container_group(cluster, name)}/cgroup.procs").split()[0]
        scores[name] = int(read(f"/proc/{process}/oom_score_adj"))
    expect(scores["best"] == 1000 and scores["sure"] == -997 and 2 <= scores["burst"] <= 999, f"OOM scores are {scores}")
    for name in groups:
        cluster.remove(name)
    # The sandbox may end after the object.
    wait_for("the burstable class losing the weight of a pod that is gone", 30, lambda: weight("burst") == "1")


def node_limits(cluster):
    """All pods together are held to what the node can give and what it keeps free (100 MiB)."""
    cluster.run("held", "sleep 1000")
    group = pod_group(cluster, "held")
    while os.path.dirname(group) != ROOT and os.path.basename(group) != "pods":
        group = os.path.dirname(group)
    allocatable = cluster.node()["status"]["allocatable"]["memory"]
    held = int(read(f"{group}/memory.max"))
    expect(f"{(held >> 10) - (100 << 10)}Ki" == allocatable, f"{group} has memory.max {held}; allocatable is {allocatable}")
    expect(read(f"{group}/pids.max").strip() != "max", f"{group} has no pids.max")
    cluster.remove("held")


def nothing_left(cluster):
    def empty():
        return not [path for path in glob.glob(f"{ROOT}/**/cgroup.procs", recursive=True) if "/pod" in path and read(path).strip()]
    wait_for("all pods' cgroups being gone", 30, empty)


def honest(cluster):
    """Nothing is said to be unenforced on a host that enforces it."""
    for condition in cluster.node()["status"]["conditions"]:
        expect("limit" not in condition.get("reason", "").lower() or condition["status"] == "False", f"the node says {condition}")


def alone(body, cluster):
    """A check whose pods go with it, so that one that fails leaves nothing to the next."""
    try:
        body(cluster)
    finally:
        cluster.clear()


def run(report):
    cluster = Cluster()
    for name, body in (
        ("memory: values are written", memory_values),
        ("memory: over the limit is OOMKilled with 137", memory_limit),
        ("CPU: a limit throttles", cpu_limit),
        ("CPU: requests share it out", cpu_shares),
        ("processes: a fork bomb is held", process_limit),
        ("huge pages that the node lacks are refused", hugepages),
        ("the classes of quality have their groups and scores", quality_tree),
        ("the node's allocatable is enforced", node_limits),
        ("the node does not claim to lack limits", honest),
        ("no cgroup is left", nothing_left),
    ):
        report.check(name, alone, body, cluster)
