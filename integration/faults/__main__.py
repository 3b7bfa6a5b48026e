"""Harm at every named place of a pod's way, and the invariants after each; then bugs put in on purpose, each of which must be caught.

usage: faults BINARIES ROOT [--seed N] [--all] [--only PLACE]... [--bugs | --no-bugs]

At each place the server (or the pod's monitor) stops by itself; then somebody is killed or stopped, all goes on, and the pod's life must come to
its end. `--all` stops monitors and containers too. The seed is the order.
"""

import argparse
import os
import random
import signal
import subprocess
import threading
import time

from bugs import plant_all
from instance import Instance, Unmet, expect, harm, send, wait_for
from life import Life

# Before a monitor, and before a container is there: only the daemon can be harmed.
WITHOUT_MONITOR = {"kubelet.seen", "runtime.sandboxRecorded", "runtime.sandboxGrouped", "runtime.monitorShutDown", "runtime.sandboxKilled",
                   "network.linkDeleted", "network.addressFreed", "runtime.sandboxDetached", "runtime.sharedMemoryUnmounted",
                   "runtime.sandboxReleased", "runtime.sandboxStopped", "runtime.sandboxRemovalRecorded", "runtime.sandboxRemoved",
                   "runtime.containerRemovalRecorded", "runtime.containerErased", "runtime.containerRemoved",
                   "kubelet.removed", "kubelet.status", "runtime.sharedMemoryMounted"}
WITHOUT_CONTAINER = WITHOUT_MONITOR | {
    "runtime.monitorSpawned", "runtime.sandboxAttached", "runtime.sandboxReady", "runtime.containerRecorded", "runtime.containerPrepared",
    "network.addressHeld", "network.linkMade", "monitor.greeted", "monitor.ending", "runtime.containerForgotten", "monitor.containerForgotten"}
# Places that a container was sent its end at: it may be over before it is harmed.
ENDING = {"runtime.containerSignalled", "runtime.containerKilled"}


def cases(places, everything):
    for place in places:
        yield place, "kill", "daemon"
        yield place, "stop", "daemon"
        # The store's places are of no pod.
        if place not in WITHOUT_MONITOR and not place.startswith("store."):
            yield place, "kill", "monitor"
            if everything:
                yield place, "stop", "monitor"
        if place not in WITHOUT_CONTAINER and not place.startswith("store."):
            yield place, "kill", "container"
            if everything:
                yield place, "stop", "container"


class Case:
    """One harm in one pod's life."""

    def __init__(self, instance, number, place, act, victim):
        self.instance, self.place, self.act, self.victim = instance, place, act, victim
        self.life = Life(instance, f"f{number}", place)
        self.name = f"{place}: {act} {victim}"
        # Only a container that was made and never started is removed while its monitor lives: a daemon's death on the way leaves one.
        self.preludes = ["runtime.containerCreated"] if place.endswith(".containerForgotten") else []
        self.is_monitors = place.startswith("monitor.")
        self.hits = 0
        # Held while the harm is done, until the server answers again.
        self.striking = threading.Lock()
        self.failure = None
        self.is_over = False

    def run(self):
        # A monitor is told its place when it is made, which is before any prelude.
        self.instance.hold(self.place if self.is_monitors else (self.preludes + [self.place])[0])
        thread = threading.Thread(target=self.watch)
        thread.start()
        try:
            self.live()
        finally:
            self.is_over = True
            thread.join()
            self.instance.release()
        expect(self.failure is None, str(self.failure))
        expect(self.hits > 0, f"{self.place} was never hit")

    def live(self):
        life = self.life
        life.begin()
        life.exec()
        with self.striking:
            pass
        report, findings = self.instance.doctor()
        expect(not findings, "\n".join(findings))
        life.remove()
        life.check_ends()
        life.check_kept()
        wait_for("all being given back", life.patience, self.nothing_left, pause=0.05)

    def nothing_left(self):
        """A pod that is deleted by force is gone from the API before it is gone from the node."""
        report, findings = self.instance.doctor()
        expect(not findings, "\n".join(findings))
        counts = report["counts"]
        expect(counts["pods"] == counts["processes"] == counts["addresses"] == 0, f"something is left: {counts}")
        return True

    def watch(self):
        """Waits for the place, does the harm, and lets all go on."""
        try:
            while self.is_monitors and self.preludes and not self.instance.is_taken():
                time.sleep(0.001)
            if self.is_monitors and self.preludes:
                self.instance.hold(self.preludes[0])
            while not self.is_over and not self.hits:
                place = (self.preludes + [self.place])[0]
                holder = self.instance.held(place)
                if holder:
                    with self.striking:
                        self.strike(holder)
                time.sleep(0.003)
        except Exception as error:  # told by the thread that waits
            self.failure = error

    def strike(self, holder):
        self.life.was_harmed = True
        is_prelude = bool(self.preludes)
        if is_prelude:
            self.preludes.pop()
            act, victim = "kill", "daemon"
            if not self.is_monitors:
                self.instance.hold(self.place)
        else:
            self.hits = 1
            act, victim = self.act, self.victim
        count = harm(self.instance, act, victim)
        if victim == "daemon" and act == "kill":
            self.instance.process.wait()
        send(holder, signal.SIGCONT)
        if self.instance.process.poll() is not None:
            self.instance.start(waits=not is_prelude)
        expect(count > 0 or (victim == "container" and self.place in ENDING), f"at {self.place} there was no {victim}")


