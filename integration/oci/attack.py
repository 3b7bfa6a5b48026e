"""Attacks: checks that are run with a user namespace and without, and the images that they are run from."""
import functools
import os
import shutil
import subprocess
import tempfile

ATTACKS = []  # (class, how it is tried, what stops it, what the control shows, what happened)
NAMES = set()  # of their checks


def attack(kind, how, stopped_by, control):
    """A check that is run twice: in a user namespace, too, where ids, rights and ways of mounting are others."""
    def mark(test):
        happened = {}
        ATTACKS.append((kind, how, stopped_by, control, happened))
        def once(users, runtime):
            runtime.users = users
            try:
                happened[users] = "let out"
                reason = test(runtime)
                happened[users] = "not tried" if reason else "held"
                return reason
            finally:
                runtime.users = False
        plain, inside = functools.wraps(test)(functools.partial(once, False)), functools.wraps(test)(functools.partial(once, True))
        inside.__doc__ = test.__doc__.rstrip(".") + ", in a user namespace."
        test.__globals__[test.__name__ + "_in_user_namespace"] = inside
        NAMES.update([test.__name__, test.__name__ + "_in_user_namespace"])
        return plain
    return mark


def image(runtime, change):
    """A root file system of its own, owned by the container's root."""
    folder = tempfile.mkdtemp(dir=runtime.folder)
    tree = folder + "/rootfs"
    shutil.copytree(runtime.rootfs, tree, symlinks=True, ignore=lambda path, names: [n for n in names if path == runtime.rootfs and n in ("proc", "sys", "dev")])
    for name in ("proc", "sys", "dev"):
        os.mkdir(f"{tree}/{name}")
    change(tree)
    if runtime.users:
        subprocess.run(["chown", "-hR", "100000:100000", tree], check=True)
    return tree


def run_image(runtime, tree, script, change=None):
    def both(config):
        config["root"]["path"] = tree
        if change:
            change(config)
    return runtime.run(script, both, check=False)
