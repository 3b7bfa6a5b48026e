"""What a configuration says of mounts and what is seen of it inside."""
import os
import subprocess
import tempfile

from bundle import Failure, add_mount, expect, with_users, words


def test_mounts_in_order(runtime):
    """mounts: each kind, in the order of the list, with its source and type as given; in a user namespace as well."""
    folder = tempfile.mkdtemp(dir=runtime.folder)
    open(folder + "/file", "w").close()
    wanted = [("/proc", "proc", "proc"), ("/dev", "tmpfs", "tmpfs"), ("/dev/pts", "devpts", "devpts"), ("/dev/shm", "tmpfs", "shm"),
              ("/dev/mqueue", "mqueue", "mqueue"), ("/sys", "sysfs", "sysfs")]
    def listed(change):
        out = runtime.run("cat /proc/self/mountinfo", change).stdout
        return [(line.split()[4], *line.split(" - ")[1].split()[:2]) for line in out.strip().split("\n")]
    def with_binds(c):
        """A directory and a file between each two file systems, with every kind of propagation."""
        options = iter([["rbind"], ["bind", "ro"], ["rbind", "rslave"], ["bind", "shared"], ["rbind", "runbindable", "rro"]])
        between = [mount for mount in c["mounts"] if mount["type"] != "cgroup"]
        c["mounts"] = [c["mounts"][0]]
        for number, mount in enumerate(between[1:]):
            add_mount(c, f"/mnt/d{number}", folder, "bind", next(options))
            c["mounts"].append(mount)
            add_mount(c, f"/mnt/f{number}", folder + "/file", "bind", ["bind"])
        add_mount(c, "/mnt/last", folder, "bind", ["bind"])
    def check(users):
        found = [row for row in listed(users) if row in wanted]
        assert found == wanted, found
        order = []
        def change(c):
            with_binds(c)
            order[:] = [mount["destination"] for mount in c["mounts"]]
            if users:
                users(c)
        places = [row[0] for row in listed(change)]
        assert [place for place in places if place in ["/", *order]] == ["/", *order], (bool(users), places)
    check(None)
    check(with_users)
    # where the namespace's root may not go to the bundle
    os.chmod(runtime.folder, 0o700)
    try:
        check(with_users)
    finally:
        os.chmod(runtime.folder, 0o755)


def mount_line(runtime, change, target="/mnt"):
    out = runtime.run("cat /proc/self/mountinfo", change).stdout
    lines = [line for line in out.strip().split("\n") if line.split()[4] == target]
    if not lines:
        raise Failure(f"nothing is mounted at {target}")
    return lines[-1]


def test_mount_attributes(runtime):
    """mounts.options: every attribute that a mount can have."""
    for option in ("ro", "nosuid", "nodev", "noexec", "noatime", "nodiratime", "relatime", "nosymfollow"):
        line = mount_line(runtime, lambda c: add_mount(c, "/mnt", "tmpfs", "tmpfs", [option]))
        assert option in line.split()[5].split(","), (option, line)
        line = mount_line(runtime, lambda c: add_mount(c, "/mnt", runtime.folder, "bind", ["bind", option]))
        assert option in line.split()[5].split(","), (option, line)
    line = mount_line(runtime, lambda c: add_mount(c, "/mnt", "tmpfs", "tmpfs", ["strictatime"]))
    assert "atime" not in line.split()[5], line


def test_mount_last_attribute_wins(runtime):
    """mounts.options: of two that contradict each other the later one holds."""
    line = mount_line(runtime, lambda c: add_mount(c, "/mnt", "tmpfs", "tmpfs", ["ro", "noexec", "rw", "exec"]))
    assert line.split()[5].startswith("rw") and "noexec" not in line, line


def with_nested(runtime, body):
    """Runs `body` with a directory that has another mount beneath."""
    folder = tempfile.mkdtemp(dir=runtime.folder)
    os.mkdir(folder + "/below")
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder + "/below"], check=True)
    try:
        body(folder)
    finally:
        subprocess.run(["umount", folder + "/below"], check=True)


