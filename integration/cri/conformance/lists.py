"""Streaming List (pkg/validate/streaming_list.go): the lists that come in parts."""
import runtime_pb2 as cri
from world import TOP, equal, expect, it

LIST = "Streaming List runtime should support streaming list for"


def pods(w, **filter):
    parts = w.runtime.StreamPodSandboxes(cri.ListPodSandboxRequest(filter=cri.PodSandboxFilter(**filter)))
    return [pod.id for part in parts for pod in part.items]


def containers(w, **filter):
    parts = w.runtime.StreamContainers(cri.ListContainersRequest(filter=cri.ContainerFilter(**filter)))
    return [container.id for part in parts for container in part.containers]


def container_stats(w, **filter):
    parts = w.runtime.StreamContainerStats(cri.ListContainerStatsRequest(filter=cri.ContainerStatsFilter(**filter)))
    return [stats.attributes.id for part in parts for stats in part.stats]


def pod_stats(w, **filter):
    request = cri.ListPodSandboxStatsRequest(filter=cri.PodSandboxStatsFilter(**filter)) if filter else cri.ListPodSandboxStatsRequest()
    return [stats.attributes.id for part in w.runtime.StreamPodSandboxStats(request) for stats in part.stats]


@it(LIST, "pods should list a created pod via streaming")
def pod(w):
    pod = w.pod()
    equal(pods(w, id=pod.id), [pod.id])


@it(LIST, "pods should list pods filtered by state via streaming")
def pod_by_state(w):
    expect(w.pod().id in pods(w, state=cri.PodSandboxStateValue(state=cri.SANDBOX_READY)))


@it(LIST, "pods should list pods filtered by labels via streaming")
def pod_by_label(w):
    pod = w.pod(labels={"stream-test": "yes"})
    expect(pod.id in pods(w, label_selector={"stream-test": "yes"}))
    expect(pod.id not in pods(w, label_selector={"stream-test": "no"}))


@it(LIST, "pods should return empty list for non-existent pod via streaming")
def no_pod(w):
    equal(pods(w, id="non-existent-id"), [])


@it(LIST, "containers should list a created container via streaming")
def container(w):
    container = w.pod().container(TOP, start=False)
    equal(containers(w, id=container.id), [container.id])


@it(LIST, "containers should list containers filtered by pod via streaming")
def container_by_pod(w):
    container = w.pod().container(TOP, start=False)
    equal(containers(w, pod_sandbox_id=container.pod.id), [container.id])


@it(LIST, "containers should list containers filtered by state via streaming")
def container_by_state(w):
    expect(w.pod().container(TOP).id in containers(w, state=cri.ContainerStateValue(state=cri.CONTAINER_RUNNING)))


@it(LIST, "containers should list multiple containers via streaming")
def three(w):
    pod = w.pod()
    equal({pod.container(TOP, start=False).id for _ in range(3)}, set(containers(w, pod_sandbox_id=pod.id)))


@it(LIST, "containers should not list removed container via streaming")
def removed(w):
    container = w.pod().container(TOP, start=False)
    container.remove()
    equal(containers(w, id=container.id), [])


@it(LIST, "containers should list container stats via streaming")
def stats(w):
    container = w.pod().container(TOP)
    equal(container_stats(w, id=container.id), [container.id])


@it(LIST, "containers should list container stats filtered by labels via streaming")
def stats_by_label(w):
    container = w.pod().container(TOP, labels={"stream-stats": "yes"})
    expect(container.id in container_stats(w, label_selector={"stream-stats": "yes"}))
    expect(container.id not in container_stats(w, label_selector={"stream-stats": "no"}))


@it(LIST, "pod stats should list pod sandbox stats by ID via streaming")
def stats_of_pod(w):
    pod = w.pod()
    equal(pod_stats(w, id=pod.id), [pod.id])


@it(LIST, "pod stats should list pod sandbox stats with nil filter via streaming")
def stats_of_all(w):
    expect(w.pod().id in pod_stats(w))


@it(LIST, "pod stats should list pod sandbox stats filtered by labels via streaming")
def stats_of_labelled(w):
    expect(w.pod(labels={"stream-pod-stats": "yes"}).id in pod_stats(w, label_selector={"stream-pod-stats": "yes"}))


@it(LIST, "pod metrics should list pod sandbox metrics via streaming")
def metrics(w):
    pod = w.pod()
    parts = w.runtime.StreamPodSandboxMetrics(cri.Empty())
    expect(pod.id in [m.pod_sandbox_id for part in parts for m in part.pod_metrics])


@it(LIST, "images should list images via streaming")
def images(w):
    w.pull(w.busybox)
    expect(any(w.busybox in i.repo_tags for part in w.images.StreamImages(cri.ListImagesRequest()) for i in part.images))


@it(LIST, "images should list images filtered by spec via streaming")
def images_by_name(w):
    w.pull(w.busybox)
    request = cri.ListImagesRequest(filter=cri.ImageFilter(image=cri.ImageSpec(image=w.busybox)))
    found = [i for part in w.images.StreamImages(request) for i in part.images]
    expect(len(found) == 1 and w.busybox in found[0].repo_tags, found)