def walk(instance, chosen):
    passed, failed, hits = 0, 0, {}
    for number, (place, act, victim) in enumerate(chosen):
        case = Case(instance, number, place, act, victim)
        start = time.monotonic()
        try:
            case.run()
            passed += 1
        except Exception as error:
            failed += 1
            print(f"FAIL  {case.name} (pod {case.life.name}, {time.monotonic() - start:.1f} s)\n      " + str(error).replace("\n", "\n      "), flush=True)
            recover(instance)
        hits.setdefault(place, {}).setdefault(f"{act} {victim}", 0)
        hits[place][f"{act} {victim}"] += case.hits
    return passed, failed, hits


def recover(instance):
    """The next case must not suffer from this one."""
    if instance.process.poll() is None:
        send(instance.process.pid, signal.SIGCONT)
    else:
        instance.start()
    try:
        for pod in instance.cluster().pods():
            instance.cluster().remove(pod["metadata"]["name"], seconds=20)
        instance.command("doctor", f"--log-dir={instance.root}/l", "--fix")
    except (OSError, Unmet) as error:
        print(f"      not recovered: {error}", flush=True)


def main():
    parser = argparse.ArgumentParser(prog="faults")
    parser.add_argument("binaries")
    parser.add_argument("root")
    parser.add_argument("--seed", type=int, default=int(os.environ.get("SWIFTLET_SEED", random.randrange(1 << 30))))
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--only", action="append")
    parser.add_argument("--bugs", action="store_true", help="the bugs alone")
    parser.add_argument("--no-bugs", action="store_true")
    options = parser.parse_args()
    instance = Instance(options.binaries, options.root)
    instance.start()
    code, text = instance.command("images", "add", "busybox:demo", f"{options.root}/bundle")
    expect(code == 0, text)
    places = subprocess.run([f"{options.binaries}/faulty-swiftlet", "points"], stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    if options.only:
        places = [place for place in places if place in options.only]
    passed = failed = 0
    if not options.bugs:
        chosen = list(cases(places, options.all))
        random.Random(options.seed).shuffle(chosen)
        start = time.monotonic()
        passed, failed, hits = walk(instance, chosen)
        print(f"seed {options.seed}: {len(chosen)} harms at {len(places)} places in {time.monotonic() - start:.0f} s; hits:")
        for place in places:
            print(f"  {place:32} " + ", ".join(f"{harm} {count}" for harm, count in sorted(hits[place].items())))
    if not options.no_bugs:
        caught, missed = plant_all(instance)
        passed, failed = passed + caught, failed + missed
    instance.kill()
    print(f"{passed} passed, {failed} failed", flush=True)
    return 1 if failed else 0


raise SystemExit(main())
