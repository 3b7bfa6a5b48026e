"""Images, and the life of sandboxes and containers."""
import os

import grpc
import runtime_pb2 as cri
from calls import check, code, eventually


def images(calls):
    spec = cri.ImageSpec(image=calls.image)
    status = calls.images.ImageStatus(cri.ImageStatusRequest(image=spec, verbose=True)).image
    check("ImageStatus knows the image", status.id and status.size > 0, status)
    listed = calls.images.ListImages(cri.ListImagesRequest()).images
    check("ListImages lists it", any(i.id == status.id for i in listed))
    one = calls.images.ListImages(cri.ListImagesRequest(filter=cri.ImageFilter(image=spec))).images
    check("ListImages filters by name", [i.id for i in one] == [status.id], one)
    none = calls.images.ImageStatus(cri.ImageStatusRequest(image=cri.ImageSpec(image="none.test/none:1")))
    check("ImageStatus of an unknown image is empty", not none.HasField("image"), none)
    calls.images.RemoveImage(cri.RemoveImageRequest(image=cri.ImageSpec(image="none.test/none:1")))
    check("RemoveImage of an unknown image succeeds", True)
    usage = calls.images.ImageFsInfo(cri.Empty()).image_filesystems[0]
    check("ImageFsInfo says where images lie", usage.fs_id.mountpoint and usage.timestamp > 0, usage)
    if calls.options.peer:
        return
    # Nobody listens there; pulls that succeed are integration/images.sh's.
    nowhere = cri.ImageSpec(image="127.0.0.1:1/none:1")
    try:
        said = f"got {calls.images.PullImage(cri.PullImageRequest(image=nowhere)).image_ref}"
    except grpc.RpcError as error:
        said = error.details()
    check("PullImage says what it could not reach", "cannot connect to" in said and "127.0.0.1:1" in said, said)
    streamed = [i for part in calls.images.StreamImages(cri.ListImagesRequest()) for i in part.images]
    check("StreamImages lists the same", [i.id for i in streamed] == [i.id for i in listed])


def sandboxes(calls):
    id, config = calls.sandbox("boxes")
    answer = calls.runtime.PodSandboxStatus(cri.PodSandboxStatusRequest(pod_sandbox_id=id, verbose=True))
    status = answer.status
    check("a sandbox is ready and has an address",
          status.state == cri.SANDBOX_READY and status.created_at > 0 and (calls.options.peer or status.network.ip), status)
    check("its labels and annotations come back",
          dict(status.labels) == dict(config.labels) and dict(status.annotations) == dict(config.annotations), status)
    listed = lambda **f: [s.id for s in calls.runtime.ListPodSandbox(
        cri.ListPodSandboxRequest(filter=cri.PodSandboxFilter(**f))).items]
    check("ListPodSandbox filters by label", listed(label_selector={"app": "boxes"}) == [id])
    check("and by a label that none has", listed(label_selector={"app": "other"}) == [])
    check("and by state", id in listed(state=cri.PodSandboxStateValue(state=cri.SANDBOX_READY)))
    check("and by the beginning of an id", listed(id=id[:13]) == [id])
    short = calls.runtime.PodSandboxStatus(cri.PodSandboxStatusRequest(pod_sandbox_id=id[:13]))
    check("PodSandboxStatus takes the beginning of an id", short.status.id == id, short)
    if not calls.options.peer:
        parts = calls.runtime.StreamPodSandboxes(cri.ListPodSandboxRequest())
        check("StreamPodSandboxes lists it", id in [s.id for part in parts for s in part.items])
        calls.runtime.UpdatePodSandboxResources(cri.UpdatePodSandboxResourcesRequest(pod_sandbox_id=id))
        check("UpdatePodSandboxResources is taken", True)
    again = lambda: calls.runtime.RunPodSandbox(cri.RunPodSandboxRequest(config=config))
    check("a second sandbox of the same name is refused", code(again) != grpc.StatusCode.OK)
    unknown = lambda: calls.runtime.PodSandboxStatus(cri.PodSandboxStatusRequest(pod_sandbox_id="f" * 64))
    check("an unknown sandbox is not found", code(unknown) == grpc.StatusCode.NOT_FOUND)
    for _ in range(2):
        calls.runtime.StopPodSandbox(cri.SandboxID(pod_sandbox_id=id))
    check("StopPodSandbox twice succeeds, and it is not ready",
          listed(state=cri.PodSandboxStateValue(state=cri.SANDBOX_NOTREADY), label_selector={"app": "boxes"}) == [id])
    for _ in range(2):
        calls.runtime.RemovePodSandbox(cri.SandboxID(pod_sandbox_id=id))
    check("RemovePodSandbox twice succeeds, and it is gone", listed(label_selector={"app": "boxes"}) == [])


