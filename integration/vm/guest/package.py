"""The package: installed, enabled and started as an operator does it; then an image for the other suites."""

import os
import shutil
import subprocess
import time

from cluster import Cluster
from report import expect, one, wait_for


def command(*words, seconds=180):
    """A command's output; raises Unmet with it where the command fails."""
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds, text=True, errors="replace")
    expect(done.returncode == 0, f"{' '.join(words)} ended with {done.returncode}: {done.stdout[-1500:]}")
    return done.stdout


def install():
    command("dpkg", "-i", one("/payload/swiftlet_*.deb"))
    command("systemctl", "enable", "swiftlet")


def start(report):
    began = time.monotonic()
    command("systemctl", "start", "swiftlet")
    started = time.monotonic()
    Cluster().ready()
    report.note(f"systemctl start took {started - began:.1f} s, a Ready node {time.monotonic() - began:.1f} s")


def add_image():
    bundle = "/root/bundle"
    shutil.copytree("/payload/bundle", bundle, symlinks=True, dirs_exist_ok=True)
    command("swiftlet", "images", "add", "busybox:vm", bundle)


def run(report):
    report.check("the package installs", install)
    report.check("the service starts and the node is Ready", start, report)
    report.check("an image is added", add_image)
