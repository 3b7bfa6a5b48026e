"""Writes, images and pods while the power may go at any moment; after the next boot all that was acknowledged is there.

The host kills the machine at a random moment and keeps the lines `acked VERB NAME REVISION`; it hands them back when asked. `doing KIND WHAT`
tells it what is under way.
"""

import hashlib
import json
import os
import re
import threading
import time

from cluster import Cluster
from report import Unmet, command, expect, wait_for

MOST_PODS = 20


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
            say("doing", f"objects create {name}")
            made = own.create("configmaps", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"value": name}})
            say("acked", f"created {name} {made['metadata']['resourceVersion']}")
            if number % 3 == 0:
                say("doing", f"objects delete {name}")
                own.delete("configmaps", name)
                say("acked", f"deleted {name} 0")

    def images():
        number = int(time.time()) * 1000
        while True:
            name = f"cut:{number}"
            number += 1
            say("doing", f"images add {name}")
            command("swiftlet", "images", "add", name, "/root/bundle")
            say("acked", f"image {name} 0")
            time.sleep(1)

    def pods():
        own, number = Cluster(), int(time.time()) * 1000
        kept = sorted(name for pod in own.pods() if (name := pod["metadata"]["name"]).startswith("cut-pod-"))
        while True:
            name = f"cut-pod-{number}"
            number += 1
            say("doing", f"pods start {name}")
            own.run(name, "sleep 100000", restartPolicy="Always")
            say("acked", f"pod {name} 0")
            kept.append(name)
            # every second goes at once, and of the others the oldest: a node has no more addresses for many cuts' pods
            for name in kept[-1:] * (number % 2 == 0) + kept[:-MOST_PODS]:
                say("doing", f"pods remove {name}")
                own.remove(name)
                say("acked", f"nopod {name} 0")
                kept.remove(name)

    for body in (objects, images, pods):
        threading.Thread(target=keep_on, args=(body, report), daemon=True).start()
    cluster.ready()
    report.say("loaded")
    time.sleep(600)


def keep_on(body, report):
    try:
        body()
    except Exception as error:
        report.say("FAIL", f"the load goes on until the power goes\t{body.__name__}: {error!r}"[:800])


def verify(acked):
    # Returns when the node serves too; what the API says of the node is of before the cut.
    command("systemctl", "start", "swiftlet", seconds=240)
    cluster = Cluster()
    cluster.ready(300)
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
    wait_for("all pods running again", 600, lambda: not unready(cluster) or None)
    addresses = [pod["status"]["podIP"] for pod in cluster.pods() if pod["status"].get("phase") == "Running" and pod["status"].get("podIP")]
    expect(len(addresses) == len(set(addresses)), f"two pods share an address: {sorted(addresses)}")


def unready(cluster):
    """The pods that are to run and do not."""
    return [pod["metadata"]["name"] for pod in cluster.pods() if "deletionTimestamp" not in pod["metadata"]
            and not any(entry["type"] == "Ready" and entry["status"] == "True" for entry in pod["status"].get("conditions", []))]


def no_leaked_link():
    """As many pod links as pods that run: what was half made is taken away."""
    cluster = Cluster()

    def even():
        running = [pod for pod in cluster.pods() if pod["status"].get("phase") == "Running"]
        links = [name for name in os.listdir("/sys/class/net") if re.fullmatch(r"sw-\w+-p[0-9a-f]+", name)]
        expect(len(links) == len(running), f"{len(links)} pod links for {len(running)} pods: {links}; " + "; ".join(
            f"{pod['metadata']['name']} {pod['status'].get('podIP')} {pod['metadata'].get('deletionTimestamp', '')}" for pod in running)
            + f"; the node has {command('swiftlet', 'pods')}")
        return True
    wait_for("as many links as pods", 180, even)


def no_half_image():
    """The newest image that is listed, which may be one whose answer the cut swallowed, is whole: its files are those of the bundle."""
    cluster = Cluster()
    listed = json.loads(command("swiftlet", "images", "list", "-o", "json"))
    cut = sorted(tag for image in listed for tag in image["repoTags"] if "cut:" in tag)
    if not cut:
        return
    name = f"whole-{int(time.time())}"
    with open("/root/bundle/rootfs/bin/busybox", "rb") as file:
        digest = hashlib.md5(file.read()).hexdigest()
    cluster.create("pods", {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {"restartPolicy": "Never", "terminationGracePeriodSeconds": 1,
        "containers": [{"name": "main", "image": cut[-1], "command": ["/bin/sh", "-c", f"md5sum /bin/busybox | grep -q {digest}"]}]}})
    cluster.wait_phase(name, "Succeeded", 120)
    cluster.remove(name)


def run(report):
    if not os.path.exists("/root/bundle"):
        raise Unmet("the package suite did not run before")
    acked = json.loads(report.ask("acked"))
    if acked:
        report.check(f"{len(acked)} acknowledged writes outlive the cut", verify, acked)
        report.check("no image is half there", no_half_image)
        report.check("no address or link is leaked", no_leaked_link)
    report.say("verified")
    load(report)