def test_mount_recursive_attributes(runtime):
    """mounts.options: rro, rnoexec and the like hold for all beneath; ro for the mount alone."""
    def body(folder):
        deep = lambda options: mount_line(runtime, lambda c: add_mount(c, "/mnt", folder, "bind", options), "/mnt/below").split()[5]
        assert deep(["rbind", "rro"]).startswith("ro")
        assert "noexec" in deep(["rbind", "rnoexec"]) and "nodev" in deep(["rbind", "rnodev"]) and "nosuid" in deep(["rbind", "rnosuid"])
        assert deep(["rbind", "ro"]).startswith("rw")
    with_nested(runtime, body)


def test_mount_bind_is_not_recursive(runtime):
    """mounts.options: bind takes the mount alone, rbind what is beneath."""
    def body(folder):
        out = runtime.run("grep -c below /proc/self/mountinfo", lambda c: add_mount(c, "/mnt", folder, "bind", ["bind"]), check=False)
        assert out.stdout.strip() == "0", out.stdout
    with_nested(runtime, body)


def test_mount_propagation(runtime):
    """mounts.options: private, shared, slave, unbindable as mountinfo tells them."""
    marks = {"rprivate": ("shared:", False), "rshared": ("shared:", True), "unbindable": ("unbindable", True)}
    for option, (mark, is_there) in marks.items():
        line = mount_line(runtime, lambda c: add_mount(c, "/mnt", runtime.folder, "bind", ["rbind", option]))
        assert (mark in line) == is_there, (option, line)


def test_mounts_beside_shared_ones(runtime):
    """mounts.options: what is mounted after a bind that is shared with the host covers nothing there."""
    folder = tempfile.mkdtemp(dir=runtime.folder)
    places = [f"{folder}/{name}" for name in ("one", "two", "file1", "file2")]
    for place in places[:2]:
        os.mkdir(place)
        open(place + "/own", "w").close()
    for place in places[2:]:
        open(place, "w").close()
    shared = [places[0], places[2]]
    for place in shared:
        subprocess.run(["mount", "--bind", place, place], check=True)
        subprocess.run(["mount", "--make-shared", place], check=True)
    try:
        def seen():
            return [line for line in open("/proc/self/mountinfo").read().split("\n") if folder in line]
        before = seen()
        def change(c):
            for number, place in enumerate(places):
                add_mount(c, f"/mnt/{number}", place, "bind", ["rbind", "rshared" if place in shared else "rprivate"])
        for users in (False, True):
            runtime.run("true", lambda c: (change(c), users and with_users(c)), check=not users)
            assert seen() == before and os.listdir(places[0]) == ["own"], seen()
    finally:
        for place in shared:
            subprocess.run(["umount", "-R", place], check=False)


def test_mount_propagates_from_host(runtime):
    """mounts.options: rslave shows what the host mounts later, rprivate does not."""
    for option, count in (("rslave", "1"), ("rprivate", "0")):
        folder = tempfile.mkdtemp(dir=runtime.folder)
        os.mkdir(folder + "/late")
        subprocess.run(["mount", "--bind", folder, folder], check=True)
        subprocess.run(["mount", "--make-shared", folder], check=True)
        try:
            name, _ = runtime.create(change=lambda c: add_mount(c, "/mnt", folder, "bind", ["rbind", option]))
            subprocess.run(["mount", "-t", "tmpfs", "late", folder + "/late"], check=True)
            runtime.call("start", name)
            out = runtime.call("exec", name, "/bin/sh", "-c", "grep -c ' /mnt/late ' /proc/self/mountinfo", check=False)
            assert out.stdout.strip() == count, (option, out.stdout, out.stderr)
            runtime.call("delete", "--force", name)
        finally:
            subprocess.run(["umount", "-R", folder], check=True)


def test_mount_copies_up(runtime):
    """mounts.options: tmpcopyup fills a tmpfs with what it covers."""
    tree = runtime.rootfs + "/etc"
    os.makedirs(tree + "/sub", exist_ok=True)
    open(tree + "/sub/file", "w").write("kept")
    os.chmod(tree + "/sub/file", 0o640)
    os.symlink("file", tree + "/sub/link") if not os.path.lexists(tree + "/sub/link") else None
    out = runtime.run("cat /etc/sub/link; stat -c %a /etc/sub/file; touch /etc/new; grep -c ' /etc tmpfs\\| /etc rw' /proc/self/mountinfo",
                      lambda c: add_mount(c, "/etc", "tmpfs", "tmpfs", ["tmpcopyup"]))
    assert out.stdout.startswith("kept640"), out.stdout
    assert not os.path.exists(tree + "/new")


