"""What runc and crun do beyond the words of the specification, and users and engines have come to rely on."""
import json
import os
import signal
import socket
import tempfile

from bundle import add_mount, controllers, expect, hierarchy, said, words


def test_home(runtime):
    """process.env: HOME where nobody says it is the container's own /etc/passwd's to say, in exec too; / for who is not in it."""
    users, pipe = runtime.folder + "/users", runtime.folder + "/users-pipe"
    open(users, "w").write("short:x\nroot:x:0:0::/root:/bin/sh\n:::::\nno:x:7x:7::/none:\nal:x:7:8:A L:/home/al:/bin/sh\nlast:x:9:9::/home/last")
    os.mkfifo(pipe)
    def of(user, file, *entries):
        def change(c):
            add_mount(c, "/etc/passwd", file, "bind", ["bind"])
            c["process"].update(user={"uid": user, "gid": 0}, args=["cat", "/proc/self/environ"], env=["PATH=/bin", *entries])
        return change
    def seen(*given):
        return [entry for entry in runtime.run("", of(*given)).stdout.split("\0") if entry.startswith("HOME=")]
    assert [seen(user, users) for user in (0, 7, 9, 8)] == [["HOME=/root"], ["HOME=/home/al"], ["HOME=/home/last"], ["HOME=/"]]
    assert seen(7, users, "HOME=") == ["HOME=/home/al"] and seen(7, users, "HOME=/mine") == ["HOME=/mine"]
    assert seen(0, pipe) == ["HOME=/"], "what is no file is left alone"
    name, _ = runtime.create(change=lambda c: add_mount(c, "/etc/passwd", users, "bind", ["bind"]))
    runtime.call("start", name)
    assert "HOME=/home/al" in words(runtime.call("exec", "--user", "7", name, "env"))


def test_variables_once(runtime):
    """process.env: of entries with one name the last holds, and so does one of exec over the container's."""
    show = ["cat", "/proc/self/environ"]
    out = runtime.run("", lambda c: c["process"].update(args=show, env=["A=1", "PATH=/bin", "A=2", "B=", "A=3", "HOME=/h"])).stdout
    assert sorted(out.strip("\0").split("\0")) == ["A=3", "B=", "HOME=/h", "PATH=/bin"], out
    name, _ = runtime.create(change=lambda c: c["process"]["env"].append("A=1"))
    runtime.call("start", name)
    out = runtime.call("exec", "--env", "A=2", name, *show).stdout
    assert [entry for entry in out.split("\0") if entry.startswith("A=")] == ["A=2"], out


def test_exec_that_fails(runtime):
    """exec: what cannot be executed gives 255, which no program of the container's need have given; a group beside the container's is refused."""
    name, _ = runtime.create()
    runtime.call("start", name)
    for words_ in (["/nothing"], ["--detach", "/nothing"], ["--cwd", "/nowhere", "true"], ["--cgroup", "../beside", "true"]):
        at = next(i for i, word in enumerate(words_) if word in ("/nothing", "true"))
        done = runtime.call("exec", *words_[:at], name, *words_[at:], check=False)
        assert done.returncode == 255 and done.stderr.strip(), (words_, done)
    assert runtime.call("exec", name, "false", check=False).returncode == 1
    assert runtime.call("exec", "nobody", "true", check=False).returncode == 255


def test_notify_socket(runtime):
    """NOTIFY_SOCKET: the container's process finds the service manager's socket where its environment says."""
    folder = tempfile.mkdtemp(dir=runtime.folder)
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(folder + "/notify")
    inode = str(os.stat(folder + "/notify").st_ino)
    script = "echo $NOTIFY_SOCKET; stat -c '%F %i' $NOTIFY_SOCKET"
    given = lambda path: runtime.run(script, check=False, env=dict(os.environ, NOTIFY_SOCKET=path)).stdout.split()
    assert given(folder + "/notify") == [folder + "/notify", "socket", inode]
    assert given(folder + "/none") == given("@abstract") == []
    manager.close()


def test_owner(runtime):
    """list and state: whose a container is."""
    name, _ = runtime.create()
    table = runtime.call("list").stdout.splitlines()
    assert table[0].split() == ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"], table[0]
    assert [row.split()[5] for row in table[1:] if row.startswith(name)] == ["root"], table
    assert [one["owner"] for one in json.loads(runtime.call("list", "-f", "json").stdout) if one["id"] == name] == ["root"]
    assert runtime.state(name)["owner"] == "root"


def test_options_together(runtime):
    """Options of one letter in one word, the last with a value; a log that cannot be written is an error, as is to tell of what is stopped."""
    name, _ = runtime.create("true")
    assert name in words(runtime.call("list", "-qf", "table"))
    for wrong in (["-qx"], ["another"]):
        assert runtime.call("list", *wrong, check=False).returncode != 0, wrong
    done = runtime.call("--log", "/nowhere/log", "list", check=False)
    assert done.returncode != 0
    expect(done.stderr, "/nowhere/log", "No such file")
    runtime.call("start", name)
    runtime.wait(name)
    for options in (["--stats"], []):
        done = runtime.call("events", *options, name, check=False)
        assert done.returncode != 0
        expect(done.stderr, name, "stopped")


