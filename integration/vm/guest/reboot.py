"""A reboot brings the workload back, static pods also without an API server."""

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
        with open("/root/addresses", "w") as file:
            json.dump(sorted(pod["status"]["podIP"] for pod in cluster.pods(selector="app%3Dweb")), file)
        os.sync()
    return report.check("a workload runs before the reboot", workload)


def ready(cluster):
    return sum(1 for pod in cluster.pods(selector="app%3Dweb") for entry in pod["status"].get("conditions", [])
               if entry["type"] == "Ready" and entry["status"] == "True" and "deletionTimestamp" not in pod["metadata"])


def back():
    cluster = wait_for("the API server's answer", 120, Cluster)
    cluster.ready(180)
    wait_for("three replicas being ready again", 180, lambda: ready(cluster) == 3)
    addresses = [pod["status"]["podIP"] for pod in cluster.pods() if pod["status"].get("phase") == "Running"]
    expect(len(addresses) == len(set(addresses)), f"two pods share an address: {sorted(addresses)}")
    names = {pod["metadata"]["name"].rsplit("-", 1)[0] for pod in cluster.pods()}
    expect("static" in names, f"the static pod is not in the API: {sorted(names)}")


def static_alone():
    """With the API server's port held by another, the node's static pod runs all the same."""
    expect("static" in command("swiftlet", "ps"), command("swiftlet", "ps"))


def nothing_doubled():
    """As many sandboxes as pods: what ran before the reboot left nothing that counts as running."""
    cluster = Cluster()
    running = [pod for pod in cluster.pods() if pod["status"].get("phase") == "Running"]
    groups = [path for path in glob.glob("/sys/fs/cgroup/system.slice/swiftlet-pods.service/swiftlet/pods/**/cgroup.procs", recursive=True)
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
    report.check("the static pod runs", static_alone)
    report.check("nothing runs twice", nothing_doubled)