def test_mount_idmapped(runtime):
    """mounts.uidMappings: files of a mount are owned by other ids inside."""
    folder = tempfile.mkdtemp(dir=runtime.folder)
    open(folder + "/file", "w").close()
    os.chmod(folder, 0o777)
    maps = {"uidMappings": [{"containerID": 0, "hostID": 5000, "size": 100}], "gidMappings": [{"containerID": 0, "hostID": 6000, "size": 100}]}
    change = lambda c: add_mount(c, "/mnt", folder, "bind", ["bind"], **maps)
    out = runtime.run("stat -c '%u %g' /mnt/file", change)
    assert words(out) == ["5000", "6000"], out.stdout


def test_mount_idmapped_by_namespace(runtime):
    """mounts.options: idmap takes the user namespace's own mappings."""
    folder = tempfile.mkdtemp(dir=runtime.folder)
    open(folder + "/file", "w").close()
    os.chmod(folder, 0o777)
    def change(c):
        with_users(c)
        add_mount(c, "/mnt", folder, "bind", ["bind", "idmap"])
    out = runtime.run("stat -c '%u %g' /mnt/file; touch /mnt/new", change)
    assert words(out) == ["0", "0"], out.stdout
    assert os.stat(folder + "/new").st_uid == 0


def test_mount_idmapped_by_an_option(runtime):
    """mounts.options: idmap= with mappings of its own, as crun has it."""
    folder = tempfile.mkdtemp(dir=runtime.folder)
    open(folder + "/file", "w").close()
    open(folder + "/other", "w").close()
    os.chown(folder + "/other", 20, 0)
    option = "idmap=uids=0-1000-10#20-2000-5;gids=0-3000-10"
    out = runtime.run("stat -c '%u %g' /mnt/file /mnt/other; touch /mnt/new", lambda c: add_mount(c, "/mnt", folder, "bind", ["bind", option]), check=False)
    assert words(out) == ["1000", "3000", "2000", "3000"], out.stdout


def test_mount_of_a_file(runtime):
    """mounts: a file on a file, whose place is made."""
    path = runtime.folder + "/single"
    open(path, "w").write("one file")
    out = runtime.run("cat /etc/deep/er/single", lambda c: add_mount(c, "/etc/deep/er/single", path, "bind", ["bind", "ro"]))
    assert out.stdout == "one file"


def test_mount_options_of_filesystems(runtime):
    """mounts.options: what the runtime does not know goes to the filesystem."""
    line = mount_line(runtime, lambda c: add_mount(c, "/mnt", "t", "tmpfs", ["size=1m", "mode=700", "nr_inodes=50"]))
    expect(line, "size=1024k", "mode=700", "nr_inodes=50")


def test_mount_overlay(runtime):
    """mounts: an overlay with options longer than the new mount interface holds."""
    folders = []
    for number in range(4):
        folder = tempfile.mkdtemp(dir=runtime.folder, prefix="a-rather-long-name-for-a-layer-" * 2)
        open(f"{folder}/f{number}", "w").close()
        folders.append(folder)
    # the overlay's directories are the host's, however long their names are together
    for options in (["lowerdir=" + ":".join(folders)], ["lowerdir=" + ":".join(folders[:2])]):
        out = runtime.run("ls /mnt; grep -c overlay /proc/self/mountinfo", lambda c: add_mount(c, "/mnt", "overlay", "overlay", options))
        assert words(out) == [f"f{number}" for number in range(options[0].count(":") + 1)] + ["1"], out.stdout


def test_mount_at_links(runtime):
    """mounts: what a link of the image leads to is made, for a file and for a directory, inside the container alone and not without end."""
    links = runtime.rootfs + "/links"
    os.mkdir(links)
    leads = {"file": "../made/by/file", "absolute": "/made/absolute/file", "folder": "../made/./folder", "twice": "again", "again": "/made/again",
             "out": "../../../../../../../../made-above/file", "round": "around", "around": "round", **{f"deep{n}": f"deep{n + 1}" for n in range(6)}}
    for name, lead in leads.items():
        os.symlink(lead, f"{links}/{name}")
    source, folder = runtime.folder + "/at-links", tempfile.mkdtemp(dir=runtime.folder)
    for path in (source, folder + "/inner"):
        open(path, "w").write("seen")
    def change(c):
        for name in ("file", "absolute", "twice", "out"):
            add_mount(c, "/links/" + name, source, "bind", ["bind"])
        add_mount(c, "/links/folder/beneath", folder, "bind", ["bind"])
    out = runtime.run("cat /made/by/file /made/absolute/file /made/again /made-above/file /made/folder/beneath/inner; readlink /links/out", change).stdout
    assert out == "seen" * 5 + leads["out"] + "\n", out
    assert not os.path.exists("/made-above") and not os.path.exists(os.path.dirname(runtime.rootfs) + "/made-above")
    for name in ("round", "deep0"):
        done = runtime.run("true", lambda c: add_mount(c, "/links/" + name, source, "bind", ["bind"]), check=False)
        assert done.returncode != 0, name
        expect(done.stderr, "/links/" + name, "Too many levels of symbolic links")


