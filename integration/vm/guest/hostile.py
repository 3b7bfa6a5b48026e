"""A machine that is unwell: the node says so in a condition and once in its log, serves what it can, and recovers by itself."""

import http.client
import json
import os
import subprocess
import threading
import time

import package
from cluster import Cluster, Refused
from report import Unmet, command, expect, read, wait_for

DATA = "/var/lib/swiftlet"
DAY = 86400
CONDITIONS = ("DataDiskFull", "DataDiskReadOnly", "DataDiskFailing", "DataDiskStalled", "ProcessTableFull", "ClockSet", "CertificatesOverdue")


def prepare():
    """The data directory on a small disk of its own, and no eviction, which a full disk would bring."""
    package.install()
    os.makedirs(DATA, exist_ok=True)
    command("mount", "/dev/disk/by-id/virtio-data", DATA)
    with open("/etc/swiftlet/config.yaml", "a") as file:
        file.write('eviction-hard: ""\n')


def workload():
    """`steady` is to run all the time, its probe included; `brief` may be killed."""
    cluster = Cluster()
    probe = {"exec": {"command": ["true"]}, "periodSeconds": 2, "failureThreshold": 1, "timeoutSeconds": 60}
    for name, more in (("steady", {"livenessProbe": probe}), ("brief", {})):
        cluster.create("pods", {
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {"terminationGracePeriodSeconds": 1, "containers": [
                {"name": "main", "image": "busybox:vm", "command": ["/bin/sh", "-c", "sleep 10000000"], **more}]}})
    for name in ("steady", "brief"):
        cluster.wait_phase(name, "Running", 120)


# What must hold


def daemon():
    return command("systemctl", "show", "-p", "MainPID", "--value", "swiftlet").strip()


def is_well(process):
    """No condition tells of the machine, the node is short of nothing, and neither the daemon nor `steady` was restarted."""
    def told():
        found = {entry["type"]: entry["status"] for entry in Cluster().node()["status"]["conditions"]}
        told = [kind for kind in (*CONDITIONS, "DiskPressure", "MemoryPressure", "PIDPressure") if found.get(kind, "False") != "False"]
        expect(not told and found["Ready"] == "True", f"the conditions {told} are true, Ready is {found['Ready']}")
        return True
    wait_for("a node that is well", 90, told)
    expect(daemon() == process, f"the daemon was process {process} and is {daemon()}")
    still_serves()


def still_serves():
    """Reads, commands in containers, and nobody was restarted."""
    began = time.monotonic()
    expect(Cluster().pod("steady")["status"]["phase"] == "Running", "the pod is not Running")
    said = command("swiftlet", "exec", "steady", "--", "echo", "it runs", seconds=60)
    expect("it runs" in said, said)
    expect(restarts("steady") == 0, f"{restarts('steady')} restarts")
    expect(time.monotonic() - began < 60, f"that took {time.monotonic() - began:.1f} s")


def restarts(name):
    return Cluster().pod(name)["status"]["containerStatuses"][0]["restartCount"]


def condition_is(kind, status, seconds=120):
    """Waits for the node's condition, read anew each time; Ready must hold all the while."""
    def seen():
        conditions = {entry["type"]: entry for entry in Cluster().node()["status"]["conditions"]}
        if conditions["Ready"]["status"] != "True":
            raise AssertionError(f"Ready is {conditions['Ready']}")
        return conditions.get(kind, {}).get("status") == status
    return wait_for(f"the condition {kind} being {status}", seconds, seen)


def said_once(kind, most=1):
    """The log has one line for each beginning and one for each end, of which there were one to `most`."""
    log = command("journalctl", "-u", "swiftlet", "-o", "cat")
    begun, ended = (sum(1 for line in log.splitlines() if f"condition={kind}" in line and words in line)
                    for words in ("the host is unwell", "the host is well again"))
    expect(begun == ended and 1 <= begun <= most, f"of {kind} the log says {begun} times that it began, {ended} times that it ended")


def config_map(name):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"a": "b" * 5000}}


