"""What manifests and images rely on under the runtimes that kubelets usually have, though no test of critest says so."""
import os

import runtime_pb2 as cri
from containers import main_page
from world import TOP, equal, expect, fails, it

PORT_START = "/proc/sys/net/ipv4/ip_unprivileged_port_start"


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
