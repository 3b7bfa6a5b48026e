"""What manifests and images rely on under the runtimes that kubelets usually have, though no test of critest says so."""
import os

import runtime_pb2 as cri
from containers import main_page
from security import with_namespaces
from users import mapping, needs_user_namespaces
from world import TOP, equal, expect, fails, it

VOLUMES = "Volumes of the image"
# One of them is not among its files.
WRITES = "cat /data/kept; echo new >/data/new && echo new >/var/deep/none/new && cat /data/new /var/deep/none/new"
WRITTEN = "of the imagenew\nnew\n"
PORT_START = "/proc/sys/net/ipv4/ip_unprivileged_port_start"


@it(VOLUMES, "are there with what the image has in them")
def volumes(w):
    equal(w.pod().container(TOP, image=w.name("volumes:1")).says("sh", "-c", WRITES), WRITTEN)


def written_alone(container):
    """The volumes take writes, and what is beside them does not."""
    equal(container.says("sh", "-c", WRITES), WRITTEN)
    for path in ("/file", "/var/file", "/var/deep/file"):
        expect("Read-only file system" in container.refuses("touch", path), path)


@it(VOLUMES, "take writes where the root is read-only")
def volumes_of_read_only(w):
    written_alone(w.pod().container(
        TOP, image=w.name("volumes:1"), security=cri.LinuxContainerSecurityContext(readonly_rootfs=True)))


@it(VOLUMES, "take them with users of the pod's own too")
def volumes_of_users(w):
    needs_user_namespaces(w)
    maps = [mapping(0, 100_000)]
    options = cri.NamespaceOption(userns_options=cri.UserNamespace(mode=cri.POD, uids=maps, gids=maps))
    written_alone(with_namespaces(w, options).container(
        TOP, image=w.name("volumes:1"),
        security=cri.LinuxContainerSecurityContext(readonly_rootfs=True, namespace_options=options)))


@it(VOLUMES, "give way to what the pod mounts, and nothing is made in that")
def volumes_of_the_pod(w):
    mounts = [cri.Mount(host_path=w.folder(), container_path=path) for path in ("/data", "/var")]
    w.pod().container(TOP, image=w.name("volumes:1"), mounts=mounts).says("touch", "/data/mine")
    equal([os.listdir(mount.host_path) for mount in mounts], [["mine"], []])


@it("Host paths", "that are missing become directories")
def missing_path(w):
    path = w.folder() + "/not/there"
    container = w.pod().container(TOP, mounts=[cri.Mount(host_path=path, container_path="/there")])
    container.says("touch", "/there/file")
    equal((os.listdir(path), os.stat(path).st_mode & 0o7777), (["file"], 0o755))


@it("A container", "that cannot be made leaves no log, by which kubelets count restarts")
def no_log(w):
    pod = w.pod(logs=True)
    mounts = [cri.Mount(host_path="/proc/none/there", container_path="/there")]
    expect("/proc/none/there" in fails(lambda: pod.container(TOP, mounts=mounts, log_path="main/0.log")))
    equal(os.listdir(pod.config.log_directory + "/main"), [])
    expect(os.path.exists(pod.container(TOP, log_path="main/0.log").status().log_path))


@it("Ports", "below 1024 and echo requests are for every user of a network of the pod's own")
def low_ports(w):
    user = cri.LinuxContainerSecurityContext(
        run_as_user=cri.Int64Value(value=1001), capabilities=cri.Capability(drop_capabilities=["ALL"]))
    container = w.pod().container(["httpd", "-f", "-p", "80", "-h", "/www"], security=user)
    main_page(container.pod.status().network.ip, 80)
    # Debian's busybox asks for a raw socket and no other, so its ping would not show it.
    equal(container.says("cat", "/proc/sys/net/ipv4/ping_group_range").split(), ["0", "2147483647"])
    asked = w.pod(sysctls={"net.ipv4.ip_unprivileged_port_start": "81"}).container(TOP, security=user)
    equal(asked.says("cat", PORT_START), "81\n")
    of_host = cri.LinuxSandboxSecurityContext(namespace_options=cri.NamespaceOption(network=cri.NODE))
    with open(PORT_START) as file:
        equal(w.pod(security=of_host).container(TOP).says("cat", PORT_START), file.read())
