"""What is laid in a container's tree, and what it may do with it."""
import os
import shutil
import subprocess
import tempfile

from bundle import expect, user_namespace


def test_root_read_only(runtime):
    """root.readonly."""
    expect(runtime.run("touch /x 2>&1 || true", lambda c: c["root"].update(readonly=True)).stdout, "Read-only file system")
    runtime.run("touch /x && rm /x")


def test_masked_and_read_only_paths(runtime):
    """linux.maskedPaths and readonlyPaths."""
    def change(c):
        c["linux"].update(maskedPaths=["/proc/keys", "/sys/firmware", "/nowhere"], readonlyPaths=["/proc/sys", "/tmp"])
    out = runtime.run("wc -c </proc/keys; ls /sys/firmware | wc -l; touch /tmp/x 2>&1; echo 1 2>&1 >/proc/sys/kernel/shmmni", change, check=False)
    assert out.stdout.split()[:2] == ["0", "0"], out.stdout
    assert out.stdout.count("Read-only") + out.stderr.count("Read-only") == 2, (out.stdout, out.stderr)


def test_default_devices(runtime):
    """The devices and links that every container has."""
    out = runtime.run("for d in null zero full random urandom tty; do stat -c '%n %F %t:%T %a' /dev/$d; done; "
                      "for l in fd stdin stdout stderr ptmx; do readlink /dev/$l; done").stdout
    expect(out, "/dev/null character special file 1:3 666", "/dev/tty character special file 5:0 666", "/proc/self/fd/2", "pts/ptmx")


def test_devices(runtime):
    """linux.devices: type, numbers, mode and owner."""
    def change(c):
        c["linux"]["devices"] = [
            {"type": "c", "path": "/dev/one", "major": 10, "minor": 229, "fileMode": 0o640, "uid": 3, "gid": 4},
            {"type": "b", "path": "/dev/sub/two", "major": 7, "minor": 0}, {"type": "p", "path": "/dev/three", "fileMode": 0o600}]
    out = runtime.run("stat -c '%F %t:%T %a %u:%g' /dev/one /dev/sub/two /dev/three", change).stdout.strip().split("\n")
    assert out == ["character special file a:e5 640 3:4", "block special file 7:0 666 0:0", "fifo 0:0 600 0:0"], out


def test_device_program(runtime):
    """linux.resources.devices: what is not allowed cannot be opened, nor made where making is refused."""
    def allowed(*rules):
        def change(c):
            c["linux"]["devices"] = [{"type": "c", "path": "/dev/other", "major": 10, "minor": 229, "fileMode": 0o666}]
            c["linux"]["resources"]["devices"] += rules
        return runtime.run("dd if=/dev/other bs=1 count=0 2>/dev/null && echo open; echo x >/dev/null && echo null", change, check=False).stdout.split()
    assert allowed() == ["null"], allowed()
    def rule(allow=True, access="r", type="c", **numbers):
        return dict(allow=allow, access=access, type=type, **numbers)
    opens = [[rule(major=10, minor=229)], [rule(major=10)], [rule(minor=229)], [rule()], [rule(type="a")],
             [rule(major=10), rule(False, "rwm", major=10, minor=230)], [rule(False, major=10), rule(major=10, minor=229)]]
    for rules in opens:
        assert allowed(*rules) == ["open", "null"], rules
    refused = [[rule(major=10, minor=230)], [rule(major=11)], [rule(minor=228)], [rule(type="b", major=10, minor=229)], [rule(type="b", major=10)],
               [rule(access="wm", major=10, minor=229)], [rule(access="wm", major=10)], [rule(major=9, minor=(1 << 20) + 229)],
               [rule(major=(1 << 12) + 10)], [rule(major=10), rule(False, major=10, minor=229)], [rule(minor=229), rule(False, "rwm", major=10)],
               [dict(allow=True, access="rwm"), rule(False, major=10, minor=229)]]
    for rules in refused:
        assert allowed(*rules) == ["null"], rules


def test_null_device_of_nobody(runtime):
    """A caller without rights of the host's hands on a null device whose owner it does not know, unguarded where it must; not one that is nobody's there."""
    folder = tempfile.mkdtemp(prefix="oci-null-")
    os.chmod(folder, 0o755)
    def change(c):
        c["linux"].pop("resources")
        c["mounts"] = c["mounts"][:2]
    bundle = runtime.bundle("echo done", change)
    with open(bundle + "/false", "w"):
        pass
    os.mkdir(folder + "/state")
    os.chown(folder + "/state", 100000, 100000)
    try:
        for owner, is_known in ((0, False), (165534, True)):
            null = f"{folder}/{owner}"
            os.mknod(null, 0o20666, os.makedev(1, 3))
            os.chmod(null, 0o666)
            os.chown(null, owner, owner)
            # the guard is a mount of /dev/null, which is none here
            script = f'mount --bind {bundle}/false /dev/null && exec "$@" <{null}'
            call = [runtime.program, "--root", folder + "/state", "--cgroup-manager", "disabled", "run", "--bundle", bundle, "of-nobody"]
            with user_namespace() as users:
                done = subprocess.run([*users, "unshare", "-m", "bash", "-c", script, "bash", *call], capture_output=True, text=True, timeout=60)
            expect(done.stdout + done.stderr, "guarding the null device" if is_known else "done")
            assert ("done" in done.stdout) != is_known, done
    finally:
        shutil.rmtree(folder)