def containers(calls):
    box, config = calls.sandbox("life")
    created = cri.CreateContainerRequest(
        pod_sandbox_id=box, sandbox_config=config, config=calls.container_config(
            "main", ["/bin/sh", "-c", "echo to-stdout; echo to-stderr >&2; exec sleep 1000"],
            envs=[cri.KeyValue(key="COLOUR", value="blue")], working_dir="/tmp"))
    id = calls.runtime.CreateContainer(created).container_id
    check("a container is created", calls.status(id).state == cri.CONTAINER_CREATED)
    calls.runtime.StartContainer(cri.ContainerID(container_id=id))
    status = calls.status(id)
    check("and runs once it is started", status.state == cri.CONTAINER_RUNNING and status.started_at > 0, status)
    check("its image is known by name and id", status.image.image and status.image_ref, status)
    check("environment and working directory hold", calls.shell(id, "echo $COLOUR $PWD") == "blue /tmp")
    check("resolv.conf is the sandbox's", "nameserver 10.9.8.7" in calls.shell(id, "cat /etc/resolv.conf"))
    check("its host name is the sandbox's", calls.shell(id, "hostname") == "life")
    listed = lambda **f: [c.id for c in calls.runtime.ListContainers(
        cri.ListContainersRequest(filter=cri.ContainerFilter(**f))).containers]
    check("ListContainers filters by sandbox", listed(pod_sandbox_id=box) == [id])
    check("and by label and state", listed(
        label_selector={"app": "main"}, state=cri.ContainerStateValue(state=cri.CONTAINER_RUNNING)) == [id])
    check("and by the beginning of an id", listed(id=id[:13]) == [id])
    if not calls.options.peer:
        parts = calls.runtime.StreamContainers(cri.ListContainersRequest())
        check("StreamContainers lists it", id in [c.id for part in parts for c in part.containers])
    result = calls.run(id, "/bin/sh", "-c", "echo out; echo err >&2; exit 3")
    check("ExecSync gives both outputs and the code",
          (result.stdout, result.stderr, result.exit_code) == (b"out\n", b"err\n", 3), result)
    late = code(lambda: calls.run(id, "sleep", "99", timeout=1))
    check("ExecSync ends at its deadline", late == grpc.StatusCode.DEADLINE_EXCEEDED, late)
    check("and leaves no process behind", eventually(5, lambda: "sleep 99" not in calls.shell(id, "ps -o args")))
    logs_of(calls, id, f"{calls.logs}/life/main.log")
    refused(calls, id, box, config)
    calls.runtime.StopContainer(cri.StopContainerRequest(container_id=id, timeout=0))
    check("StopContainer ends it", calls.ended(id) is not None)
    calls.runtime.StopContainer(cri.StopContainerRequest(container_id=id, timeout=5))
    calls.runtime.RemoveContainer(cri.ContainerID(container_id=id))
    calls.runtime.RemoveContainer(cri.ContainerID(container_id=id))
    check("stopping and removing twice succeed, and it is gone", listed(pod_sandbox_id=box) == [])
    failing = calls.start(box, config, calls.container_config("failing", ["/bin/sh", "-c", "exit 7"]))
    status = calls.ended(failing)
    check("an exit code and its reason are kept",
          status and status.exit_code == 7 and status.reason == "Error" and status.finished_at > 0, status)
    calls.remove(box)


def logs_of(calls, id, path):
    lines = lambda name: [l.split(" ", 3) for l in open(name).read().splitlines() if l.count(" ") > 2]
    good = eventually(5, lambda: sorted((l[1], l[2], l[3]) for l in lines(path))
                      == [("stderr", "F", "to-stderr"), ("stdout", "F", "to-stdout")])
    check("the log has the CRI's form", good, open(path).read())
    os.rename(path, path + ".1")
    calls.runtime.ReopenContainerLog(cri.ContainerID(container_id=id))
    check("ReopenContainerLog makes the file anew", eventually(5, lambda: os.path.exists(path)))


def refused(calls, id, box, config):
    create = lambda c: code(lambda: calls.runtime.CreateContainer(cri.CreateContainerRequest(
        pod_sandbox_id=box, config=c, sandbox_config=config)))
    group = cri.LinuxContainerSecurityContext(run_as_group=cri.Int64Value(value=1000))
    check("run_as_group without a user is refused", create(calls.container_config("group", ["true"], group)) != grpc.StatusCode.OK)
    nobody = cri.LinuxContainerSecurityContext(run_as_username="no-such-user")
    check("an unknown user name is refused", create(calls.container_config("user", ["true"], nobody)) != grpc.StatusCode.OK)
    unknown = lambda: calls.runtime.ContainerStatus(cri.ContainerStatusRequest(container_id="e" * 64))
    check("an unknown container is not found", code(unknown) == grpc.StatusCode.NOT_FOUND)
    missing = calls.container_config("missing", ["/no/such/command"])
    started = code(lambda: calls.start(box, config, missing))
    check("a command that is not there fails to start", started != grpc.StatusCode.OK, started)
    for failing in calls.runtime.ListContainers(cri.ListContainersRequest(filter=cri.ContainerFilter(
            pod_sandbox_id=box, label_selector={"app": "missing"}))).containers:
        calls.runtime.RemoveContainer(cri.ContainerID(container_id=failing.id))
