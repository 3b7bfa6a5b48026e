"""SELinux, under a policy of its own (selinux.cil): bundles and pods are held to their labels, and so are sessions in them and what is mounted for them."""

import concurrent.futures
import ctypes
import json
import os
import re
import shutil
import sys

import cri
from cluster import Cluster
from report import command, expect, read, wait_for

sys.path.insert(0, "/payload/oci")
from bundle import Runtime, add_mount, said  # noqa: E402

SECONDS = 60
HELD, FREE = "u:r:held_t:s0", "u:r:free_t:s0"
MOUNTS = "u:object_r:ours_t:s0:c1,c2"
FOLDER = "/root/labelled"
CONTEXTS = "/usr/share/containers/selinux/contexts"
PARTS = {"user": "u", "role": "r", "type": "held_t", "level": "s0:c1"}
SCRIPT = """tr -d '\\0' </proc/self/attr/current; echo; cat /mnt/open; cat /mnt/secret 2>/dev/null || echo denied
(echo spoilt >>/mnt/secret) 2>/dev/null && echo written; true"""


def label(path):
    return os.getxattr(path, "security.selinux").rstrip(b"\0").decode()


def relabel(path, text):
    os.setxattr(path, "security.selinux", text.encode() + b"\0")


def load():
    if not os.path.exists("/sys/fs/selinux/load"):
        command("mount", "-t", "selinuxfs", "selinuxfs", "/sys/fs/selinux")
    with open("/payload/selinux.bin", "rb") as file:
        policy = file.read()
    with open("/sys/fs/selinux/load", "wb", buffering=0) as file:
        file.write(policy)
    with open("/sys/fs/selinux/enforce", "w") as file:
        file.write("1")
    expect(read("/sys/fs/selinux/enforce") == "1", "the policy is not enforced")
    expect(read("/proc/self/attr/current").startswith("u:r:free_t:"), f"this process is {read('/proc/self/attr/current')}")
    expect(re.search(r"(?m)^ok +SELinux ", command("swiftlet", "check")), "swiftlet check does not see SELinux")
    os.makedirs(os.path.dirname(CONTEXTS))
    with open(CONTEXTS, "w") as file:
        file.write(f'process = "{HELD}"\nfile = "u:object_r:ours_t:s0"\n')


def files():
    """What the containers find at /mnt: one file for everybody, one that is secret."""
    os.makedirs(FOLDER)
    for name, text, kind in (("open", "open\n", "ours_t"), ("secret", "secret\n", "secret_t")):
        with open(f"{FOLDER}/{name}", "w") as file:
            file.write(text)
        relabel(f"{FOLDER}/{name}", f"u:object_r:{kind}:s0")


def seen(output):
    """Who the process is, what it read, and whether it could write; what it wrote is taken back."""
    with open(FOLDER + "/secret", "w") as file:
        file.write("secret\n")
    return output.split()


WHAT_HELD, WHAT_FREE = ["open", "denied"], ["open", "secret", "written"]


def labelled(name=None, **process):
    def change(config):
        add_mount(config, "/mnt", FOLDER, "bind", ["rbind"])
        if name:
            process["selinuxLabel"] = name
        config["process"].update(process)
    return change


def bundles(runtime):
    run = lambda change: seen(runtime.run(SCRIPT, change, timeout=SECONDS).stdout)
    free = run(labelled())
    expect(free[0].startswith(FREE) and free[1:] == WHAT_FREE, f"without a label: {free}")
    for change in (labelled(HELD), labelled(HELD, noNewPrivileges=True), labelled(HELD, user={"uid": 0, "gid": 7})):
        expect((held := run(change)) == [HELD] + WHAT_HELD, f"with the label: {held}")
    done = runtime.run("true", labelled("u:r:nobody_t:s0"), check=False, timeout=SECONDS)
    expect(done.returncode != 0 and "u:r:nobody_t:s0" in done.stderr and "policy does not know it" in done.stderr, f"a label that is none: {done.stderr}")


def keyrings(text):
    """How many keyrings that this process sees have the label (keyctl(2), KEYCTL_GET_SECURITY)."""
    def own(line):
        found = ctypes.create_string_buffer(256)
        return ctypes.CDLL(None).syscall(250, 17, int(line.split()[0], 16), found, 256) > 0 and found.value.decode() == text
    return sum(own(line) for line in read("/proc/keys").splitlines())