def refused(code, words):
    """A write is refused with the cause, in good time."""
    began = time.monotonic()
    try:
        Cluster().create("configmaps", config_map("refused"))
    except Refused as error:
        expect(error.code == code and words in str(error), f"the write was refused otherwise: {error}")
        expect(time.monotonic() - began < 20, f"the answer took {time.monotonic() - began:.1f} s")
        return
    expect(False, "the write was done")


class Watch:
    """One watch of ConfigMaps, on one connection from before the trouble until after it."""

    def __init__(self):
        cluster = Cluster()
        self.connection = http.client.HTTPSConnection(cluster.host, int(cluster.port), context=cluster.context, timeout=600)
        self.connection.request("GET", "/api/v1/namespaces/default/configmaps?watch=true&timeoutSeconds=3000")
        self.answer = self.connection.getresponse()
        expect(self.answer.status == 200, f"the watch was answered with {self.answer.status}")
        self.names = []
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        for line in self.answer:
            self.names.append(json.loads(line)["object"]["metadata"].get("name"))


# The troubles


def is_read_only(path):
    return any(line.split()[1] == path and "ro" in line.split()[3].split(",") for line in read("/proc/mounts").splitlines())


def read_only_disk():
    """As after an emergency, which makes all file systems read-only; the root is put right at once."""
    watch = Watch()
    with open("/proc/sysrq-trigger", "w") as file:
        file.write("u")
    wait_for("read-only file systems", 60, lambda: is_read_only(DATA) and is_read_only("/"))
    command("mount", "-o", "remount,rw", "/")
    try:
        condition_is("DataDiskReadOnly", "True")
        refused(500, "read-only")
        still_serves()
    finally:
        command("mount", "-o", "remount,rw", DATA)
    condition_is("DataDiskReadOnly", "False")
    Cluster().create("configmaps", config_map("after-read-only"))
    wait_for("the watch of before seeing it", 30, lambda: "after-read-only" in watch.names)
    said_once("DataDiskReadOnly")


def container(name):
    """The pod's newest container, as the node has it."""
    own = [one for one in containers() if one["labels"].get("io.kubernetes.pod.name") == name]
    return max(own, key=lambda one: one["metadata"]["attempt"])


def containers():
    return json.loads(command("swiftlet", "ps", "--all", "-o", "json"))


def stalling_disk(report):
    victim = container("brief")
    expect(report.ask("stall") == "done", "the host did not throttle the disk")
    written = {}

    def write():
        try:
            written["kind"] = Cluster().request("POST", "/api/v1/namespaces/default/configmaps", config_map("during-stall"), timeout=600)["kind"]
        except Refused as error:
            # It was given up after half a minute, or never begun.
            written["given up"] = error.code in (503, 504) and "takes no writes" in str(error)
    writer = threading.Thread(target=write, daemon=True)
    try:
        writer.start()
        condition_is("DataDiskStalled", "True")
        still_serves()
        os.kill(victim["pid"], 9)
        wait_for("the exit being seen", 30, lambda: any(one["id"] == victim["id"] and one["exitCode"] == 137 for one in containers()))
    finally:
        answer = report.ask("go on")
    expect(answer == "done", "the host did not free the disk")
    condition_is("DataDiskStalled", "False")
    writer.join(60)
    expect(written.get("kind") == "ConfigMap" or written.get("given up"), f"the write that waited came to {written}")
    wait_for("a write being taken again", 60, lambda: Cluster().create("configmaps", config_map("after-stall")))
    wait_for("an event that keeps it", 60, lambda: any("DataDiskStalled: for" in event for event in Cluster().events(Cluster().node()["metadata"]["name"])))
    # A slow machine's disk may stall on its own.
    said_once("DataDiskStalled", most=3)


def take_processes():
    """All that the kernel has left, which is little by now."""
    held = []
    while len(held) < 100:
        try:
            held.append(subprocess.Popen(["sleep", "1000"]))
        except OSError:
            return held
    raise Unmet("the kernel still has processes to give")


