"""Devices by name (Container Device Interface), and images as volumes in pods with users of their own."""
import json
import os
import stat
import subprocess

import grpc
import runtime_pb2 as cri
from images import mounted
from security import in_namespaces, with_namespaces
from users import mapping, needs_user_namespaces
from world import TOP, Skip, equal, eventually, expect, fails, it

DEVICES = "Devices by name"
USERS = "Image Volume of a pod with users of its own"
Security = cri.LinuxContainerSecurityContext


def describe(w, name, devices, later=False, **more):
    """Writes a file of devices, which goes with the test."""
    if not w.options.devices:
        raise Skip("no directory of devices is known")
    place = f"{w.options.devices}/{'later' if later else 'first'}"
    os.makedirs(place, exist_ok=True)
    path = f"{place}/{name}"
    with open(path, "w") as file:
        json.dump({"cdiVersion": "0.6.0", "kind": "vendor.test/full", "devices": devices} | more, file, indent="\t")
    w.ends.append(lambda: os.unlink(path))


def device(name, **edits):
    return {"name": name, "containerEdits": edits}


def full(w):
    """A node like /dev/full elsewhere: what writes to it is told that there is no space."""
    path = f"{w.folder()}/node"
    os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 7))
    return path


def given(w, *names, **more):
    return w.pod().container(TOP, CDI_devices=[cri.CDIDevice(name=f"vendor.test/full={n}") for n in names], **more)


@it(DEVICES, "a container gets the node, variables, mounts and groups of each, and what all have in common")
def all_edits(w):
    node, folder = full(w), w.folder()
    os.chmod(folder, 0o755)
    with open(f"{folder}/file", "w") as file:
        file.write("library")
    describe(w, "full.json", [
        device("0", env=["ZERO=a=b", "BOTH=device"], deviceNodes=[{"path": "/dev/full0", "hostPath": node}], additionalGids=[4444]),
        device("1", deviceNodes=[{"path": "/dev/dir/tun", "type": "c", "major": 10, "minor": 200, "permissions": "r", "fileMode": 0o640}]),
    ], containerEdits={"mounts": [{"hostPath": folder, "containerPath": "/vendor", "options": ["ro", "nosuid", "nodev", "bind"]}]})
    security = Security(run_as_user=cri.Int64Value(value=1001))
    container = given(w, "0", "1", security=security, envs=[cri.KeyValue(key="BOTH", value="container")])
    expect("No space left" in container.refuses("sh", "-c", "echo >/dev/full0"))
    equal(container.says("sh", "-c", "echo $ZERO $BOTH"), "a=b device\n")
    equal(container.says("cat", "/vendor/file"), "library")
    told = container.refuses("touch", "/vendor/more")
    expect("Read-only" in told, told)
    told = container.says("id", "-G")
    expect("4444" in told.split(), told)
    equal(container.says("stat", "-c", "%a %u %F %t:%T", "/dev/dir/tun"), "640 1001 character special file a:c8\n")
    container.says("sh", "-c", "true </dev/dir/tun")
    told = container.refuses("sh", "-c", "echo >/dev/dir/tun")
    expect("not permitted" in told, told)
    other = w.pod().container(TOP)
    expect("No such file" in other.refuses("ls", "/dev/full0"), "another container has it")


@it(DEVICES, "an annotation asks for one as well, and a later directory's counts")
def annotated(w):
    describe(w, "full.json", [device("0", env=["FROM=first"])])
    describe(w, "full.json", [device("0", env=["FROM=later"])], later=True)
    container = w.pod().container(TOP, annotations={"cdi.k8s.io/claim": "vendor.test/full=0"})
    equal(container.says("sh", "-c", "echo $FROM"), "later\n")


def ip(*words):
    done = subprocess.run(["ip", *words], capture_output=True, text=True)
    expect(done.returncode == 0, f"{words}: {done.stderr}")
    return done.stdout


def link(w):
    """A device of the node's and its peer, which go with the test."""
    name = f"cd{os.getpid()}"
    ip("link", "add", name, "type", "veth", "peer", "name", name + "p")
    w.ends.append(lambda: subprocess.run(["ip", "link", "delete", name + "p"], capture_output=True))
    ip("address", "add", "192.0.2.77/24", "dev", name)
    return name


def node_links():
    return {link["ifname"] for link in json.loads(ip("-j", "link"))}


