"""The OCI runtime with --systemd-cgroup: the scope that systemd makes for a container, from its making to its end."""

import os
import subprocess
import sys
import time

sys.path.insert(0, "/payload/oci")
from bundle import with_users  # noqa: E402
from report import Unmet, command, expect, read, wait_for  # noqa: E402

SECONDS = 120  # for what takes a moment: this machine may be an emulated one
SLICE = "ocivm.slice"
GROUP = f"/sys/fs/cgroup/{SLICE}"
SHOWN = {
    "ActiveState": "active", "Slice": SLICE, "Delegate": "yes", "CollectMode": "inactive-or-failed", "DefaultDependencies": "no",
    "MemoryMax": str(64 << 20), "MemoryLow": str(16 << 20), "MemorySwapMax": "0", "CPUQuotaPerSecUSec": "250ms", "CPUQuotaPeriodUSec": "50ms",
    "CPUWeight": "59", "TasksMax": "50", "AllowedCPUs": "0", "TimeoutStopUSec": "7s",
}
FILES = {
    "memory.max": str(64 << 20), "memory.low": str(16 << 20), "memory.swap.max": "0", "cpu.max": "12500 50000", "cpu.weight": "59",
    "pids.max": "50", "cpuset.cpus": "0", "memory.high": "50331648",
}
RESOURCES = {
    "memory": {"limit": 64 << 20, "swap": 64 << 20, "reservation": 16 << 20}, "pids": {"limit": 50},
    "cpu": {"quota": 12500, "period": 50000, "shares": 512, "cpus": "0"}, "unified": {"memory.high": "50331648"},
}


def unit(name):
    return f"check-{name}.scope"


def configured(name, resources=None):
    def change(config):
        config["linux"]["cgroupsPath"] = f"{SLICE}:check:{name}"
        config["linux"]["resources"].update(resources or {})
        config["annotations"] = {"org.systemd.property.TimeoutStopSec": "uint64 7"}
        config["process"]["oomScoreAdj"] = 0
    return change


def created(runtime, script="sleep 1000", resources=None, name=None):
    """A started container in a scope: the id and the group's directory."""
    name = name or runtime.id()
    folder = runtime.bundle(script, configured(name, resources))
    runtime.call("--systemd-cgroup", "create", "--bundle", folder, name, output=None, timeout=SECONDS)
    runtime.call("start", name, timeout=SECONDS)
    return name, f"{GROUP}/{unit(name)}"


def shown(name, keys):
    lines = command("systemctl", "show", unit(name), *[f"--property={key}" for key in keys]).splitlines()
    return dict(line.split("=", 1) for line in lines if line)


def held(group, files):
    return {file: read(f"{group}/{file}").strip() for file in files}


def is_gone(name):
    """Else Unmet with what is left, which is what a wait for it ends with."""
    if unit(name) in command("systemctl", "list-units", "--all", "--plain", "--no-legend"):
        properties = "--property=ActiveState,SubState,Result,Job,ControlGroup,TasksCurrent"
        raise Unmet("its unit is there: " + command("systemctl", "show", unit(name), properties).replace("\n", " "))
    expect(not os.path.exists(f"{GROUP}/{unit(name)}"), "its group is there")
    return True


def deleted(runtime, name):
    runtime.call("delete", "--force", name, timeout=SECONDS)
    wait_for(f"the end of {unit(name)}", SECONDS, lambda: is_gone(name))


def scope(runtime):
    name, group = created(runtime, resources=RESOURCES)
    seen = shown(name, SHOWN)
    expect(seen == SHOWN, f"systemd shows {seen}")
    expect(held(group, FILES) == FILES, f"the files hold {held(group, FILES)}")
    first = runtime.call("state", name, timeout=SECONDS).stdout
    inside = read(f"{group}/cgroup.procs").split()
    expect(len(inside) == 1 and f'"pid":{inside[0]}' in first.replace(" ", ""), f"in the group are {inside}, the state is {first}")
    said = runtime.call("exec", name, "cat", "/proc/self/cgroup", timeout=SECONDS).stdout.strip()
    expect(said == "0::/", f"exec sees itself in {said}")
    runtime.call("exec", "--detach", name, "sleep", "1000", output=None, timeout=SECONDS)
    expect(len(read(f"{group}/cgroup.procs").split()) == 2, "an exec session is not in the group")
    deleted(runtime, name)


