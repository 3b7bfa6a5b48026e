"""Harm at every named place of a pod's way, and the invariants after each; then bugs put in on purpose, each of which must be caught.

usage: faults BINARIES ROOT [--seed N] [--only PLACE]... [--bugs | --no-bugs]

At each place the server (or the pod's monitor) stops by itself; then the server, the monitor or a container is killed or stopped, all goes on, and the
pod's life must come to its end. The seed is the order.
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
from silence import SILENCES

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


def cases(places):
    for place in places:
        # The store's places are of no pod.
        is_pods = not place.startswith("store.")
        victims = ["daemon"] + ["monitor"] * (is_pods and place not in WITHOUT_MONITOR) + ["container"] * (is_pods and place not in WITHOUT_CONTAINER)
        for victim in victims:
            yield place, "kill", victim
            yield place, "stop", victim


class Missed(Unmet):
    """The place was met too late: on a busy machine others go on between the moment that is meant and the stop."""


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
        self.instance.hold_at(self.place if self.is_monitors else (self.preludes + [self.place])[0])
        thread = threading.Thread(target=self.watch)
        thread.start()
        try:
            self.live()
        finally:
            self.is_over = True
            thread.join()
            self.instance.release()
        if self.failure is not None:
            raise self.failure
        if self.hits == 0:
            raise Missed(f"{self.place} was never hit")

    def live(self):
        life = self.life
        life.begin()
        life.exec()
        with self.striking:
            pass
        report, findings = self.instance.doctor()
        expect(not findings, "\n".join(findings))
        life.end()

    def watch(self):
        """Waits for the place, does the harm, and lets all go on."""
        try:
            while self.is_monitors and self.preludes and not self.instance.is_taken():
                time.sleep(0.001)
            if self.is_monitors and self.preludes:
                self.instance.hold_at(self.preludes[0])
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
                self.instance.hold_at(self.place)
        else:
            self.hits = 1
            act, victim = self.act, self.victim
        count = harm(self.instance, act, victim)
        if victim == "daemon" and act == "kill":
            self.instance.process.wait()
        send(holder, signal.SIGCONT)
        if self.instance.process.poll() is not None:
            self.instance.start(waits=not is_prelude)
        if count == 0 and not (victim == "container" and self.place in ENDING):
            raise Missed(f"at {self.place} there was no {victim}")


class Walk:
    """Cases one after the other, counted."""

    def __init__(self, instance):
        self.instance = instance
        self.passed = self.failed = 0
        self.hits = {}

    def harm(self, number, place, act, victim):
        case = Case(self.instance, number, place, act, victim)

        def twice():
            nonlocal case
            try:
                case.run()
            except Missed:
                case = Case(self.instance, f"{number}-again", place, act, victim)
                case.run()

        self.run(f"{case.name} (pod {case.life.name})", twice)
        harms = self.hits.setdefault(place, {})
        harms[f"{act} {victim}"] = harms.get(f"{act} {victim}", 0) + case.hits

    def run(self, name, body):
        start = time.monotonic()
        try:
            body()
            self.passed += 1
        except Exception as error:  # a case that breaks is a case that fails
            self.failed += 1
            print(f"FAIL  {name}, {time.monotonic() - start:.1f} s\n      " + str(error).replace("\n", "\n      "), flush=True)
            recover(self.instance)

    def report(self, places):
        """Every place with its hits; one that was never hit is a failure."""
        for place in places:
            harms = self.hits.get(place, {})
            count = sum(harms.values())
            print(f"  {place:32} {count} hits: " + ", ".join(f"{harm} {count}" for harm, count in sorted(harms.items())))
            if count == 0:
                self.failed += 1
                print(f"FAIL  {place} was never hit")

    def count(self, act):
        return sum(count for harms in self.hits.values() for harm, count in harms.items() if harm.startswith(act))


def recover(instance):
    """The next case must not suffer from this one."""
    if instance.process.poll() is None:
        send(instance.process.pid, signal.SIGCONT)
    else:
        instance.start()
    try:
        for pod in instance.cluster().pods():
            instance.cluster().remove(pod["metadata"]["name"], seconds=60)
        instance.command("doctor", f"--log-dir={instance.root}/l", "--fix")
    except (OSError, Unmet) as error:
        print(f"      not recovered: {error}", flush=True)


def main():
    parser = argparse.ArgumentParser(prog="faults")
    parser.add_argument("binaries")
    parser.add_argument("root")
    parser.add_argument("--seed", type=int, default=int(os.environ.get("SWIFTLET_SEED", random.randrange(1 << 30))))
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
        chosen = list(cases(places))
        random.Random(options.seed).shuffle(chosen)
        start = time.monotonic()
        walk = Walk(instance)
        print(f"seed {options.seed}: {len(chosen)} harms at {len(places)} fault points", flush=True)
        for number, case in enumerate(chosen):
            walk.harm(number, *case)
        for name, silence in SILENCES.items():
            if not options.only or name in options.only:
                walk.run(silence.__doc__.splitlines()[0], lambda: silence(instance))
        walk.report(places)
        passed, failed = walk.passed, walk.failed
        print(f"seed {options.seed}: {walk.count('kill')} kills and {walk.count('stop')} stops at {len(places)} fault points in "
              f"{time.monotonic() - start:.0f} s; invariants looked at:")
        for name, count in instance.looks.items():
            print(f"  {name}: {count} times")
    if not options.no_bugs:
        caught, missed = plant_all(instance)
        passed, failed = passed + caught, failed + missed
    instance.kill()
    print(f"{passed} passed, {failed} failed", flush=True)
    return 1 if failed else 0


raise SystemExit(main())
