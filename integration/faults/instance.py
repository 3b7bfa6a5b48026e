"""One server in directories of its own, which stops at the places that it is told, and the processes of its pods."""

import glob
import json
import os
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "vm", "guest"))
from cluster import Cluster  # noqa: E402
from report import Unmet, expect, read, wait_for  # noqa: E402

# What the doctor looks at each time.
DOCTORS = ("nothing of ours is without an owner", "no two pods share an address", "no pod runs twice", "no exit is unreported")


class Instance:
    def __init__(self, binaries, root):
        self.binaries, self.root = binaries, root
        self.flags = [f"--data-dir={root}/d", f"--run-dir={root}/r", f"--config-dir={root}/c"]
        self.process = None
        # How often each invariant was looked at.
        self.looks = {}

    def hold(self, invariant, holds, text):
        """One look at an invariant."""
        self.looks[invariant] = self.looks.get(invariant, 0) + 1
        expect(holds, text)

    def start(self, bug=None, waits=True):
        """Starts the server; returns once the node answers, or at once where it is to be held while it starts."""
        environment = dict(os.environ, SWIFTLET_HOLD_FILE=f"{self.root}/hold")
        environment.pop("SWIFTLET_BUG", None)
        if bug:
            environment["SWIFTLET_BUG"] = bug
        with open(f"{self.root}/log", "ab") as log:
            self.process = subprocess.Popen(
                [f"{self.binaries}/faulty-swiftlet", "server", *self.flags, f"--log-dir={self.root}/l", "--node-name=node", "--log-level=debug"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, start_new_session=True)
        if waits:
            wait_for("the server answering", 90, self.answers, pause=0.02)

    def answers(self):
        expect(self.process.poll() is None, f"the server ended with {self.process.poll()}: {self.tail()}")
        if not os.path.exists(f"{self.root}/r/node.sock"):
            return False
        with socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(f"{self.root}/r/node.sock") != 0:
                return False
        return self.command("ps")[0] == 0

    def tail(self):
        return "".join(open(f"{self.root}/log", errors="replace").readlines()[-12:])

    def cluster(self):
        return Cluster(f"{self.root}/c/admin.kubeconfig")

    def command(self, *words, seconds=120):
        """`swiftlet WORDS`: its exit code and what it printed."""
        done = subprocess.run(
            [f"{self.binaries}/swiftlet", words[0], *self.flags, *words[1:]],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds, text=True, errors="replace")
        return done.returncode, done.stdout

    def doctor(self):
        """What `swiftlet doctor` finds, a line each."""
        code, text = self.command("doctor", f"--log-dir={self.root}/l", "-o", "json")
        try:
            report = json.loads(text)
        except ValueError:
            raise Unmet(f"swiftlet doctor ended with {code}: {text[-500:]}") from None
        expect(bool(report["findings"]) == (code == 1), f"swiftlet doctor ended with {code}: {text[-500:]}")
        for invariant in DOCTORS:
            self.looks[invariant] = self.looks.get(invariant, 0) + 1
        return report, [f"doctor: {f['kind']} {f['object']}: {f['problem']}" for f in report["findings"]]

    def kill(self):
        self.process.kill()
        self.process.wait()

    # Processes

    def hold_at(self, place):
        """The next process that comes to the place stops there."""
        with open(f"{self.root}/hold.new", "w") as file:
            file.write(place)
        os.rename(f"{self.root}/hold.new", f"{self.root}/hold")

    def release(self):
        """Takes a place back that nobody has come to."""
        if os.path.exists(f"{self.root}/hold"):
            os.unlink(f"{self.root}/hold")

    def is_taken(self):
        """Whether somebody has read the place: the process that stops there, or the monitor that will."""
        return not os.path.exists(f"{self.root}/hold")

    def held(self, place):
        """The process that has stopped at the place, if one has."""
        suspects = self.monitors() if place.startswith("monitor.") else [self.process.pid]
        return next((pid for pid in suspects if state(pid) == "T"), None)

    def pod_cgroups(self):
        name = read(f"{self.root}/d/instance").strip()
        mount = next(line.split()[4] for line in open("/proc/self/mountinfo") if " - cgroup2 " in line)
        return [os.path.dirname(path) for path in glob.glob(f"{mount}/swiftlet-{name}/pods/**/monitor", recursive=True)]

    def monitors(self):
        """The monitors' processes; beside each, in its cgroup, are its log writer and the pod's first process."""
        found = []
        for cgroup in self.pod_cgroups():
            processes = pids(f"{cgroup}/monitor")
            found += [pid for pid in processes if parent(pid) not in processes]
        return found

    def containers(self):
        return [pid for cgroup in self.pod_cgroups() for child in glob.glob(f"{cgroup}/*/") if not child.endswith("/monitor/")
                for pid in pids(child)]

    def victims(self, kind):
        return {"daemon": lambda: [self.process.pid], "monitor": self.monitors, "container": self.containers}[kind]()


def pids(cgroup):
    try:
        return [int(line) for line in read(f"{cgroup}/cgroup.procs").split()]
    except OSError:
        return []


def status(pid):
    try:
        return read(f"/proc/{pid}/stat").rsplit(")", 1)[1].split()
    except OSError:
        return ["", "0"]


def state(pid):
    return status(pid)[0]


def parent(pid):
    return int(status(pid)[1])


def send(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def harm(instance, act, victim):
    """Kills or stops; what was stopped goes on a moment later."""
    found = instance.victims(victim)
    number = signal.SIGKILL if act == "kill" else signal.SIGSTOP
    for pid in found:
        send(pid, number)
    if act == "stop":
        time.sleep(0.1)
        for pid in found:
            send(pid, signal.SIGCONT)
    return len(found)