def sessions(runtime):
    name, folder = runtime.create(change=labelled(HELD))
    runtime.call("start", name, timeout=SECONDS)
    expect(keyrings(HELD) == 1, f"its keyring is not labelled: {read('/proc/keys')}")
    run = lambda *options: seen(runtime.call("exec", *options, timeout=SECONDS).stdout)
    shell = ("/bin/sh", "-c", SCRIPT)
    expect((held := run(name, *shell)) == [HELD] + WHAT_HELD, f"a session: {held}")
    free = run("--process-label", FREE, name, *shell)
    expect(free == [FREE] + WHAT_FREE, f"a session with a label of its own: {free}")
    process = {"args": list(shell), "cwd": "/", "env": ["PATH=/bin"], "user": {"uid": 0, "gid": 0}}
    for own, wanted in (({}, [HELD] + WHAT_HELD), ({"selinuxLabel": FREE}, [FREE] + WHAT_FREE)):
        path = folder + "/process.json"
        with open(path, "w") as file:
            json.dump({**process, **own}, file)
        expect((words := run("--process", path, name)) == wanted, f"a session of {own}: {words}")
    runtime.call("delete", "--force", name, timeout=SECONDS)


def mounts(runtime):
    def change(config):
        labelled(HELD + ":c1,c2")(config)
        config["linux"].update(mountLabel=MOUNTS, maskedPaths=["/etc"])
        add_mount(config, "/tmp", "tmpfs", "tmpfs", ['context="u:object_r:secret_t:s0:c1,c2"'])
    script = "echo mine >/dev/shm/file && cat /dev/shm/file && (echo mine >/tmp/file) 2>/dev/null || echo denied; sleep 1000"
    name, folder = runtime.create(script, change)
    runtime.call("start", name, timeout=SECONDS)
    words = said(folder, "denied").split()
    expect(words == ["mine", "denied"], f"in its mounts it could: {words}")
    root = f"/proc/{runtime.state(name)['pid']}/root"
    for path in ("/dev", "/dev/null", "/dev/pts", "/dev/shm", "/dev/shm/file", "/dev/mqueue", "/etc"):
        expect(label(root + path) == MOUNTS, f"{path} is {label(root + path)}")
    expect(label(root + "/tmp") == "u:object_r:secret_t:s0:c1,c2", f"a mount with a label of its own is {label(root + '/tmp')}")
    for path in ("/proc/version", "/sys/kernel", "/mnt/open", "/bin"):
        expect(label(root + path) != MOUNTS, f"{path} is {label(root + path)}")
    runtime.call("delete", "--force", name, timeout=SECONDS)
    # the levels: this one may not read what has another category
    done = runtime.run("echo x >/dev/shm/file", lambda c: (labelled(HELD + ":c1")(c), c["linux"].update(mountLabel=MOUNTS)), check=False,
                       timeout=SECONDS)
    expect(done.returncode != 0 and "ermission denied" in done.stderr, f"it wrote with a category less: {done.stderr}")
    os.makedirs(FOLDER + "/queues")
    command("mount", "-t", "mqueue", "mqueue", FOLDER + "/queues")
    before = label(FOLDER + "/queues")

    def shares(config):
        labelled(HELD)(config)
        config["linux"].update(mountLabel=MOUNTS, namespaces=[space for space in config["linux"]["namespaces"] if space["type"] != "ipc"])
        add_mount(config, "/security", "securityfs", "securityfs", [])
    runtime.run("true", shares, timeout=SECONDS)
    expect(label(FOLDER + "/queues") == before != MOUNTS, f"the host's message queues are {label(FOLDER + '/queues')}")
    command("umount", FOLDER + "/queues")
    done = runtime.run("true", lambda c: c["linux"].update(mountLabel="u:object_r:nobody_t:s0"), check=False, timeout=SECONDS)
    expect(done.returncode != 0 and "u:object_r:nobody_t:s0" in done.stderr, f"a mount label that is none: {done.stderr}")


def process_of(text):
    """The root, as the host finds it, of the one process with this label that is a container's first."""
    def found():
        def own(number):
            try:
                return read(f"/proc/{number}/attr/current").rstrip("\0") == text and "NSpid" in read(f"/proc/{number}/status") and \
                    read(f"/proc/{number}/status").split("NSpid:")[1].split("\n")[0].split()[-1] == "1"
            except OSError:
                return False
        return [number for number in os.listdir("/proc") if number.isdigit() and own(number)]
    numbers = wait_for(f"a process {text}", SECONDS, found)
    expect(len(numbers) == 1, f"there are {len(numbers)} processes {text}")
    return f"/proc/{numbers[0]}/root"


