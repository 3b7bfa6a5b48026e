"""The clauses of the runtime specification, each by its effect as seen inside the container.
usage, as root: check.py RUNTIME [NAME]...; check.py --tables prints what is tried."""
import fnmatch
import os
import re
import sys
import traceback

import agents
import attack
import attacks
import creators
import devices
import habits
import hooks
import images
import insiders
import keys
import kills
import lifecycle
import links
import mounts
import namespaces
import process
import programs
import races
import refusals
import resources
import scopes
import seccomp
import sessions
from bundle import Failure, Runtime


PARTS = (process, namespaces, devices, seccomp, resources, links, mounts, lifecycle, hooks, sessions, refusals, habits, scopes, programs, creators, races, kills,
         insiders, agents, keys, images, attacks)


def all_tests():
    return [(name, test) for part in PARTS for name, test in list(vars(part).items())
            if name.startswith("test_") and test.__module__ == part.__name__]


def print_attacks(rows):
    print("\nattack | how it is tried | what stops it | its control | without and with a user namespace")
    for *words, happened in rows:
        print(" | ".join(words) + " | " + ", ".join(happened.get(users, "not tried") for users in (False, True)))


def clauses():
    """The rows of README.md."""
    with open(os.path.join(os.path.dirname(__file__), "README.md")) as file:
        return [line for line in file if line.startswith("|")]


def mismatches():
    """What fits nothing, of the checks and of the rows that name them."""
    names = {name for name, _ in all_tests()}
    patterns = [pattern for line in clauses() for pattern in re.findall(r"`(test_[a-z_*0-9]+)`", line)]
    tried = {name for pattern in patterns for name in fnmatch.filter(names, pattern)}
    return ([f"there is no check {pattern}" for pattern in patterns if not fnmatch.filter(names, pattern)]
            + [f"{name} is in no row of README.md" for name in sorted(names - tried - attack.NAMES)])


def print_tables():
    for line in clauses():
        print(line.strip("| \n"))
    print_attacks(attack.ATTACKS)


def test_tables(_):
    """Each check is in a row of the tables, and each row's check is there."""
    assert not mismatches(), mismatches()


def main():
    if sys.argv[1:] == ["--tables"]:
        return print_tables()
    program, chosen = sys.argv[1], sys.argv[2:]
    runtime = Runtime(program)
    passed, failed, skipped = 0, 0, 0
    tests = [*all_tests(), ("test_tables", test_tables)]
    try:
        for name, test in tests:
            if chosen and not any(word in name for word in chosen):
                continue
            title = (test.__doc__ or name).strip().rstrip(".")
            try:
                reason = test(runtime)
                if isinstance(reason, str):
                    print(f"skip  {title}: {reason}")
                    skipped += 1
                else:
                    print(f"ok    {title}")
                    passed += 1
            except Exception as error:  # noqa: any fault of a test is its failure
                print(f"FAIL  {title} ({name}): {error or 'the assertion does not hold'}")
                if not isinstance(error, Failure):
                    print("      " + traceback.format_exc().strip().splitlines()[-3].strip())
                failed += 1
            sys.stdout.flush()
    finally:
        runtime.clean()
    rows = [row for row in attack.ATTACKS if row[-1]]
    if rows:
        print_attacks(rows)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    sys.exit(failed != 0)


main()
