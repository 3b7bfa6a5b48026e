"""Ways out of a container that are known from other runtimes, tried from inside. Each has a control: the same trick where nothing stands against it."""
import os
import shutil
import subprocess
import tempfile
import time

from bundle import Failure, add_mount
from clauses import expect
from lifecycle import state


def image(runtime, change):
    """A root file system of its own."""
    folder = tempfile.mkdtemp(dir=runtime.folder)
    tree = folder + "/rootfs"
    shutil.copytree(runtime.rootfs, tree, symlinks=True, ignore=lambda path, names: [n for n in names if path == runtime.rootfs and n in ("proc", "sys", "dev")])
    for name in ("proc", "sys", "dev"):
        os.mkdir(f"{tree}/{name}")
    change(tree)
    return tree


def run_image(runtime, tree, script, change=None):
    def both(config):
        config["root"]["path"] = tree
        if change:
            change(config)
    return runtime.run(script, both, check=False)


# Holds a program's file open while it runs, lets it end, and writes to the file.
REWRITE = "exec 9</proc/%s/exe; kill -9 %s; for i in $(seq 50); do [ -d /proc/%s ] || break; sleep 0.02; done; echo overwritten 2>&1 >>/proc/self/fd/9"


def test_runtime_is_not_overwritten(runtime):
    """The runtime's own executable cannot be written to through /proc/PID/exe (CVE-2019-5736)."""
    tree = image(runtime, lambda t: os.mkfifo(t + "/fifo"))
    def change(config):
        config["root"]["path"] = tree
    name, _ = runtime.create(change=change)
    runtime.call("start", name)
    # a copy that nobody else runs: one that runs is protected by that
    program = shutil.copy(runtime.program, runtime.folder + "/runtime")
    before = open(program, "rb").read()
    # executed inside, the runtime waits where it opens its log
    subprocess.run([program, "--root", runtime.root, "exec", "--detach", name, "/proc/self/exe", "--log", "/fifo", "start", "nobody"],
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    inside = "for p in /proc/[0-9]*; do read -r c <$p/comm; case $(cat $p/cmdline | tr '\\0' ' ') in /proc/self/exe*) echo ${p#/proc/};; esac; done"
    pid = ""
    for _ in range(50):
        pid = runtime.call("exec", name, "sh", "-c", inside).stdout.split("\n")[0].strip()
        if pid:
            break
        time.sleep(0.05)
    assert pid, "the runtime does not run inside"
    out = runtime.call("exec", name, "sh", "-c", REWRITE % (pid, pid, pid), check=False)
    expect(out.stdout + out.stderr, "Read-only file system")
    assert open(program, "rb").read() == before
    # the control: a program of the container's own is overwritten by the same trick
    control = "mkdir /v; cp /bin/busybox /v/busybox; /v/busybox sleep 100 & sleep 0.2; p=$!; " + REWRITE.replace("%s", "$p") + "; tail -c 12 /v/busybox"
    expect(runtime.call("exec", name, "sh", "-c", control, check=False).stdout, "overwritten")


def test_no_descriptor_leads_out(runtime):
    """No descriptor of the runtime's is open inside, and no working directory leads through one (CVE-2024-21626)."""
    out = runtime.run("for n in $(ls /proc/self/fd); do readlink /proc/self/fd/$n || true; done; ls /proc/self/fd | wc -l").stdout
    assert out.split()[-1] == "4", out  # the three streams and the directory that ls reads
    for number in range(3, 16):
        done = runtime.run("cat etc/hostname; pwd", lambda c: c["process"].update(cwd=f"/proc/self/fd/{number}"), check=False)
        assert done.returncode != 0, f"/proc/self/fd/{number}: {done.stdout}"
    # the control: a descriptor that is handed on is there
    script = f"exec 3</; exec {runtime.program} --root {runtime.root} run --preserve-fds 1 --bundle {runtime.bundle('ls /proc/self/fd/3/; true')} {runtime.id()}"
    expect(subprocess.run(["bash", "-c", script], capture_output=True, text=True).stdout, "etc")


def test_mount_targets_stay_inside(runtime):
    """A mount's target that leads over an image's links is made inside the container (CVE-2021-30465)."""
    outside = tempfile.mkdtemp(prefix="oci-outside-")
    try:
        tree = image(runtime, lambda t: (os.makedirs(t + outside), os.symlink(outside, t + "/link"), os.symlink("../../../../../.." + outside, t + "/climb")))
        for link in ("link", "climb"):
            run_image(runtime, tree, "true", lambda c: add_mount(c, f"/{link}/made", "tmpfs", "tmpfs"))
            assert os.listdir(outside) == [], link
            assert os.path.isdir(f"{tree}{outside}/made"), link
            os.rmdir(f"{tree}{outside}/made")
        os.mkdir(f"{tree}/link/made")  # the control: the host itself follows the link
        assert os.listdir(outside) == ["made"]
    finally:
        shutil.rmtree(outside)


def test_kernel_filesystems_follow_no_links(runtime):
    """proc, sysfs and /dev are not mounted where an image's links lead (CVE-2019-19921, CVE-2025-52881)."""
    for name in ("proc", "sys", "dev"):
        def change(tree):
            os.rmdir(f"{tree}/{name}")
            os.mkdir(f"{tree}/fake")
            os.symlink("/fake", f"{tree}/{name}")
        done = run_image(runtime, image(runtime, change), "echo ran")
        assert done.returncode != 0 and "ran" not in done.stdout, name
        expect(done.stderr, "/" + name)
    expect(run_image(runtime, image(runtime, lambda t: None), "echo ran").stdout, "ran")


def test_devices_are_not_made_elsewhere(runtime):
    """Device nodes are not made where a /dev of the image's that is a link leads (CVE-2026-41579)."""
    def change(tree):
        os.rmdir(tree + "/dev")
        os.mkdir(tree + "/elsewhere")
        os.symlink("/elsewhere", tree + "/dev")
    tree = image(runtime, change)
    done = run_image(runtime, tree, "true", lambda c: c.update(mounts=c["mounts"][:1]))
    assert done.returncode != 0 and os.listdir(tree + "/elsewhere") == [], done.stderr
    tree = image(runtime, lambda t: None)
    run_image(runtime, tree, "true", lambda c: c.update(mounts=c["mounts"][:1]))
    assert "null" in os.listdir(tree + "/dev")


def test_masks_are_the_null_device(runtime):
    """A path is not masked by something else that lies at /dev/null (CVE-2025-31133)."""
    secret = runtime.folder + "/secret"
    open(secret, "w").write("secret")
    def change(false_null):
        folder = tempfile.mkdtemp(dir=runtime.folder)
        if false_null:
            shutil.copy(secret, folder + "/null")
        else:
            os.mknod(folder + "/null", 0o20666, os.makedev(1, 3))
        def configure(c):
            c["mounts"] = [m for m in c["mounts"] if not m["destination"].startswith("/dev")]
            add_mount(c, "/dev", folder, "bind", ["bind"])
            c["linux"]["maskedPaths"] = ["/etc/masked"]
        return configure
    open(runtime.rootfs + "/etc/masked", "w").write("hidden")
    done = runtime.run("cat /etc/masked", change(True), check=False)
    assert done.returncode != 0 and "hidden" not in done.stdout, done.stdout
    expect(done.stderr, "masking a path", "/etc/masked")
    assert runtime.run("cat /etc/masked", change(False)).stdout == ""
    assert runtime.run("cat /etc/masked", lambda c: None).stdout == "hidden"  # the control: without a mask


def test_host_is_out_of_sight(runtime):
    """The host's root, mounts, processes and devices cannot be reached, even with CAP_SYS_ADMIN."""
    marker = tempfile.mkdtemp(prefix="oci-host-")
    try:
        out = runtime.run(f"ls {marker} 2>&1; ls /../../..{marker} 2>&1; cat /proc/1/root{marker} 2>&1; ls -d /proc/[0-9]* | wc -l; "
                          "mknod /tmp/disk b 254 0 && dd if=/tmp/disk bs=1 count=1 2>&1; grep -c . /proc/self/mountinfo; rm -f /tmp/disk", check=False).stdout
        assert out.count("No such file") == 3, out
        expect(out, "Operation not permitted")
        assert "1+0 records" not in out, out
        done = runtime.run(f"ls -d {marker}", lambda c: add_mount(c, marker, marker, "bind", ["bind"]))  # the control
        expect(done.stdout, marker)
    finally:
        os.rmdir(marker)
