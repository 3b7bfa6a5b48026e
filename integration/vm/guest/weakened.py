"""SELinux's checks see a missing protection: each fails with programs that lack one (weakened.sh; the numbers are in CShims/Launch/child.h)."""

import os
import shutil

import selinux
from bundle import Runtime
from cluster import Cluster
from report import Unmet, command, expect

PROGRAMS = "/usr/libexec/swiftlet"
LABEL, MOUNT_LABEL = "22", "23"


def fails(check, words):
    """The check, which must fail for the reason that `words` are of."""
    shutil.rmtree(selinux.FOLDER)
    selinux.files()
    body, *arguments = check
    try:
        body(*arguments)
    except (Unmet, AssertionError) as error:
        expect(words in str(error), f"it failed for another reason: {error}")
    else:
        raise Unmet("it did not fail")


def use(number):
    """Pods are from now on begun by a monitor that lacks this protection."""
    shutil.copy(f"/payload/weakened/{number}/swiftlet-podmonitor", PROGRAMS + "/weakened")
    os.rename(PROGRAMS + "/weakened", PROGRAMS + "/swiftlet-podmonitor")
    command("systemctl", "restart", "swiftlet")
    Cluster().ready()


def run(report):
    if not selinux.prepared(report):
        return
    for number, wanted in (
        (LABEL, {"bundles": "with the label", "so are sessions": "its keyring is not labelled", "pods": "with options", "over the CRI": "succeeded"}),
        (MOUNT_LABEL, {"what is mounted": "/dev is ", "pods": "/ is "}),
    ):
        report.check(f"pods begin without protection {number}", use, number)
        runtime = Runtime(f"/payload/weakened/{number}/swiftlet-oci")
        checks = selinux.checks(runtime)
        for beginning, words in wanted.items():
            title = next(title for title in checks if title.startswith(beginning))
            report.check(f"SELinux: without protection {number} it is seen that not: {title}", fails, checks[title], words)
        runtime.clean()
        for pod in Cluster().pods():
            Cluster().remove(pod["metadata"]["name"])
