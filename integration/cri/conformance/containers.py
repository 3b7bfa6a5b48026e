"""Runtime info, PodSandbox, Container, Multiple Containers, Networking, Idempotence (pkg/validate: runtime_info, pod, container, multi_container, networking)."""
import os
import time
import urllib.request
import uuid

import grpc
import runtime_pb2 as cri
from world import HELLO, LOG, PAUSE, TOP, equal, eventually, expect, fails, it

INFO = "Runtime info"
PODS = "PodSandbox runtime should support basic operations on PodSandbox"
BASIC = "Container runtime should support basic operations on container"
VOLUMES = "Container runtime should support adding volume and device"
LOGS = "Container runtime should support log"
SEVERAL = "Multiple Containers when running multiple containers in a pod"
NETWORK = "Networking runtime should support networking"
AGAIN = "Idempotence"


def main_page(address, port):
    """Answered within a minute, as critest waits."""
    def ask():
        try:
            return urllib.request.urlopen(f"http://{address}:{port}/", timeout=10).status == 200
        except OSError:
            return False
    eventually(ask, f"a page of {address}:{port}")


@it(INFO, "runtime should return version info")
def version(w):
    version = w.runtime.Version(cri.VersionRequest(version="0.1.0"))
    expect(version.version and version.runtime_name and version.runtime_version and version.runtime_api_version, version)


@it(INFO, "runtime should return runtime conditions")
def conditions(w):
    found = {c.type: c.status for c in w.runtime.Status(cri.StatusRequest()).status.conditions}
    expect(found.get("RuntimeReady") and found.get("NetworkReady"), found)


@it(PODS, "runtime should support running PodSandbox")
def run_pod(w):
    pod = w.pod()
    equal(pod.status().state, cri.SANDBOX_READY)
    items = w.runtime.ListPodSandbox(cri.ListPodSandboxRequest(filter=cri.PodSandboxFilter(id=pod.id))).items
    expect(pod.id in [p.id for p in items], items)


@it(PODS, "runtime should support stopping PodSandbox")
def stop_pod(w):
    pod = w.pod()
    pod.stop()
    equal(pod.status().state, cri.SANDBOX_NOTREADY)


@it(PODS, "runtime should support removing PodSandbox")
def remove_pod(w):
    pod = w.pod()
    pod.stop()
    pod.remove()
    items = w.runtime.ListPodSandbox(cri.ListPodSandboxRequest(filter=cri.PodSandboxFilter(id=pod.id))).items
    equal(list(items), [])


@it(PODS, "runtime should support preserving PodSandbox attributes")
def attributes(w):
    labels = {"foo": "bar", "io.kubernetes.pod.name": "a"}
    pod = w.pod(labels=labels, annotations={"abc": "def"})
    items = w.runtime.ListPodSandbox(cri.ListPodSandboxRequest(filter=cri.PodSandboxFilter(id=pod.id))).items
    equal(len(items), 1)
    for found in (pod.status(), items[0]):
        equal(found.metadata, pod.config.metadata)
        expect(labels.items() <= dict(found.labels).items() and found.annotations["abc"] == "def", found)


@it(BASIC, "runtime should support creating container")
def create(w):
    expect(w.pod().container(TOP, start=False).is_listed())


@it(BASIC, "runtime should support starting container")
def start(w):
    w.pod().container(TOP).running()


@it(BASIC, "runtime should support stopping container")
def stop(w):
    container = w.pod().container(TOP)
    began = time.monotonic()
    container.stop()
    expect(time.monotonic() - began < 60, "it took the whole timeout")
    container.wait(cri.CONTAINER_EXITED)


@it(BASIC, "runtime should support removing created container")
def remove_created(w):
    container = w.pod().container(PAUSE, start=False)
    container.remove()
    expect(not container.is_listed())


@it(BASIC, "runtime should support removing running container")
def remove_running(w):
    container = w.pod().container(PAUSE)
    container.remove()
    expect(not container.is_listed())


@it(BASIC, "runtime should support removing stopped container")
def remove_stopped(w):
    container = w.pod().container(PAUSE)
    container.stop()
    container.wait(cri.CONTAINER_EXITED).remove()
    expect(not container.is_listed())


@it(BASIC, "runtime should support execSync")
def exec_sync(w):
    equal(w.pod().container(TOP).says(*HELLO), "hello")


@it(BASIC, "runtime should support execSync with timeout")
def exec_timeout(w):
    container = w.pod().container(TOP)
    fails(lambda: container.run("sleep", "4321", timeout=1), grpc.StatusCode.DEADLINE_EXCEEDED)
    equal(container.says("sh", "-c", "pgrep sleep || true").strip(), "")


@it(BASIC, "runtime should support listing container stats")
def container_stats(w):
    container = w.pod().container(TOP)
    stats = w.runtime.ContainerStats(cri.ContainerID(container_id=container.id)).stats
    equal(stats.attributes.id, container.id)
    equal(stats.attributes.metadata.name, container.config.metadata.name)
    expect(stats.cpu.timestamp and stats.memory.timestamp, stats)


def listed_stats(w, **filter):
    request = cri.ListContainerStatsRequest(filter=cri.ContainerStatsFilter(**filter)) if filter else cri.ListContainerStatsRequest()
    return [s.attributes.id for s in w.runtime.ListContainerStats(request).stats]


@it(BASIC, "runtime should support listing stats for started containers")
def list_stats(w):
    container = w.pod().container(TOP)
    expect(container.id in listed_stats(w, id=container.id))


@it(BASIC, "runtime should support listing stats for started containers when filter is nil")
def list_all_stats(w):
    expect(w.pod().container(TOP).id in listed_stats(w))


