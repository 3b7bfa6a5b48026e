"""The kernel's keyrings (keyrings(7)): that a container has one of its own."""
import os
import subprocess
import tempfile

from attack import attack, image
from bundle import expect, until, with_users


def build(target):
    """keys.c, for the host and for containers."""
    subprocess.run(["clang", "-static", "-o", target, os.path.join(os.path.dirname(__file__), "keys.c")], check=True)


@attack("the caller's keys", "a container, a session and a hook within look for a key in their session keyring that the caller has in its own, as a login has tickets there",
        "each begins with an empty keyring", "a program that the caller runs itself finds it; so does a container that is to have the caller's")
def test_keys_of_the_caller(runtime):
    """A container, its sessions and its hooks have none of the keys that whoever made them has in the session keyring."""
    tree = image(runtime, lambda t: build(t + "/bin/keys"))
    if subprocess.run([tree + "/bin/keys", "keep", "check", "true"]).returncode in (3, 4):
        return "nobody may use keyrings here"
    find = "keys find check; echo found $?"
    def change(config):
        config["root"]["path"] = tree
        config["hooks"] = {"startContainer": [{"path": "/bin/sh", "args": ["sh", "-c", f"({find}) >/dev/shm/hook 2>&1"], "env": ["PATH=/bin"]}]}
    def with_key(*words):
        done = subprocess.run([tree + "/bin/keys", "keep", "check", *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, (words, done.returncode, done.stderr)
        return done.stdout
    def of_ours(*words):
        return with_key(*runtime.command(*words))
    assert of_ours("run", "--bundle", runtime.bundle(f"{find}; cat /dev/shm/hook", change), runtime.id()).split() == ["found", "1"] * 2
    name = runtime.id()
    with open(os.devnull, "w") as nowhere:
        create = runtime.command("create", "--bundle", runtime.bundle("exec keys keep own sh -c 'keys find own && touch /dev/shm/kept; exec sleep 1000'", change), name)
        subprocess.run([tree + "/bin/keys", "keep", "check", *create], stdin=subprocess.DEVNULL, stdout=nowhere, stderr=nowhere, check=True, timeout=60)
    runtime.call("start", name)
    until(lambda: runtime.call("exec", name, "ls", "/dev/shm/kept", check=False).returncode == 0, "the container has a key of its own")
    for key in ("check", "own"):
        assert of_ours("exec", name, "sh", "-c", f"keys find {key}; echo found $?").split() == ["found", "1"], key
    assert with_key("sh", "-c", tree + "/bin/" + find).split() == ["found", "0"]  # the controls
    assert of_ours("run", "--no-new-keyring", "--bundle", runtime.bundle(find, change), runtime.id()).split() == ["found", "0"]
    name = runtime.id()
    of_ours("run", "--detach", "--no-new-keyring", "--bundle", runtime.bundle("exec sleep 1000 >/dev/null 2>&1", change), name)
    assert of_ours("exec", name, "sh", "-c", find).split() == ["found", "0"], "a session of such a one"


def test_keys_used_up(runtime):
    """A user who may have no more keys is told so, and what to do; a container that needs none is made all the same, and its sessions are."""
    folder = tempfile.mkdtemp(dir=runtime.folder)
    os.chown(folder, 65531, 65531)
    tool = folder + "/keys"
    build(tool)
    def change(config):
        with_users(config, base=65531, size=1)
        config["linux"].pop("resources")
        config["mounts"][2]["options"].remove("gid=5")
        config["mounts"] = [mount for mount in config["mounts"] if mount["type"] != "cgroup"]
    def call(*words):
        user = ["setpriv", "--reuid=65531", "--regid=65531", "--clear-groups"]
        return subprocess.run([*user, tool, "fill", runtime.program, "--root", folder + "/state", *words],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    bundle = runtime.bundle("exec sleep 1000 >/dev/null 2>&1", change)
    done = call("run", "--bundle", bundle, "full")
    if done.returncode == 3:
        return "nobody may use keyrings here"
    assert done.returncode != 0, done
    expect(done.stderr, "session keyring", "kernel.keys.maxkeys", "--no-new-keyring")
    try:
        done = call("run", "--detach", "--no-new-keyring", "--bundle", bundle, "full")
        assert done.returncode == 0, done
        done = call("exec", "full", "echo", "here")
        assert done.stdout == "here\n", done
    finally:
        call("delete", "--force", "full")
