"""What the guest tells the host, line by line, over a virtio port: the host counts the checks and acts on what it is asked."""

import glob
import os
import subprocess
import time
import traceback


class Unmet(Exception):
    """A property that does not hold: what was expected and what was seen."""


def expect(holds, text):
    if not holds:
        raise Unmet(text)


def wait_for(what, seconds, probe, pause=0.2):
    """The probe's first true answer. Raises Unmet with the last answer when `seconds` are over."""
    end = time.monotonic() + seconds
    while True:
        try:
            seen = probe()
        except (OSError, Unmet) as error:
            seen = None
            last = str(error)
        else:
            last = repr(seen)
        if seen:
            return seen
        if time.monotonic() >= end:
            raise Unmet(f"{what} did not happen within {seconds} s; last seen: {last[:800]}")
        time.sleep(pause)


def command(*words, seconds=180):
    """A command's output; raises Unmet with it where the command fails."""
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds, text=True, errors="replace")
    expect(done.returncode == 0, f"{' '.join(words)} ended with {done.returncode}: {done.stdout[-1500:]}")
    return done.stdout


class Report:
    """The port to the host. Every line is `verb rest`; an answer from the host is one line."""

    def __init__(self):
        path = "/dev/virtio-ports/suite"
        while not os.path.exists(path):
            time.sleep(0.1)
        self.port = os.open(path, os.O_RDWR)
        self.held = b""

    def say(self, verb, text=""):
        line = f"{verb} {text}".replace("\n", "\\n") + "\n"
        os.write(self.port, line.encode())

    def ask(self, text):
        """Has the host do something; its answer. The host may end the machine instead."""
        self.say("ask", text)
        while b"\n" not in self.held:
            self.held += os.read(self.port, 4096) or time.sleep(0.05) or b""
        line, _, self.held = self.held.partition(b"\n")
        return line.decode()

    def check(self, name, body, *arguments):
        """One check; whether it held."""
        self.say("begin", name)
        try:
            body(*arguments)
        except Exception as error:  # a check that breaks is a check that fails, with where it broke
            detail = str(error) if isinstance(error, Unmet) else traceback.format_exc()
            self.say("FAIL", f"{name}\t{detail}\nthe daemon's last words:\n{journal()}")
            return False
        self.say("ok", name)
        return True

    def note(self, text):
        self.say("note", text)


def journal(lines=15):
    """The end of the daemon's log."""
    words = ["journalctl", "-u", "swiftlet", "-n", str(lines), "--no-pager", "-o", "short-monotonic"]
    return subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, text=True, errors="replace").stdout


def read(path):
    with open(path) as file:
        return file.read()


def fields(path):
    """A file of lines `name number` as a dictionary."""
    return {name: int(value) for name, value in (line.split() for line in read(path).splitlines())}


def share_while_throttled(group):
    """The share of a core that a busy cgroup uses until it was throttled in 20 periods. In a period in which the machine itself is held up it may get less than its limit."""
    def now():
        return fields(f"{group}/cpu.stat"), time.monotonic()
    before, began = now()
    wait_for(f"{group} being throttled in 20 periods", 120, lambda: fields(f"{group}/cpu.stat")["nr_throttled"] >= before["nr_throttled"] + 20)
    after, ended = now()
    return (after["usage_usec"] - before["usage_usec"]) / 1e6 / (ended - began)


def one(pattern):
    """The one path that matches."""
    found = glob.glob(pattern)
    expect(len(found) == 1, f"{pattern} matches {found}")
    return found[0]