def pod(cluster, name, options=None, own=None):
    """A pod with the shared files at /mnt and an empty volume at /scratch; what it says."""
    volumes = [{"name": "files", "hostPath": {"path": FOLDER}}, {"name": "scratch", "emptyDir": {}}]
    container = {"name": "main", "image": "busybox:vm", "command": ["/bin/sh", "-c", SCRIPT + "; echo mine >/scratch/file && echo end; sleep 1000"],
                 "volumeMounts": [{"name": "files", "mountPath": "/mnt"}, {"name": "scratch", "mountPath": "/scratch"}]}
    spec = {"restartPolicy": "Never", "terminationGracePeriodSeconds": 1, "volumes": volumes, "containers": [container]}
    if options:
        spec["securityContext"] = {"seLinuxOptions": options}
    if own:
        container["securityContext"] = {"seLinuxOptions": own}
    cluster.create("pods", {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec})
    cluster.wait_phase(name, "Running", SECONDS)
    log = lambda: cluster.get(f"/api/v1/namespaces/default/pods/{name}/log").split()
    wait_for(f"the words of {name}", SECONDS, lambda: log()[-1:] == ["end"])
    return seen("\n".join(log()[:-1]))


def pods(cluster):
    free = pod(cluster, "se-none")
    expect(free[0].startswith(FREE) and free[1:] == WHAT_FREE, f"without options: {free}")
    held = pod(cluster, "se-held", PARTS)
    expect(held == [HELD + ":c1"] + WHAT_HELD, f"with options: {held}")
    inside = seen(command("swiftlet", "exec", "se-held", "--", "/bin/sh", "-c", SCRIPT))
    expect(inside == [HELD + ":c1"] + WHAT_HELD, f"a session: {inside}")
    root = process_of(HELD + ":c1")
    for path in ("/", "/bin/busybox", "/dev", "/dev/null", "/dev/pts", "/dev/shm", "/dev/mqueue", "/etc/hosts", "/etc/resolv.conf", "/scratch", "/scratch/file"):
        expect(label(root + path) == "u:object_r:ours_t:s0:c1", f"{path} is {label(root + path)}")
    expect(label(root + "/mnt/secret") == "u:object_r:secret_t:s0", "a path of the host is labelled anew")
    own = pod(cluster, "se-own", PARTS, {"type": "free_t"})
    expect(own == [FREE + ":c1"] + WHAT_FREE, f"with options of the container's own: {own}")
    levels = [pod(cluster, name, {"type": "held_t"})[0] for name in ("se-one", "se-other")]
    expect(all(re.fullmatch(HELD + r":c\d+,c\d+", level) for level in levels) and levels[0] != levels[1], f"pods without a level are {levels}")
    command("swiftlet", "exec", "se-one", "--", "/bin/sh", "-c", "echo mine >/mnt/own")
    read_by = lambda name: command("swiftlet", "exec", name, "--", "/bin/sh", "-c", "cat /mnt/own 2>/dev/null || echo denied").strip()
    expect([read_by("se-one"), read_by("se-other")] == ["mine", "denied"], "a pod without a level reads what is another's")
    for name in ("se-none", "se-held", "se-own", "se-one", "se-other"):
        cluster.remove(name)


def first_of(text):
    """The number of a process with this label."""
    for number in filter(str.isdigit, os.listdir("/proc")):
        try:
            if read(f"/proc/{number}/attr/current").rstrip("\0") == text:
                return number
        except OSError:
            pass
    raise AssertionError(f"no process is {text}")