def update(runtime):
    name, group = created(runtime, resources=RESOURCES)
    runtime.call("update", "--memory", "48m", "--memory-swap", "48m", "--pids-limit", "20", "--cpu-quota", "10000", "--cpu-period", "100000",
                 "--cpu-share", "256", "--cpuset-cpus", "1", name, timeout=SECONDS)
    files = {"memory.max": str(48 << 20), "pids.max": "20", "cpu.max": "10000 100000", "cpu.weight": "35", "cpuset.cpus": "1"}
    properties = {
        "MemoryMax": str(48 << 20), "TasksMax": "20", "CPUQuotaPerSecUSec": "100ms", "CPUQuotaPeriodUSec": "100ms", "CPUWeight": "35", "AllowedCPUs": "1"}
    expect(shown(name, properties) == properties, f"systemd shows {shown(name, properties)}")
    expect(held(group, files) == files, f"the files hold {held(group, files)}")
    command("systemctl", "daemon-reload")
    expect(held(group, files) == files, f"after a reload the files hold {held(group, files)}")
    number = read("/sys/block/vda/dev").strip().replace(":", " ")
    done = runtime.call("exec", name, "sh", "-c", f"mknod /dev/disk b {number} && dd if=/dev/disk of=/dev/null bs=512 count=1", check=False, timeout=SECONDS)
    expect(done.returncode != 0 and "not permitted" in done.stderr, f"after a reload the disk was read: {done.stdout} {done.stderr}")
    deleted(runtime, name)


def single(runtime):
    """A limit of one process, beside which the one that holds the scope at first finds no room."""
    name, group = created(runtime, "while :; do :; done", {"pids": {"limit": 1}})
    expect(read(f"{group}/pids.max").strip() == "1" and shown(name, ["TasksMax"]) == {"TasksMax": "1"}, "the limit is not one")
    deleted(runtime, name)
    name = runtime.id()
    def change(config):
        configured(name, {"pids": {"limit": 1}})(config)
        config["mounts"].append({"destination": "/mnt", "type": "nothing", "source": "nothing"})
    done = runtime.call("--systemd-cgroup", "run", "--bundle", runtime.bundle("true", change), name, check=False, timeout=SECONDS)
    expect(done.returncode != 0 and "mounts[7] (/mnt)" in done.stderr, f"of a mount that cannot be made is said: {done.stderr}")
    wait_for("the end of its unit", SECONDS, lambda: is_gone(name))


def idle(runtime):
    """cpu.idle, by a property where systemd has it: it outlives a reload."""
    name, group = created(runtime, resources={"cpu": {"idle": 1}})
    expect(read(f"{group}/cpu.idle").strip() == "1", "the group is not idle")
    command("systemctl", "daemon-reload")
    expect(read(f"{group}/cpu.idle").strip() == "1", "after a reload the group is not idle")
    deleted(runtime, name)


def ended(runtime):
    """A container that ends by itself, and one run in the foreground: nothing is left of their units."""
    name, _ = created(runtime, "true")
    wait_for("its end", SECONDS, lambda: runtime.status(name) == "stopped")
    runtime.call("delete", name, timeout=SECONDS)
    wait_for("the end of its unit", SECONDS, lambda: is_gone(name))
    for _ in range(5):
        name = runtime.id()
        done = runtime.call("--systemd-cgroup", "run", "--bundle", runtime.bundle("exit 7", configured(name)), name, check=False, timeout=SECONDS)
        expect(done.returncode == 7, f"run ended with {done.returncode}: {done.stderr}")
        wait_for("the end of its unit", SECONDS, lambda: is_gone(name))


def taken(runtime):
    """Another's unit of that name is left alone, and named."""
    name = runtime.id()
    other = subprocess.Popen(["systemd-run", "--quiet", "--scope", "--unit", unit(name), "sleep", "1000"])
    try:
        wait_for("the other's unit", SECONDS, lambda: shown(name, ["ActiveState"])["ActiveState"] == "active")
        done = runtime.call("--systemd-cgroup", "create", "--bundle", runtime.bundle("true", configured(name)), name, check=False, timeout=SECONDS)
        expect(done.returncode != 0 and unit(name) in done.stderr, f"create said {done.returncode} {done.stderr}")
        runtime.call("delete", "--force", name, timeout=SECONDS)
        expect(shown(name, ["ActiveState"])["ActiveState"] == "active" and other.poll() is None, "the other's unit was ended")
    finally:
        other.kill()
        other.wait()