def no_process_left():
    path = "/proc/sys/kernel/pid_max"
    before, held, cluster = read(path), [], Cluster()
    with open(path, "w") as file:
        file.write("301")
    try:
        held = take_processes()
        condition_is("ProcessTableFull", "True")
        cluster.run("late", "sleep 100000", wait=None)
        wait_for("the pod saying why it waits", 60, lambda: any("temporarily unavailable" in event for event in cluster.events("late")))
        cluster.create("configmaps", config_map("without-a-process"))
        # The probe comes every two seconds and cannot be run.
        time.sleep(5)
        expect(restarts("steady") == 0, f"{restarts('steady')} restarts, by a probe that could not be run")
    finally:
        with open(path, "w") as file:
            file.write(before)
        for process in held:
            process.kill()
            process.wait()
    condition_is("ProcessTableFull", "False")
    cluster.wait_phase("late", "Running", 120)
    cluster.remove("late")
    said_once("ProcessTableFull")


def ends():
    return {one["name"]: one["notAfter"] for one in json.loads(command("swiftlet", "certs", "-o", "json")) if one["purpose"] != "authority"}


def token_is_good():
    """What the pod's own token opens, by the file in the pod."""
    token = command("swiftlet", "exec", "steady", "--", "cat", "/var/run/secrets/kubernetes.io/serviceaccount/token").strip()
    cluster = Cluster()
    connection = http.client.HTTPSConnection(cluster.host, int(cluster.port), context=cluster.context, timeout=30)
    connection.request("GET", "/version", headers={"Authorization": f"Bearer {token}"})
    return connection.getresponse().status == 200


def set_clock(days):
    """Every certificate but the authority's is made anew, and so is the pods' token."""
    before = ends()
    time.clock_settime(time.CLOCK_REALTIME, time.time() + days * DAY)
    wait_for("renewed certificates", 60, lambda: all(before[name] != end for name, end in ends().items()))
    condition_is("ClockSet", "True")
    Cluster().create("configmaps", config_map(f"clock-{days}".replace("--", "-back-")))
    wait_for("the pod's token being good by the new clock", 120, token_is_good)
    still_serves()


def clock():
    """Past the end of every certificate, and back before the beginning of those that are made then; a container that ends comes back all the same."""
    set_clock(500)
    count = restarts("brief")
    os.kill(wait_for("the container running", 330, lambda: container("brief")["state"] == "running" and container("brief")["pid"]), 9)
    set_clock(-600)
    wait_for("its restart", 330, lambda: restarts("brief") > count)
    condition_is("ClockSet", "False", 180)
    # On a slow machine the first minute is over before the clock is set back.
    said_once("ClockSet", most=2)


def full_disk():
    watch = Watch()
    path, size, step = f"{DATA}/filler", 0, 64 << 20
    try:
        with open(path, "wb") as filler:
            while step >= 4096:
                try:
                    os.posix_fallocate(filler.fileno(), size, step)
                    size += step
                except OSError:
                    step //= 2
        condition_is("DataDiskFull", "True")
        refused(507, "is full")
        still_serves()
    finally:
        os.unlink(path)
    condition_is("DataDiskFull", "False")
    Cluster().create("configmaps", config_map("after-full"))
    wait_for("the watch of before seeing it", 30, lambda: "after-full" in watch.names)
    said_once("DataDiskFull")


def run(report):
    for name, body, *arguments in (
        ("the package installs, its data on a disk of its own", prepare),
        ("the service starts and the node is Ready", package.start, report),
        ("an image is added", package.add_image),
        ("two pods run", workload),
    ):
        if not report.check(name, body, *arguments):
            return
    process = daemon()
    for name, body, *arguments in (
        ("a read-only disk", read_only_disk),
        ("a disk that stalls", stalling_disk, report),
        ("no process left", no_process_left),
        ("a clock that is set forward past all certificates, and back before them", clock),
        ("a full disk", full_disk),
    ):
        # What follows would tell nothing of its own.
        if not report.check(f"the node is well before {name}", is_well, process):
            return
        report.check(f"{name} is told of once, all else goes on, and its end needs nobody", body, *arguments)
    report.check("the node is well at the end", is_well, process)