def relabelled(world):
    """A host path gets the container's label where the kubelet says so, and the host's own directories never."""
    cri = world.cri
    os.makedirs(FOLDER + "/given/deep")
    with open(FOLDER + "/given/deep/file", "w") as file:
        file.write("given\n")
    os.symlink("/root/labelled/secret", FOLDER + "/given/link")
    relabel(FOLDER + "/given/deep/file", "u:object_r:secret_t:s0")
    config = world.pod_config(security=cri.LinuxSandboxSecurityContext(selinux_options=cri.SELinuxOption(level="s0:c2")))
    one = world.run(config)
    mount = lambda path, relabels: cri.Mount(host_path=path, container_path="/mnt", selinux_relabel=relabels)
    sleep = ["sleep", "1000"]
    kept = one.container(sleep, mounts=[mount(FOLDER + "/given", False)])
    kept.refuses("cat", "/mnt/deep/file")
    given = one.container(sleep, mounts=[mount(FOLDER + "/given", True)])
    expect(given.says("cat", "/mnt/deep/file").strip() == "given", "it cannot read what was given to it")
    expect(given.says("cat", "/proc/self/attr/current").rstrip("\0\n") == HELD + ":c2", "it has not its pod's level")
    expect(label(FOLDER + "/given/deep/file") == "u:object_r:ours_t:s0:c2", f"the file is {label(FOLDER + '/given/deep/file')}")
    expect(label(FOLDER + "/secret") == "u:object_r:secret_t:s0", "what a link leads to is labelled anew")
    level = cri.LinuxContainerSecurityContext(selinux_options=cri.SELinuxOption(level="s0:c9"))
    one.container(sleep, mounts=[cri.Mount(container_path="/image", readonly=True, image=cri.ImageSpec(image="busybox:vm"))], security=level)
    told = label(f"/proc/{first_of(HELD + ':c9')}/root/image/bin/busybox")
    expect(told == "u:object_r:ours_t:s0:c9", f"a file of an image that is mounted as a volume is {told}")
    os.makedirs(FOLDER + "/of-host")
    command("mount", "--bind", "/etc", FOLDER + "/of-host")
    for path in ("/etc", "/usr/", "/bin", "/lib", "/root/labelled/../../etc", FOLDER + "/of-host"):
        expect("not permitted" in world.refused(lambda: one.container(sleep, mounts=[mount(path, True)])), f"{path} was labelled anew")
        expect(label(path).endswith(":free_t:s0"), f"{path} is {label(path)}")
    command("umount", FOLDER + "/of-host")
    os.makedirs(FOLDER + "/given/mounted")
    command("mount", "-t", "tmpfs", "tmpfs", FOLDER + "/given/mounted")
    one.container(sleep, mounts=[mount(FOLDER + "/given", True)])
    expect(label(FOLDER + "/given/mounted").endswith(":free_t:s0"), "what is mounted beneath a path is labelled anew")
    command("umount", FOLDER + "/given/mounted")
    one.container(sleep, mounts=[mount(FOLDER + "/missing/path", True)])
    expect(label(FOLDER + "/missing/path") == "u:object_r:ours_t:s0:c2", f"a path that was missing is {label(FOLDER + '/missing/path')}")
    whole = one.container(sleep, mounts=[mount(FOLDER, True)], security=cri.LinuxContainerSecurityContext(privileged=True))
    expect(whole.says("cat", "/mnt/secret").strip() == "secret", "a privileged container is held")
    expect(label(FOLDER + "/secret") == "u:object_r:secret_t:s0", "a privileged container has files labelled anew")


def labelling(world, act):
    """The creation, as a future, of a container that is given a tree which takes a while to be labelled; `act(pod, path)` comes meanwhile."""
    path = FOLDER + "/large"
    for folder in range(200):
        os.makedirs(f"{path}/{folder}")
        for name in range(200):
            open(f"{path}/{folder}/{name}", "w").close()
    pod = world.pod(security=world.cri.LinuxSandboxSecurityContext(selinux_options=world.cri.SELinuxOption(level="s0:c3")))
    mounts = [world.cri.Mount(host_path=path, container_path="/mnt", selinux_relabel=True)]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        creation = pool.submit(pod.container, ["sleep", "1000"], mounts=mounts)
        wait_for("the label of its top", SECONDS, lambda: label(path).endswith(":s0:c3"), pause=0.001)
        expect(not creation.done(), "the tree was labelled before anything could come between")
        act(pod, path)
    shutil.rmtree(path)
    return creation


def swapped(world):
    """Who changes a path while what it led to is labelled has nothing else mounted."""
    def swap(pod, path):
        os.rename(path, path + "-labelled")
        os.makedirs(path + "/other")
    seen = labelling(world, swap).result().says("ls", "/mnt").split()
    expect(len(seen) == 200, f"mounted is {seen[:3]}")


def stopped(world):
    """The stop of a pod waits for no labelling."""
    words = world.refused(labelling(world, lambda pod, path: pod.stop()).result)
    expect("is not labelled to its end" in words, f"the container's creation ended with: {words}")


def checks(runtime):
    """Those that hold containers to their labels."""
    over_cri = lambda body: (cri.alone, body, cri.SOCKET)
    return {
        "bundles are held to their label": (bundles, runtime),
        "so are sessions in them, or to one of their own": (sessions, runtime),
        "what is mounted for a bundle has its mount label": (mounts, runtime),
        "pods and their sessions are held to their options, and their volumes are theirs": (pods, Cluster()),
        "over the CRI a host path is labelled anew where that is asked for, but for the host's own": over_cri(relabelled),
        "what was labelled is mounted, whatever has come to its path": over_cri(swapped),
        "the stop of a pod waits for no labelling": over_cri(stopped),
    }


def prepared(report):
    """Whether the policy holds now."""
    shutil.copy("/payload/bundle/rootfs/bin/busybox", "/bin/busybox")  # what the bundles are made of
    if not report.check("SELinux: a policy is loaded and enforced", load):
        return False
    files()
    return True


def run(report):
    if not prepared(report):
        return
    runtime = Runtime("/usr/bin/swiftlet-oci")
    try:
        for title, check in checks(runtime).items():
            report.check("SELinux: " + title, *check)
    finally:
        runtime.clean()