def killed(runtime):
    """`create` is killed as soon as one of its traces is seen; `delete --force` leaves nothing, and the name is free again."""
    stages = {}
    name = runtime.id()
    folder = runtime.bundle("sleep 1000", configured(name, RESOURCES))
    for trace in ("config.json", "unit", "cgroup", "state.json.new", "state.json") * 2:
        process = subprocess.Popen(
            [runtime.program, "--root", runtime.root, "--systemd-cgroup", "create", "--bundle", folder, name],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + SECONDS
        while not os.path.lexists(f"{runtime.root}/{name}/{trace}") and process.poll() is None and time.monotonic() < end:
            pass
        process.kill()
        process.wait()
        stages[trace] = stages.get(trace, "") + ("k" if process.returncode < 0 else "-")
        deleted(runtime, name)
        expect(not os.path.exists(f"{runtime.root}/{name}"), f"its directory is left after a kill at {trace}")
    expect(any("k" in each for each in stages.values()), f"create was never killed in time: {stages}")
    created(runtime, name=name)
    deleted(runtime, name)


def rootless(runtime):
    """A user's container: a scope of his own systemd's, with limits, from create to delete."""
    home, own = f"{runtime.folder}/user", "/run/user/1000"
    os.makedirs("/etc/systemd/user/sockets.target.wants", exist_ok=True)
    for path, text in USER_FILES.items():
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "a") as file:
            file.write(text)
    os.symlink("../dbus.socket", "/etc/systemd/user/sockets.target.wants/dbus.socket")
    os.makedirs(home)
    os.chown(home, 1000, 1000)
    command("systemctl", "daemon-reload")
    command("systemctl", "start", "user@1000.service")
    wait_for("the user's bus", SECONDS, lambda: os.path.exists(own + "/bus"))
    environment = {"PATH": "/usr/bin:/bin", "XDG_RUNTIME_DIR": own, "HOME": home}
    def said(*words, prefix=()):
        log.seek(0)
        log.truncate()
        done = subprocess.run(
            [*prefix, runtime.program, "--root", home + "/state", *words], env=environment, user=1000, group=1000,
            extra_groups=[], stdin=subprocess.DEVNULL, stdout=log, stderr=log, timeout=SECONDS)
        log.seek(0)
        return done.returncode, log.read()
    def call(*words):
        # In a scope beneath his own systemd, as podman is: from elsewhere nobody but root may move a process there.
        code, text = said(*words, prefix=["systemd-run", "--user", "--scope", "--quiet"])
        expect(code == 0, f"{' '.join(words)} ended with {code}: {text}")
    def change(config):
        with_users(config, base=1000, size=1)
        config["linux"].update(cgroupsPath=":check:rootless", resources={"memory": {"limit": 64 << 20}, "pids": {"limit": 20}})
        config["mounts"][2]["options"].remove("gid=5")
        config["mounts"] = [mount for mount in config["mounts"] if mount["type"] != "cgroup"]
    group = "/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/user.slice/check-rootless.scope"
    with open(f"{runtime.folder}/rootless.log", "w+") as log:
        folder = runtime.bundle("sleep 1000", change)
        code, text = said("--systemd-cgroup", "run", "--detach", "--bundle", folder, "rootless")
        expect(code != 0 and "systemd-run --user --scope" in text, f"from outside of his systemd: {code}: {text}")
        expect(not os.path.exists(f"{home}/state/rootless"), "its directory is left")
        wait_for("the end of the unit", SECONDS, lambda: not os.path.exists(group))
        call("--systemd-cgroup", "run", "--detach", "--bundle", folder, "rootless")
        expect(held(group, ["memory.max", "pids.max"]) == {"memory.max": str(64 << 20), "pids.max": "20"}, f"{held(group, ['memory.max', 'pids.max'])}")
        call("update", "--memory", "48m", "rootless")
        expect(read(f"{group}/memory.max").strip() == str(48 << 20), "update did nothing")
        call("exec", "rootless", "true")
        call("delete", "--force", "rootless")
        wait_for("the end of the unit", SECONDS, lambda: not os.path.exists(group))
    command("systemctl", "stop", "user@1000.service")


