"""What an image, or a volume, can do to the call that makes a container of it. As in attacks.py, each has a control."""
import os
import shutil
import tempfile
import threading

from attack import attack, image, run_image
from bundle import Failure, add_mount, expect, until
from sessions import read_all, receive_terminal


@attack('mount targets over links (CVE-2021-30465, CVE-2024-45310)', 'targets behind absolute and climbing links',
        'openat2 with RESOLVE_IN_ROOT, move_mount by descriptor', 'the host itself follows the link')
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


@attack("targets swapped meanwhile (CVE-2021-30465, CVE-2024-45310)", "a directory of a shared volume and a link to the host change places while containers are made that mount beneath it",
        "openat2 with RESOLVE_IN_ROOT, mkdirat and move_mount by descriptor", "who makes the directory by its path makes it on the host")
def test_swapped_targets_stay_inside(runtime):
    """A mount's target whose way is swapped against a link while it is made stays inside (CVE-2021-30465)."""
    outside, volume = tempfile.mkdtemp(prefix="oci-outside-"), tempfile.mkdtemp(dir=runtime.folder)
    os.chmod(volume, 0o777)
    os.mkdir(volume + "/own")
    os.chmod(volume + "/own", 0o777)
    os.symlink("own", volume + "/part")
    over = threading.Event()
    def swap():
        while not over.is_set():
            for target in (outside, "own"):
                os.symlink(target, volume + "/next")
                os.rename(volume + "/next", volume + "/part")
    swapper = threading.Thread(target=swap)
    swapper.start()
    def change(config):
        add_mount(config, "/volume", volume, "bind", ["bind"])
        add_mount(config, "/volume/part/made", "tmpfs", "tmpfs")
    try:
        tree = image(runtime, lambda t: (os.makedirs(t + outside), os.mkdir(t + "/volume")))
        made = sum(run_image(runtime, tree, "true", change).returncode == 0 for _ in range(12))
        assert os.listdir(outside) == [], os.listdir(outside)
        assert made > 0, "no container was made"
        def led_out():
            shutil.rmtree(volume + "/own/by-path", ignore_errors=True)
            os.makedirs(volume + "/part/by-path", exist_ok=True)
            return os.listdir(outside) == ["by-path"]
        until(led_out, "who follows the path is led out")  # the control
    finally:
        over.set()
        swapper.join()
        shutil.rmtree(outside)


@attack('redirected procfs (CVE-2019-19921, CVE-2025-52881)', '/proc, /sys, /dev of the image are links',
        "no links on the way; kernel parameters through the host's verified procfs", 'an image without links runs')
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


@attack('/dev as a link (CVE-2026-41579, CVE-2026-47766)', 'device nodes where it leads',
        'no links on the way', 'without the link they are made')
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


@attack('swapped null device (CVE-2025-31133)', 'something else at /dev/null while a path is masked',
        "the device's numbers are checked", 'the true one masks; without a mask the file is read')
def test_masks_are_the_null_device(runtime):
    """A path is not masked by something else that lies at /dev/null (CVE-2025-31133)."""
    secret = runtime.folder + "/secret"
    open(secret, "w").write("secret")
    def change(false_null):
        folder = tempfile.mkdtemp(dir=runtime.folder)
        os.chmod(folder, 0o755)
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


@attack("a swapped console (CVE-2025-52565)", "/dev/console of the image is a link to another of its files",
        "the terminal is not mounted where a link leads", "a plain file there is covered by the terminal")
def test_console_follows_no_link(runtime):
    """The terminal is not laid over the file that a link at /dev/console leads to (CVE-2025-52565)."""
    path = runtime.folder + "/attack-console" + str(runtime.users)
    def change(is_link):
        def make(tree):
            open(tree + "/victim", "w").write("whole\n")
            os.symlink("/victim", tree + "/dev/console") if is_link else open(tree + "/dev/console", "w").close()
        return make
    def seen(is_link):
        tree = image(runtime, change(is_link))
        def configure(config):
            config["root"]["path"] = tree
            config["mounts"] = [m for m in config["mounts"] if m["destination"] in ("/proc", "/dev/pts")]
            config["process"]["terminal"] = True
        thread, got = receive_terminal(path)
        try:
            name, _ = runtime.create("cat /victim; grep -c /victim /proc/self/mountinfo; grep -c /dev/console /proc/self/mountinfo", configure,
                                     options=["--console-socket", path])
        except Failure:
            return "refused"
        finally:
            os.unlink(path)
        thread.join(30)
        runtime.call("start", name)
        return read_all(got[0]).split()
    out = seen(True)
    assert out == "refused" or out[:2] == ["whole", "0"], out
    assert seen(False) == ["whole", "0", "1"]  # the control
