"""A reboot ends the pods in order within their time, and brings the workload back."""

import glob
import json
import os
import time

from cluster import Cluster
from report import command, expect, read, wait_for

STATIC = {
    "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "static", "namespace": "default"},
    "spec": {"terminationGracePeriodSeconds": 1, "containers": [
        {"name": "main", "image": "busybox:vm", "command": ["/bin/sh", "-c", "sleep 100000"]}]}}

ENDS = "/root/ends"


def make_last_words(cluster, name, **spec):
    """A pod that writes the machine's uptime when it is told to end, with the second half a second later."""
    cluster.create("pods", {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
        "spec": {"terminationGracePeriodSeconds": 20, "volumes": [{"name": "ends", "hostPath": {"path": ENDS}}], "containers": [{
            "name": "main", "image": "busybox:vm", "volumeMounts": [{"name": "ends", "mountPath": "/ends"}],
            "command": ["/bin/sh", "-c", f"trap 'sleep 0.5; cat /proc/uptime >/ends/{name}; exit 0' TERM; sleep 100000 & wait"]}], **spec}})
    cluster.wait_phase(name, "Running", 120)


def prepare(report):
    def workload():
        cluster = Cluster()
        os.makedirs("/etc/swiftlet/manifests", exist_ok=True)
        with open("/etc/swiftlet/manifests/static.json", "w") as file:
            json.dump(STATIC, file)
        cluster.create("deployments", {
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
            "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "web"}}, "template": {
                "metadata": {"labels": {"app": "web"}}, "spec": {"terminationGracePeriodSeconds": 2, "containers": [
                    {"name": "main", "image": "busybox:vm", "command": ["/bin/sh", "-c", "trap 'sleep 0.2; exit 0' TERM; sleep 100000 & wait"]}]}}}})
        wait_for("three replicas being ready", 180, lambda: ready(cluster) == 3)
        os.makedirs(ENDS, exist_ok=True)
        make_last_words(cluster, "ordinary")
        make_last_words(cluster, "critical", priorityClassName="system-node-critical")
        cluster.create("pods", {
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "stubborn"}, "spec": {"terminationGracePeriodSeconds": 900, "containers": [
                {"name": "main", "image": "busybox:vm", "command": ["/bin/sh", "-c", "trap '' TERM; while :; do sleep 1; done"]}]}})
        cluster.wait_phase("stubborn", "Running", 120)
        with open("/root/ready-since", "w") as file:
            file.write(cluster.condition("Ready")["lastTransitionTime"])
        with open("/root/addresses", "w") as file:
            json.dump(sorted(pod["status"]["podIP"] for pod in cluster.pods(selector="app%3Dweb")), file)
        os.sync()
    return report.check("a workload runs before the reboot", workload)


def ready(cluster):
    return sum(1 for pod in cluster.pods(selector="app%3Dweb") for entry in pod["status"].get("conditions", [])
               if entry["type"] == "Ready" and entry["status"] == "True" and "deletionTimestamp" not in pod["metadata"])


def back():
    command("systemctl", "start", "swiftlet", seconds=240)
    cluster = Cluster()
    cluster.ready(180)
    wait_for("three replicas being ready again", 180, lambda: ready(cluster) == 3)
    addresses = [pod["status"]["podIP"] for pod in cluster.pods() if pod["status"].get("phase") == "Running"]
    expect(len(addresses) == len(set(addresses)), f"two pods share an address: {sorted(addresses)}")
    names = sorted(pod["metadata"]["name"] for pod in cluster.pods())
    expect(any(name.startswith("static-") for name in names), f"the static pod is not in the API: {names}")


def ended_in_order():
    """Each pod had its time to end, the critical one after the others, and each says why it ended."""
    moments = {name: float(read(f"{ENDS}/{name}").split()[0]) for name in ("ordinary", "critical")}
    expect(moments["ordinary"] < moments["critical"], f"the ends came at {moments}")
    cluster = Cluster()
    for name in ("ordinary", "critical", "stubborn"):
        status = cluster.pod(name)["status"]
        expect((status["phase"], status.get("reason")) == ("Failed", "Terminated"), f"{name} is {status}")
        told = [entry.get("reason") for entry in status["conditions"] if entry["type"] == "DisruptionTarget"]
        expect(told == ["TerminationByKubelet"], f"{name} has conditions {status['conditions']}")
    since = cluster.condition("Ready")["lastTransitionTime"]
    expect(since != read("/root/ready-since"), f"the node was Ready since {since} all the time")


def static_runs():
    """The node's own view has the static pod."""
    expect("static" in command("swiftlet", "ps"), command("swiftlet", "ps"))


def nothing_doubled():
    """As many sandboxes as pods: what ran before the reboot left nothing that counts as running."""
    cluster = Cluster()
    running = [pod for pod in cluster.pods() if pod["status"].get("phase") == "Running"]
    groups = [path for path in glob.glob("/sys/fs/cgroup/system.slice/swiftlet-pods.service/swiftlet-*/**/cgroup.procs", recursive=True)
              if read(path).strip() and path.split("/")[-2].startswith("monitor")]
    expect(not groups or len(groups) == len(running), f"{len(groups)} monitors run for {len(running)} pods")


def run(report):
    if not os.path.exists("/root/addresses"):
        if prepare(report):
            report.say("rebooting")
            command("systemctl", "reboot")
            time.sleep(600)
        return
    report.check("the workload is back after the reboot", back)
    report.check("the pods ended in order, with their reason", ended_in_order)
    report.check("the static pod runs", static_runs)
    report.check("nothing runs twice", nothing_doubled)
