"""The scenarios: what is booted, how often, and what the host does meanwhile."""

import json
import os
import random
import time
from dataclasses import dataclass
from typing import Callable


@dataclass
class Scenario:
    name: str
    summary: str
    run: Callable
    is_optional: bool = False
    # MiB of a second disk.
    data: int = 0


def limits(session):
    session.boot(["package", "apparmor", "limits", "cri", "pressure"], 1800)


def apparmor(session):
    session.boot(["package", "apparmor"], 900)


def selinux(session):
    session.boot(["package", "selinux"], 900, parameters="security=selinux selinux=1 enforcing=0")


def weakened(session):
    session.boot(["package", "weakened"], 900, parameters="security=selinux selinux=1 enforcing=0")


def cri(session):
    session.boot(["package", "cri"], 900)


def oci(session):
    session.boot(["oci"], 1500)


def engine(session):
    session.boot(["engine"], 900)


def service(session):
    session.boot(["package", "service", "removal"], 1200)


def reboot(session):
    session.boot(["package", "reboot"], 600, listen=lambda verb, _: verb == "rebooting")
    session.boot_again(["reboot"], 600)


def hostile(session):
    """The guest asks for the data disk to stall, and to go on."""
    def asked(what):
        # A block of 4 KiB takes eight seconds; 0 is no limit.
        rate = {"stall": 512, "go on": 0}[what]
        session.vm.monitor(
            "block_set_io_throttle", device="data", bps=0, bps_rd=0, bps_wr=rate, iops=0, iops_rd=0, iops_wr=0)
        return "done"
    session.boot(["hostile"], 1500, asked=asked)


def readme(session):
    session.boot(["readme"], 1500)


def power_cut(session, cuts=3):
    """Each boot verifies what was acknowledged before, then loads the machine until the next cut."""
    cuts = int(os.environ.get("SWIFTLET_VM_CUTS", cuts))
    seed = int(os.environ.get("SWIFTLET_VM_SEED", random.randrange(1 << 32)))
    print(f"      {cuts} cuts, SWIFTLET_VM_SEED={seed}", flush=True)
    moments = random.Random(seed)
    acked = []

    def written():
        return sum(1 for line in acked if not line.startswith("leaving "))

    for cut in range(cuts + 1):
        delay, end, doing = moments.uniform(2, 40), None, {}

        def listen(verb, text):
            nonlocal end
            if verb == "acked":
                acked.append(text)
            elif verb == "doing":
                kind, what = text.split(" ", 1)
                doing[kind] = what
                if what.startswith(("delete ", "remove ")):
                    # May have happened when the power goes before its answer.
                    acked.append(f"leaving {what.split(' ')[1]} 0")
            elif verb == "loaded":
                end = time.monotonic() + delay
            return verb == "verified" and cut == cuts

        failed = session.counts.failed
        session.boot(
            ["package", "powercut"] if cut == 0 else ["powercut"], 900, asked=lambda _: json.dumps(acked if cut else []), listen=listen,
            until=lambda: end)
        session.vm.cut_power()
        if session.counts.failed > failed:
            return
        if cut < cuts:
            under_way = ", ".join(f"{kind}: {what}" for kind, what in sorted(doing.items()))
            print(f"      cut {cut + 1} after {delay:.1f} s under load; {written()} acknowledged; under way {under_way}", flush=True)
    session.counts.ok(f"{cuts} power cuts, {written()} acknowledged writes in all")


ALL = [
    Scenario("limits", "the package installed; AppArmor, limits held by the kernel, figures, and evictions under pressure", limits),
    Scenario("apparmor", "of that, AppArmor alone", apparmor, is_optional=True),
    Scenario("selinux", "SELinux with a policy of its own: bundles and pods held to their labels", selinux),
    Scenario("weakened", "its checks against programs that lack a protection", weakened),
    Scenario("cri", "and the CRI's limits alone", cri, is_optional=True),
    Scenario("oci", "swiftlet-oci alone: limits and their update, devices and freezing held by the kernel, scopes of systemd; nothing leaks", oci),
    Scenario("engine", "of that, under Debian's containerd alone", engine, is_optional=True),
    Scenario("service", "restart and upgrade under traffic, then a purge that leaves nothing", service),
    Scenario("reboot", "a reboot ends the pods in order and brings the workload back", reboot),
    Scenario("hostile", "a full, read-only and stalling disk, no process left, a clock that is set", hostile, data=96),
    Scenario("readme", "what README says of a real host, each command as it stands there", readme, is_optional=True),
    Scenario("power-cut", "the power goes while objects, images and pods are made (SWIFTLET_VM_CUTS, 3)", power_cut),
    Scenario("power-cuts", "the same with 20 cuts", lambda session: power_cut(session, 20), is_optional=True),
]
