"""A pod's monitor that is stopped when a server dies, for longer than the next one waits for anything: what lives is not dead."""

import signal
import time

from instance import expect, send, wait_for
from life import Life

# The server waits 5 s at its start, and 10 s for an answer.
LONG = 12


def begin(instance, name):
    """A pod that runs; its monitor is stopped, and the server is another."""
    life = Life(instance, name, "")
    life.begin()
    stopped = instance.monitors()
    expect(len(stopped) == 1, f"{len(stopped)} monitors run for one pod")
    for pid in stopped:
        send(pid, signal.SIGSTOP)
    instance.kill()
    instance.start()
    return life, stopped[0]


def goes_on(instance):
    """a monitor silent over a restart keeps its pod"""
    life, monitor = begin(instance, "silent")
    try:
        time.sleep(LONG)
        state = life.settled()["status"]
        expect(state["phase"] == "Running" and all(c["restartCount"] == 0 for c in state["containerStatuses"]), f"the pod is {state}")
        found = instance.doctor()[1]
        expect(len(found) == 1 and f"process {monitor}, does not answer" in found[0], f"the doctor finds {found}")
    finally:
        send(monitor, signal.SIGCONT)
    wait_for("the pod being taken up", life.patience, lambda: instance.command("exec", life.name, "-c", "main", "--", "true")[0] == 0)
    life.exec()
    life.end()


def goes(instance):
    """a pod can be deleted while its monitor is silent"""
    life, monitor = begin(instance, "unheard")
    try:
        life.was_harmed = True
        life.end()
    finally:
        send(monitor, signal.SIGCONT)


SILENCES = {"silence.goes-on": goes_on, "silence.goes": goes}
