"""Writes, images and pods while the power may go at any moment; after the next boot all that was acknowledged is there.

The host kills the machine at a random moment and keeps the lines `acked KEY REVISION`; it hands them back when asked.
"""

import json
import os
import threading
import time

from cluster import Cluster
from report import command, Unmet, expect, read, wait_for


def load(report):
    """Goes on until the power goes."""
    cluster = Cluster()
    lock = threading.Lock()

    def say(*words):
        with lock:
            report.say(*words)

    def objects():
        own, number = Cluster(), int(time.time()) * 1000
        while True:
            name = f"cut-{number}"
            number += 1
            made = own.create("configmaps", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"value": name}})
            say("acked", f"created {name} {made['metadata']['resourceVersion']}")
            if number % 3 == 0:
                own.delete("configmaps", name)
                say("acked", f"deleted {name} 0")

    def images():
        number = int(time.time()) * 1000
        while True:
            name = f"cut:{number}"
            number += 1
            command("swiftlet", "images", "add", name, "/root/bundle")
            say("acked", f"image {name} 0")
            time.sleep(1)

    def pods():
        own, number = Cluster(), int(time.time()) * 1000
        while True:
            name = f"cut-pod-{number}"
            number += 1
            own.run(name, "sleep 100000", seconds=120)
            say("acked", f"pod {name} 0")
            if number % 2 == 0:
                own.remove(name)
                say("acked", f"nopod {name} 0")

    for body in (objects, images, pods):
        threading.Thread(target=keep_on, args=(body, report), daemon=True).start()
    cluster.ready()
    report.say("loaded")
    time.sleep(600)


def keep_on(body, report):
    try:
        body()
    except Exception as error:
        report.note(f"the load's {body.__name__} ended: {error!r}"[:400])


def verify(acked):
    cluster = wait_for("the API server's answer", 180, Cluster)
    cluster.ready(180)
    items = cluster.get("/api/v1/namespaces/default/configmaps")
    found = {item["metadata"]["name"]: item for item in items["items"]}
    revision = int(items["metadata"]["resourceVersion"])
    state = {}
    for line in acked:
        verb, name, number = line.split()
        state[name] = (verb, int(number))
        expect(int(number) <= revision, f"revision {number} of {name} was acknowledged, the store is at {revision}")
    lost = [name for name, (verb, _) in state.items() if verb == "created" and name not in found]
    expect(not lost, f"acknowledged and lost: {lost[:5]}")
    undead = [name for name, (verb, _) in state.items() if verb == "deleted" and name in found]
    expect(not undead, f"deleted with an acknowledgement and back: {undead[:5]}")
    images = command("swiftlet", "images", "list", "-o", "json")
    missing = [name for name, (verb, _) in state.items() if verb == "image" and f'{name.split(":")[1]}' not in images]
    expect(not missing, f"images added and lost: {missing[:5]}")
    pods = {pod["metadata"]["name"] for pod in cluster.pods()}
    gone = [name for name, (verb, _) in state.items() if verb == "pod" and name not in pods]
    expect(not gone, f"pods acknowledged and lost: {gone[:5]}")
    returned = [name for name, (verb, _) in state.items() if verb == "nopod" and name in pods]
    expect(not returned, f"pods deleted and back: {returned[:5]}")
    for name in sorted(pods)[-3:]:
        wait_for(f"pod {name} running again", 240, lambda name=name: cluster.pod(name)["status"].get("phase") == "Running"
                 and any(entry["type"] == "Ready" and entry["status"] == "True" for entry in cluster.pod(name)["status"].get("conditions", [])))
    addresses = [pod["status"]["podIP"] for pod in cluster.pods() if pod["status"].get("phase") == "Running" and pod["status"].get("podIP")]
    expect(len(addresses) == len(set(addresses)), f"two pods share an address: {sorted(addresses)}")


def no_half_image():
    """Every image that is listed can be used: a pod of the newest starts."""
    cluster = Cluster()
    listed = json.loads(command("swiftlet", "images", "list", "-o", "json"))
    names = [name for entry in (listed if isinstance(listed, list) else listed.get("images", [])) for name in ([entry["name"]] if "name" in entry else entry.get("names", []))]
    cut = sorted(name for name in names if "cut:" in name)
    if cut:
        cluster.create("pods", {
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "half"}, "spec": {"restartPolicy": "Never", "terminationGracePeriodSeconds": 1,
            "containers": [{"name": "main", "image": cut[-1], "command": ["/bin/sh", "-c", "busybox md5sum /bin/busybox && sleep 1000"]}]}})
        cluster.wait_phase("half", "Running", 120)
        cluster.remove("half")


def run(report):
    if not os.path.exists("/root/bundle"):
        raise Unmet("the package suite did not run before")
    acked = json.loads(report.ask("acked"))
    if acked:
        report.check(f"{len(acked)} acknowledged writes outlive the cut", verify, acked)
        report.check("no image is half there", no_half_image)
    report.say("verified")
    load(report)