@it(DEVICES, "a network device goes to the pod with its address and is up, and containers that are made anew find it there")
def network_device(w):
    name = link(w)
    describe(w, "full.json", [device("0", netDevices=[{"hostInterfaceName": name, "name": "net7"}])], cdiVersion="1.1.0")
    pod = w.pod()
    asked = [cri.CDIDevice(name="vendor.test/full=0")]
    container = pod.container(TOP, CDI_devices=asked)
    told = container.says("ip", "address", "show", "dev", "net7")
    expect("inet 192.0.2.77/24" in told and "UP" in told, told)
    expect(name not in node_links() and name + "p" in node_links(), "the node's devices", node_links())
    container.stop()
    container.remove()
    again = pod.container(TOP, CDI_devices=asked)
    expect("inet 192.0.2.77/24" in again.says("ip", "address", "show", "dev", "net7"))
    told = fails(lambda: w.pod().container(TOP, CDI_devices=asked))
    expect(all(word in told for word in (name, "net7", "the node has none", "full.json")), told)
    pod.stop()
    pod.remove()
    eventually(lambda: name + "p" not in node_links(), "the end of the pair, which the kernel sees to in its time")


@it(DEVICES, "a network device that a container renames is found again under its name")
def network_device_renamed(w):
    name = link(w)
    describe(w, "full.json", [device("0", netDevices=[{"hostInterfaceName": name, "name": "net7"}])], cdiVersion="1.1.0")
    pod = w.pod()
    asked = [cri.CDIDevice(name="vendor.test/full=0")]
    security = Security(capabilities=cri.Capability(add_capabilities=["NET_ADMIN"]))
    container = pod.container(TOP, CDI_devices=asked, security=security)
    rename = lambda old, new: container.says("sh", "-c", f"ip link set {old} down && ip link set {old} name {new} && ip link set {new} up")
    rename("net7", "other")
    for _ in range(2):
        told = fails(lambda: pod.container(TOP, CDI_devices=asked))
        expect(name in told and "the pod has it, renamed other" in told, told)
    rename("other", "net7")
    expect("net7" in pod.container(TOP, CDI_devices=asked).says("ip", "link"))


@it(DEVICES, "a network device does not take the place of the pod's own, nor goes to a pod of the node's network")
def network_device_refused(w):
    name = link(w)
    describe(w, "full.json", [device("0", netDevices=[{"hostInterfaceName": name, "name": "eth0"}]),
                              device("1", netDevices=[{"hostInterfaceName": name, "name": "net7"}])], cdiVersion="1.1.0")
    told = fails(lambda: given(w, "0"))
    expect(name in told and "the pod has one of that name" in told, told)
    told = fails(lambda: with_namespaces(w, cri.NamespaceOption(network=cri.NODE)).container(
        TOP, CDI_devices=[cri.CDIDevice(name="vendor.test/full=1")]))
    expect("the node's network" in told, told)
    expect(name in node_links(), "it went")


@it(DEVICES, "what cannot be given is named, with its file")
def refused(w):
    describe(w, "full.json", [device("gone", deviceNodes=[{"path": "/dev/gone-from-here"}])])
    described = os.path.join(w.options.devices, "first/full.json")
    for name, code, words in (
            ("none", grpc.StatusCode.INVALID_ARGUMENT, ["vendor.test/full=none", os.path.dirname(described)]),
            ("gone", grpc.StatusCode.UNKNOWN, ["vendor.test/full=gone", described, "/dev/gone-from-here"])):
        told = fails(lambda: given(w, name), code)
        expect(all(word in told for word in words), told)


@it(USERS, "its files are the pod's, also beneath a path, and cannot be changed")
def mapped_image(w):
    needs_user_namespaces(w)
    w.pull(w.busybox)
    maps = [mapping(0, 200_000, 65_536)]
    options = cri.NamespaceOption(userns_options=cri.UserNamespace(mode=cri.POD, uids=maps, gids=maps))
    image = cri.ImageSpec(image=w.busybox)
    container = in_namespaces(with_namespaces(w, options), TOP, mounts=[
        cri.Mount(container_path="/whole", readonly=True, image=image),
        cri.Mount(container_path="/part", readonly=True, image=image, image_sub_path="etc", uidMappings=maps, gidMappings=maps)])
    equal(container.says("stat", "-c", "%u:%g", "/whole", "/whole/bin/su", "/part/passwd"), "0:0\n" * 3)
    equal(container.says("/whole/bin/busybox", "echo", "runs"), "runs\n")
    expect("Read-only" in container.refuses("touch", "/whole/new"))
    on_host = [line for line in open("/proc/self/mountinfo") if container.id in line and "volume" in line]
    equal(on_host, [], "mounts left on the host")
    _, plain = mounted(w, w.busybox)
    equal(plain.says("stat", "-c", "%u:%g", "/mnt/image-volume/bin/su"), "0:0\n")