def test_user_namespace_without_root(runtime):
    """linux.uidMappings: one user alone, who is not root inside, a hook and a session of its."""
    root = runtime.folder + "/for-one"
    os.system(f"cp -a {runtime.rootfs} {root} && chown -R -h 100000:100000 {root}")
    def change(c):
        c["root"]["path"] = root
        c["linux"]["namespaces"].append({"type": "user"})
        c["linux"]["uidMappings"] = c["linux"]["gidMappings"] = [{"containerID": 1000, "hostID": 100000, "size": 1}]
        c["process"]["user"] = {"uid": 1000, "gid": 1000}
        c["mounts"] = [m for m in c["mounts"] if m["type"] != "cgroup"]
        c["hooks"] = {"startContainer": [{"path": "/bin/sh", "args": ["sh", "-c", "id -u >/dev/shm/hook"], "env": ["PATH=/bin"]}]}
    name, folder = runtime.create("cat /dev/shm/hook; id -u; id -g; cat /proc/self/uid_map; echo x >/dev/null && echo done; exec sleep 60", change)
    runtime.call("start", name)
    out = said(folder, "done")
    assert out.split() == ["1000", "1000", "1000", "1000", "100000", "1", "done"], out
    assert words(runtime.call("exec", name, "id", "-u")) == ["1000"]


def test_signal_of_run(runtime):
    """kill reaches a program that run waits for, and run gives back what the program makes of it."""
    name, folder = runtime.create("trap 'echo told; exit 3' TERM; echo ready; while :; do sleep 0.05; done")
    runtime.call("start", name)
    said(folder, "ready")
    for text in ("0", "SIGCONT", "cont", str(int(signal.SIGTERM))):
        runtime.call("kill", name, text)
    runtime.wait(name)
    assert "told" in open(folder + "/output").read()


def test_updates_in_turn(runtime):
    """update: each changes what it names and leaves the rest as the ones before have set it."""
    if not {"memory", "cpu", "pids"} <= set(controllers()):
        return "the controllers of this host are bound to cgroup v1"
    group = f"oci-check-turns-{os.getpid()}"
    name, _ = runtime.create(change=lambda c: c["linux"].update(cgroupsPath="/" + group))
    read = lambda file: " ".join(open(f"{hierarchy()}/{group}/{file}").read().split())
    path = runtime.folder + "/resources.json"
    json.dump({"memory": {"limit": 1 << 28}, "pids": {"limit": -1}}, open(path, "w"))
    turns = [(["--memory", "64m"], str(1 << 26), "max 100000", "max"), (["--pids-limit", "70"], str(1 << 26), "max 100000", "70"),
             (["--cpu-quota", "20000", "--cpu-period", "50000"], str(1 << 26), "20000 50000", "70"),
             (["--cpu-quota", "10000"], str(1 << 26), "10000 50000", "70"), (["--memory", "32m"], str(1 << 25), "10000 50000", "70"),
             (["--resources", path], str(1 << 28), "10000 50000", "max"), (["--cpu-period", "80000"], str(1 << 28), "10000 80000", "max"),
             (["--cpu-quota", "-1"], str(1 << 28), "max 80000", "max"),
             (["--memory", "-1"], "max", "max 80000", "max")]
    for options, *expected in turns:
        runtime.call("update", *options, name)
        found = [read(file) for file in ("memory.max", "cpu.max", "pids.max")]
        assert found == expected, (options, found)


def test_pages_of_help(runtime):
    """--help: each command has a page of its own, and a wrong call leads there; --version names the program first and the specification second."""
    pages = {}
    for verb in "create start run exec state kill delete list ps pause resume update events features spec checkpoint restore".split():
        pages[verb] = runtime.call(verb, "--help").stdout
        assert pages[verb].startswith(f"usage: swiftlet-oci [GLOBAL OPTIONS] {verb}"), pages[verb]
        assert runtime.call("help", verb).stdout == pages[verb]
    assert "--ignore-paused" in pages["exec"] and "--ignore-paused" not in pages["run"]
    for call, page in ((["create", "--nonsense", "x"], "swiftlet-oci create --help"), (["--nonsense", "list"], "swiftlet-oci --help")):
        done = runtime.call(*call, check=False)
        assert done.returncode != 0
        expect(done.stderr, "--nonsense", page)
    done = runtime.call("run", "--bundle", runtime.folder + "/none", runtime.id(), check=False)
    assert done.returncode != 0
    expect(done.stderr, runtime.folder + "/none/config.json", "--bundle", "swiftlet-oci spec")
    name, specification = runtime.call("--version").stdout.splitlines()
    highest = json.loads(runtime.call("features").stdout)["ociVersionMax"]
    assert name.startswith("swiftlet-oci version ") and name.split()[2] != highest and specification == "spec: " + highest
