"""The package: installed, enabled and started as an operator does it; then an image for the other suites."""

import shutil
import time

import removal
from cluster import Cluster
from report import command, one


def parser():
    """What compiles AppArmor profiles, alone: the rest of its package confines programs of the machine's own."""
    shutil.copy("/payload/apparmor_parser", "/usr/sbin/apparmor_parser")


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
    removal.before()
    parser()
    report.check("the package installs", install)
    report.check("the service starts and the node is Ready", start, report)
    report.check("an image is added", add_image)
