"""Bugs put into the server between its parts, each of which a scenario must catch; then the server starts without it and puts right what is left."""

from instance import Unmet, expect, wait_for
from life import Life


def removal(instance, life):
    """A pod's life; what is wrong at its end."""
    life.begin()
    life.remove()


def ends(instance, life):
    """A container ends while its pod runs."""
    life.begin()


def power(instance, life):
    """The server is killed the moment a write is answered."""
    life.write("before")
    instance.kill()
    instance.start()
    life.write("after")
    life.check_kept()


BUGS = {
    "early-acknowledgement": ("power", power, "lost"),
    "leaked-mount": ("removal", removal, "doctor: mount"),
    "forgotten-address": ("removal", removal, "doctor: address"),
    "lost-exit": ("ends", ends, "doctor: exit"),
}


def lines(instance, name, scenario):
    """What the scenario complains of with the bug in the server."""
    life = Life(instance, f"bug-{name}", "")
    if "control" not in name:
        life.patience = 15  # what the bug holds up comes never
    found = []
    try:
        scenario(instance, life)
    except Unmet as error:
        found.append(str(error))
    return instance.doctor()[1] + found


def plant_all(instance):
    caught = missed = 0
    for name, (title, scenario, sign) in BUGS.items():
        instance.kill()
        # The control: without the bug the scenario has nothing to complain of.
        instance.start()
        before = lines(instance, f"{name}-control", scenario)
        instance.kill()
        instance.start(bug=name)
        found = lines(instance, name, scenario)
        line = next((line for line in found if sign in line), None)
        instance.kill()
        instance.start()
        mended = clean(instance)
        if line and not before and not mended:
            caught += 1
            print(f"bug {name}: caught by {title}: {line}", flush=True)
        else:
            missed += 1
            print(f"FAIL  bug {name}: without it {before}, with it {found}, after the next start {mended}", flush=True)
    return caught, missed


def clean(instance):
    """What is left once the server runs without the bug and its pods are gone."""
    try:
        for pod in instance.cluster().pods():
            instance.cluster().remove(pod["metadata"]["name"], seconds=20)
    except Unmet as error:
        return [str(error)]
    return instance.doctor()[1]