@it(BASIC, "runtime should support listing stats for three created containers when filter is nil.")
def list_three(w):
    pod = w.pod()
    ids = {pod.container(TOP).id for _ in range(3)}
    expect(ids <= set(listed_stats(w)))


@it(BASIC, "runtime should support listing stats for containers filtered by labels")
def list_by_label(w):
    container = w.pod().container(TOP, labels={"foo": "bar"})
    expect(container.id in listed_stats(w, label_selector={"foo": "bar"}))
    expect(container.id not in listed_stats(w, label_selector={"foo": "baz"}))


def volume(w, path):
    container = w.pod().container(PAUSE, mounts=[cri.Mount(host_path=path, container_path=path, selinux_relabel=True)]).running()
    expect(container.says("ls", "-A", path))


@it(VOLUMES, "runtime should support starting container with volume")
def with_volume(w):
    folder = w.folder()
    open(f"{folder}/testVolume.file", "w").close()
    volume(w, folder)


@it(VOLUMES, "runtime should support starting container with volume when host path is a symlink")
def with_link(w):
    folder = w.folder()
    os.mkdir(f"{folder}/real")
    open(f"{folder}/real/testVolume.file", "w").close()
    os.symlink(f"{folder}/real", f"{folder}/link")
    volume(w, f"{folder}/link")


@it(LOGS, "runtime should support starting container with log")
def with_log(w):
    container = w.pod(logs=True).ended(["echo", LOG])
    equal(container.log(), [("stdout", LOG)], "the log, as the end is told")


@it(LOGS, "runtime should support reopening container log")
def reopened(w):
    container = w.pod(logs=True).container(["sh", "-c", f"while true; do echo {LOG}; sleep 1; done"], log_path="log")
    eventually(container.log, "a log")
    path = f"{container.pod.config.log_directory}/log"
    os.rename(path, path + ".new")
    w.runtime.ReopenContainerLog(cri.ContainerID(container_id=container.id))
    expect(os.path.exists(path), "no new file")
    eventually(container.log, "a new log")
    before = len(container.log("log.new"))
    time.sleep(2.5)
    equal(len(container.log("log.new")), before, "the old log's length")


def several(w):
    pod = w.pod(logs=True, port_mappings=[cri.PortMapping(container_port=80)])
    server = pod.container(image=w.name("nginx:1"), log_path="server.log").running()
    return pod, server, pod.container(["sh", "-c", f"echo {LOG}; sleep 1000"], log_path="log").running()


@it(SEVERAL, "should support network")
def several_network(w):
    main_page(several(w)[0].status().network.ip, 80)


@it(SEVERAL, "should support container log")
def several_logs(w):
    _, server, busybox = several(w)
    eventually(lambda: LOG in open(busybox.status().log_path).read(), "the log")
    expect(os.path.exists(server.status().log_path))


@it(SEVERAL, "should support container exec")
def several_exec(w):
    _, server, busybox = several(w)
    equal((server.says("echo", "httpd"), busybox.says("echo", "busybox")), ("httpd\n", "busybox\n"))


@it(NETWORK, "runtime should support DNS config")
def dns(w):
    config = cri.DNSConfig(servers=["10.10.10.10"], searches=["google.com"], options=["ndots:8"])
    text = w.pod(dns_config=config).container(TOP).says("cat", "/etc/resolv.conf")
    for line in ("nameserver 10.10.10.10", "search google.com", "options ndots:8"):
        expect(line in text, text)


@it(NETWORK, "runtime should support set hostname")
def hostname(w):
    equal(w.pod(hostname="test-hostname").container(TOP).says("hostname").strip(), "test-hostname")


@it(NETWORK, "runtime should support port mapping with only container port")
def container_port(w):
    pod = w.pod(port_mappings=[cri.PortMapping(container_port=80)])
    pod.container(image=w.name("nginx:1"))
    main_page(pod.status().network.ip, 80)


@it(NETWORK, "runtime should support port mapping with host port and container port")
def host_port(w):
    w.pod(port_mappings=[cri.PortMapping(container_port=80, host_port=12000)]).container(image=w.name("nginx:1"))
    main_page("127.0.0.1", 12000)


@it(AGAIN, "StopPodSandbox should not return an error if not found")
def stop_no_pod(w):
    w.runtime.StopPodSandbox(cri.SandboxID(pod_sandbox_id=str(uuid.uuid4())))


@it(AGAIN, "StopPodSandbox should not return an error if already stopped")
def stop_twice(w):
    pod = w.pod()
    for _ in range(2):
        pod.stop()
        equal(pod.status().state, cri.SANDBOX_NOTREADY)


@it(AGAIN, "RemovePodSandbox should not return an error if not found")
def remove_no_pod(w):
    w.runtime.RemovePodSandbox(cri.SandboxID(pod_sandbox_id=str(uuid.uuid4())))


@it(AGAIN, "StopContainer should not return an error if not found")
def stop_nothing(w):
    w.runtime.StopContainer(cri.StopContainerRequest(container_id=str(uuid.uuid4())))


@it(AGAIN, "StopContainer should not return an error if already stopped")
def remove_twice(w):
    container = w.pod().container(PAUSE)
    container.stop()
    container.stop()
    container.wait(cri.CONTAINER_EXITED)
    container.remove()
    container.remove()


@it(AGAIN, "RemoveContainer should not return an error if not found")
def remove_nothing(w):
    w.runtime.RemoveContainer(cri.ContainerID(container_id=str(uuid.uuid4())))


@it(AGAIN, "RemoveImage should not return an error if not found")
def remove_no_image(w):
    for _ in range(2):
        w.images.RemoveImage(cri.RemoveImageRequest(image=cri.ImageSpec(image="0" * 64)))
