"""Bundles of a static busybox, and calls of the runtime under test."""
import contextlib
import copy
import json
import os
import shutil
import subprocess
import tempfile
import time
import uuid

APPLETS = """sh ls cat id mount umount sleep true false echo hostname ps grep touch mkdir stat readlink env pwd test wc dd nice sed
ip sysctl head tr seq kill mknod chroot cut od date rm ln chmod sync setsid tty stty ionice chrt uname dmesg free mkfifo""".split()
ALL_CAPABILITIES = ["CAP_" + name for name in """CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP
SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL AUDIT_WRITE SYS_ADMIN SYS_NICE SYS_PTRACE NET_ADMIN DAC_READ_SEARCH""".split()]

NUMBERS = {name: number for number, name in enumerate("""CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP
LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT
SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP""".split())}


# The streams of a call of which nobody wants to hear.
QUIET = dict(stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class Failure(Exception):
    pass


def until(condition, what, seconds=60):
    """Waits until `condition` gives something true, and gives it back; the bound is for a machine that is busy."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            raise Failure(f"{what}: not within {seconds} s")
        time.sleep(0.02)


def expect(text, *parts):
    for part in parts:
        if part not in text:
            raise Failure(f"{part!r} is not in {text.strip()!r}")


def words(done):
    return done.stdout.split()


def said(folder, what, times=1):
    """The output of a container, by its bundle's folder, once `what` is in it."""
    path = folder + "/output"
    return until(lambda: open(path).read().count(what) >= times and open(path).read(), f"the container says {what!r}")


def hierarchy():
    """Where cgroup v2 is mounted."""
    return next(line.split()[4] for line in open("/proc/self/mountinfo") if " - cgroup2 " in line)


def controllers():
    return open(hierarchy() + "/cgroup.controllers").read().split()


class Runtime:
    """One state root and what is run in it."""

    def __init__(self, program):
        self.program = program
        self.folder = tempfile.mkdtemp(prefix="oci-check-")
        self.root = self.folder + "/state"
        self.rootfs = self.folder + "/rootfs"
        self.made = []
        self.users = False  # whether every bundle gets a user namespace
        for name in "bin proc sys dev tmp etc mnt".split():
            os.makedirs(f"{self.rootfs}/{name}")
        shutil.copy("/bin/busybox", self.rootfs + "/bin/busybox")
        for name in APPLETS:
            os.symlink("busybox", f"{self.rootfs}/bin/{name}")
        os.chmod(self.folder, 0o755)

    def command(self, *words):
        """The command line of a call."""
        return [self.program, "--root", self.root, *words]

    def call(self, *words, check=True, timeout=120, stdin=None, output=subprocess.PIPE, **options):
        """`output=None` for what outlives the call and would hold the pipe open."""
        streams = dict(stdout=output, stderr=output) if output else dict(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if not output:
            options["stdin"] = subprocess.DEVNULL
        else:
            options["input"] = stdin
        done = subprocess.run(self.command(*words), text=True, timeout=timeout, **streams, **options)
        if check and done.returncode != 0:
            raise Failure(f"{' '.join(words)}: {done.returncode} {(done.stderr or '').strip()}")
        return done

    def begin(self, *words):
        """A call that goes on beside its caller."""
        return subprocess.Popen(self.command(*words), **QUIET)

    def bundle(self, script="true", change=None, rootfs=None):
        """A bundle that runs a shell script; `change` alters its configuration. Its folder."""
        folder = tempfile.mkdtemp(dir=self.folder)
        os.chmod(folder, 0o755)
        os.symlink(rootfs or self.rootfs, folder + "/rootfs")
        config = configuration(script)
        if change:
            change(config)
        if self.users:
            with_users(config)
        with open(folder + "/config.json", "w") as file:
            json.dump(config, file)
        return folder

    def id(self):
        name = "check-" + uuid.uuid4().hex[:12]
        self.made.append(name)
        return name

    def run(self, script, change=None, check=True, options=(), **more):
        """The output of a container that runs to its end."""
        done = self.call("run", *options, "--bundle", self.bundle(script, change), self.id(), check=False, **more)
        if check and done.returncode != 0:
            raise Failure(f"run: {done.returncode} {done.stdout.strip()} {done.stderr.strip()}")
        return done

    def create(self, script="sleep 60", change=None, options=(), name=None, **more):
        """A created container; its standard streams are a file of the bundle's. The id and the folder."""
        name = name or self.id()
        folder = self.bundle(script, change)
        with open(folder + "/output", "w") as output:
            done = subprocess.run(
                self.command("create", "--bundle", folder, *options, name),
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, timeout=120, **more)
        if done.returncode != 0:
            raise Failure("create: " + open(folder + "/output").read().strip())
        return name, folder

    def state(self, name):
        return json.loads(self.call("state", name).stdout)

    def status(self, name):
        return self.state(name)["status"]

    def wait(self, name, status="stopped"):
        until(lambda: self.status(name) == status, f"{name} is {status}")

    def left_over(self, name):
        """What is there of a container that should be gone."""
        found = [path for path in (f"{self.root}/{name}", f"{hierarchy()}/swiftlet-oci-{name}") if os.path.exists(path)]
        found += [line for line in open("/proc/self/mountinfo") if self.rootfs in line]
        # beside a pid file, whose directory is the engine's
        return found + [file for file in os.listdir(self.folder) if file.startswith("pid-file.")]

    def clean(self):
        for name in self.made:
            self.call("delete", "--force", name, check=False)
        subprocess.run(["umount", "-R", "-l", self.rootfs], capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)


def configuration(script):
    mounts = [
        ("/proc", "proc", "proc", ["nosuid", "noexec", "nodev"]),
        ("/dev", "tmpfs", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
        ("/dev/pts", "devpts", "devpts", ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]),
        ("/dev/shm", "tmpfs", "shm", ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]),
        ("/dev/mqueue", "mqueue", "mqueue", ["nosuid", "noexec", "nodev"]),
        ("/sys", "sysfs", "sysfs", ["nosuid", "noexec", "nodev", "ro"]),
        ("/sys/fs/cgroup", "cgroup", "cgroup", ["nosuid", "noexec", "nodev", "ro"]),
    ]
    sets = {name: list(ALL_CAPABILITIES) for name in ("bounding", "effective", "permitted")}
    return {
        "ociVersion": "1.2.0",
        "process": {"args": ["/bin/sh", "-c", script], "cwd": "/", "env": ["PATH=/bin"], "capabilities": sets,
                    "user": {"uid": 0, "gid": 0}},
        "root": {"path": "rootfs"},
        "mounts": [dict(destination=d, type=t, source=s, options=o) for d, t, s, o in mounts],
        "linux": {"namespaces": [{"type": t} for t in ("pid", "mount", "ipc", "uts", "network", "cgroup")],
                  "resources": {"devices": [{"allow": False, "access": "rwm"}]}},
    }


def without(config, *types):
    config["linux"]["namespaces"] = [n for n in config["linux"]["namespaces"] if n["type"] not in types]


def add_mount(config, destination, source=None, type=None, options=(), **more):
    mount = dict(destination=destination, options=list(options), **more)
    if source:
        mount["source"] = source
    if type:
        mount["type"] = type
    config["mounts"].append(copy.deepcopy(mount))


def with_users(config, base=100000, size=65536):
    config["linux"]["namespaces"].append({"type": "user"})
    for key in ("uidMappings", "gidMappings"):
        config["linux"][key] = [{"containerID": 0, "hostID": base, "size": size}]


@contextlib.contextmanager
def user_namespace(base=100000, size=65536):
    """The words that run a call as root of a new user namespace, in the host's other namespaces."""
    # it ends with us, who hold its input
    holder = subprocess.Popen(["unshare", "-U", "sh", "-c", "echo; exec cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        holder.stdout.readline()
        for name in "uid_map", "gid_map":
            with open(f"/proc/{holder.pid}/{name}", "w") as file:
                file.write(f"0 {base} {size}")
        yield ["nsenter", f"--user=/proc/{holder.pid}/ns/user"]
    finally:
        holder.kill()
        holder.wait()