# What Debian's dbus-user-session brings, and a user who did not log in.
USER_FILES = {
    "/etc/passwd": "someone:x:1000:1000::/tmp:/bin/sh\n", "/etc/group": "someone:x:1000:\n",
    "/etc/systemd/user/dbus.socket": "[Socket]\nListenStream=%t/bus\n",
    "/etc/systemd/user/dbus.service": "[Unit]\nRequires=dbus.socket\n[Service]\nType=notify\nNotifyAccess=main\n"
    "ExecStart=/usr/bin/dbus-daemon --session --address=systemd: --nofork --nopidfile --systemd-activation --syslog-only\n",
    "/etc/systemd/system/user@1000.service.d/check.conf": "[Service]\nPAMName=\nEnvironment=XDG_RUNTIME_DIR=/run/user/1000\n",
}


def podman(runtime):
    """Debian's podman as it is set up on such a machine: its containers are scopes of the system's, from run to rm."""
    with open("/tmp/containers.conf", "w") as file:
        file.write(PODMAN)
    with open("/tmp/conmon", "w") as file:  # which podman starts without its own environment
        file.write('#!/bin/sh\nLD_LIBRARY_PATH=/payload/podman exec /payload/podman/conmon "$@"\n')
    os.chmod("/tmp/conmon", 0o755)
    environment = dict(os.environ, CONTAINERS_CONF="/tmp/containers.conf", LD_LIBRARY_PATH="/payload/podman")
    def call(*words, code=0):
        done = subprocess.run(
            ["/payload/podman/podman", "--root", "/tmp/podman", "--runroot", "/run/podman", "--storage-driver", "vfs", *words], env=environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=SECONDS)
        expect(done.returncode == code, f"podman {' '.join(words)} ended with {done.returncode}: {done.stdout} {done.stderr}")
        return done.stdout.strip()
    expect(call("info", "--format", "{{.Host.CgroupManager}} {{.Host.OCIRuntime.Name}}") == "systemd swiftlet-oci", "podman is set up otherwise")
    options = ["--network", "none", "--memory", "64m", "--pids-limit", "30", "--cpus", "0.25", "--rootfs", runtime.rootfs]
    call("run", "--detach", "--name", "c", *options, "sleep", "1000")
    scope = f"libpod-{call('inspect', '--format', '{{.Id}}', 'c')}.scope"
    def properties():
        keys = ["Slice", "MemoryMax", "TasksMax", "CPUQuotaPerSecUSec"]
        return command("systemctl", "show", "--value", scope, *[f"--property={key}" for key in keys]).split()
    seen = sorted(properties())
    expect(seen == sorted(["machine.slice", str(64 << 20), "30", "250ms"]), f"systemd shows {seen}")
    expect(call("exec", "c", "cat", "/proc/self/cgroup") == "0::/", "exec is elsewhere")
    call("pause", "c")
    call("unpause", "c")
    call("stop", "--time", "1", "c")
    call("rm", "c")
    wait_for(f"the end of {scope}", SECONDS, lambda: scope not in command("systemctl", "list-units", "--all", "--plain", "--no-legend"))
    call("run", "--rm", *options, "sh", "-c", "exit 7", code=7)


PODMAN = """
[engine]
runtime = "swiftlet-oci"
conmon_path = ["/tmp/conmon"]
events_logger = "file"
[engine.runtimes]
swiftlet-oci = ["/usr/bin/swiftlet-oci"]
[containers]
log_driver = "k8s-file"
[network]
network_backend = "cni"
"""

CHECKS = (
    ("a scope as configured: properties, files, one process, and exec joins", scope),
    ("update changes properties and files, and a reload of systemd changes neither", update),
    ("a limit of one process, which hides no failure", single),
    ("an idle group", idle),
    ("units end with their containers", ended),
    ("another's unit is left alone", taken),
    ("a create that is killed leaves nothing after delete --force", killed),
    ("a user's own systemd", rootless),
    ("under Debian's podman with its own setting, which is systemd", podman),
)


def run(report, runtime):
    try:
        for title, check in CHECKS:
            report.check("swiftlet-oci --systemd-cgroup: " + title, check, runtime)
    finally:
        subprocess.run(["systemctl", "stop", SLICE], timeout=SECONDS)