def test_mount_keeps_mode(runtime):
    """mounts: a tmpfs is to whom the directory is that it covers, unless its options say a mode or there is none."""
    folder = runtime.rootfs + "/of-mode"
    os.mkdir(folder)
    def seen(mode, options=(), target="/of-mode"):
        os.chmod(folder, mode)
        return words(runtime.run(f"stat -c %a {target}", lambda c: add_mount(c, target, "tmpfs", "tmpfs", list(options))))[0]
    assert seen(0o712) == "712" and seen(0o7777) == "7777" and seen(0o700, ["ro", "size=1m"]) == "700"
    assert seen(0o712, ["mode=0410"]) == "410" and seen(0o712, target="/tmp/not/there") == "1777"


def test_root_propagation(runtime):
    """linux.rootfsPropagation."""
    for word, mark in (("shared", "shared:"), ("private", ""), ("unbindable", "unbindable")):
        line = mount_line(runtime, lambda c: c["linux"].update(rootfsPropagation=word), "/")
        has = [m for m in ("shared:", "unbindable") if m in line]
        assert has == ([mark] if mark else []), (word, line)


def test_mount_label_is_told(runtime):
    """linux.mountLabel: said not to be held by a kernel without SELinux, and no hindrance; an empty one is none."""
    done = runtime.run("echo ran", lambda c: c["linux"].update(mountLabel="system_u:object_r:container_file_t:s0"))
    expect(done.stdout, "ran")
    expect(done.stderr, "linux.mountLabel cannot be held")
    assert not runtime.run("true", lambda c: c["linux"].update(mountLabel="")).stderr


def test_places_that_are_made(runtime):
    """What is missing of a path is made in the container's root: "." in it is nothing, and ".." takes away what it follows."""
    new, file = runtime.id(), runtime.folder + "/a-file"
    open(file, "w").close()
    assert words(runtime.run("pwd", lambda c: c["process"].update(cwd=f"/{new}/."))) == [f"/{new}"]
    inner = {"destination": f"/{new}/./a/./b", "type": "tmpfs", "source": "tmpfs"}
    expect(runtime.run("mount", lambda c: c["mounts"].append(inner)).stdout, f" /{new}/a/b ")
    for climb, made in ((f"/tmp/../{new}-file", f"/{new}-file"), (f"/../no/../../{new}/file", f"/{new}/file")):
        beyond = {"destination": climb, "type": "bind", "source": file, "options": ["bind"]}
        assert words(runtime.run(f"ls {made}", lambda c: c["mounts"].append(beyond))) == [made]
        assert not os.path.exists(f"{runtime.rootfs}/no")
    os.makedirs(f"{runtime.rootfs}/{new}/far/down")
    os.symlink(f"/{new}/far/down", f"{runtime.rootfs}/{new}/link")
    beside = {"destination": f"/{new}/link/none/../../beside", "type": "bind", "source": file, "options": ["bind"]}
    assert words(runtime.run(f"ls /{new}/far", lambda c: c["mounts"].append(beside))) == ["beside", "down"]
    behind = {"destination": f"/tmp/none/../../{new}/link/../behind", "type": "bind", "source": file, "options": ["bind"]}
    assert words(runtime.run(f"ls /{new}/far", lambda c: c["mounts"].append(behind))) == ["behind", "beside", "down"]
    below = {"destination": f"/tmp/none/../../{new}/c", "type": "tmpfs", "source": "tmpfs"}
    expect(runtime.run("mount", lambda c: c["mounts"].append(below)).stdout, f" /{new}/c ")
