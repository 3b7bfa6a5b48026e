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


def limits(session):
    session.boot(["package", "limits"], 1200)


def service(session):
    session.boot(["package", "service", "removal"], 1200)


def reboot(session):
    session.boot(["package", "reboot"], 600, listen=lambda verb, _: verb == "rebooting")
    session.boot_again(["reboot"], 600)


def power_cut(session):
    """Each boot verifies what was acknowledged before, then loads the machine until the next cut."""
    cuts = int(os.environ.get("SWIFTLET_VM_CUTS", "3"))
    seed = int(os.environ.get("SWIFTLET_VM_SEED", random.randrange(1 << 32)))
    print(f"      {cuts} cuts, seed {seed}", flush=True)
    moments = random.Random(seed)
    acked = []
    for cut in range(cuts + 1):
        state = {"end": None}

        def listen(verb, text):
            if verb == "acked":
                acked.append(text)
            elif verb == "verified" and cut == cuts:
                return True
            elif verb == "loaded":
                state["end"] = time.monotonic() + moments.uniform(1, 25)
            return state["end"] is not None and time.monotonic() >= state["end"]

        session.boot(
            ["package", "powercut"] if cut == 0 else ["powercut"], 900, asked=lambda _: json.dumps(acked if cut else []), listen=listen)
        session.vm.cut_power()
        if cut < cuts:
            print(f"      cut {cut + 1}: {len(acked)} acknowledged so far", flush=True)
    session.counts.ok(f"{cuts} power cuts, {len(acked)} acknowledged writes in all")


ALL = [
    Scenario("limits", "the package installed; memory, CPU and process limits held by the kernel", limits),
    Scenario("service", "restart and upgrade under traffic, then a purge that leaves nothing", service),
    Scenario("reboot", "a reboot brings the workload back", reboot),
    Scenario("power-cut", "the power goes while objects, images and pods are made", power_cut),
]
