"""What clients in Go and the tools of people rely on, though no test of critest says so: how grpc-go and later versions of the CRI speak, what crictl prints,
what real images do with their outputs."""
import json
import os
import re

import grpc
import runtime_pb2 as cri
import runtime_pb2_grpc as service
from images import pull, pulled, remove, status
from world import TOP, equal, expect, it

CLIENTS = "Clients"
TOOLS = "Tools"
OUTPUTS = "Outputs"


def connect(w, **options):
    more = [("grpc.use_local_subchannel_pool", 1), *((name.replace("_", ".", 1), value) for name, value in options.items())]
    channel = grpc.insecure_channel("unix:" + w.options.socket, options=more)
    w.ends.append(channel.close)
    return channel


@it(CLIENTS, "any authority is taken: grpc-go names localhost, or the socket's path percent-encoded")
def authority(w):
    for name in ("localhost", w.options.socket.replace("/", "%2F"), "localhost:0"):
        expect(service.RuntimeServiceStub(connect(w, grpc_default_authority=name)).Version(cri.VersionRequest()).runtime_name, name)


@it(CLIENTS, "a connection for each test stays open: the 500th is served as the first")
def connections(w):
    stubs = [service.RuntimeServiceStub(connect(w)) for _ in range(500)]
    for stub in (*stubs, *stubs[:10]):
        stub.Version(cri.VersionRequest(version="0.1.0"))


def unknown(number):
    """Fields of a later CRI: a number, and a message, in the field of that number and the next."""
    key = lambda field, kind: bytes([(field << 3 | kind) & 0x7F | 0x80, field >> 4])
    return key(number, 0) + b"\x01" + key(number + 1, 2) + b"\x03\x0a\x01x"


@it(CLIENTS, "fields of a later version are passed over, wherever they stand")
def later_fields(w):
    config = w.pod_config()
    config.linux.MergeFromString(unknown(120))
    config.linux.security_context.MergeFromString(unknown(100))
    config.MergeFromString(unknown(90))
    pod = w.run(config)
    container = pod.container(TOP, start=False)
    request = cri.ContainerStatusRequest(container_id=container.id)
    request.MergeFromString(unknown(80))
    equal(w.runtime.ContainerStatus(request).status.id, container.id)


@it(CLIENTS, "what is not set is as good as what is set to nothing")
def unset(w):
    metadata = cri.PodSandboxMetadata(name="bare", namespace="bare")
    pod = w.run(cri.PodSandboxConfig(metadata=metadata))
    w.pull(w.busybox)
    config = cri.ContainerConfig(metadata=cri.ContainerMetadata(name="bare"), image=cri.ImageSpec(image=w.busybox), command=["true"])
    id = w.runtime.CreateContainer(cri.CreateContainerRequest(pod_sandbox_id=pod.id, config=config)).container_id
    w.runtime.StartContainer(cri.ContainerID(container_id=id))
    spec = cri.PullImageRequest(image=cri.ImageSpec(image=w.busybox), sandbox_config=cri.PodSandboxConfig())
    expect(w.images.PullImage(spec).image_ref)


@it(CLIENTS, "an image of two registries is one image, and has the names of both")
def two_registries(w):
    names = [w.name("test-image-tags:1"), "mirrored.test/test-image-tags:1"]
    pulled(w, names[0])
    equal({pull(w, name) for name in names}, {status(w, names[0]).id})
    equal(sorted(status(w, names[1]).repo_tags), sorted(names))
    equal(len(status(w, names[1]).repo_digests), 2)
    remove(w, names[1])
    equal([status(w, name) for name in names], [None, None])


@it(TOOLS, "crictl inspecti shows the image's own file")
def inspect_image(w):
    name = w.name("test-image-tag:all")
    pulled(w, name)
    ask = lambda verbose: w.images.ImageStatus(cri.ImageStatusRequest(image=cri.ImageSpec(image=name), verbose=verbose)).info
    info = json.loads(ask(True)["info"])
    expect(re.fullmatch("sha256:[0-9a-f]{64}", info["chainID"]), info)
    image = info["imageSpec"]
    equal((image["os"], image["config"]["Cmd"], len(image["rootfs"]["diff_ids"])), ("linux", ["top"], 2))
    equal(dict(ask(False)), {})
    none = w.images.ImageStatus(cri.ImageStatusRequest(image=cri.ImageSpec(image="none:1"), verbose=True))
    expect(not none.HasField("image") and not none.info, none)


@it(TOOLS, "crictl inspect, inspectp and info show objects")
def inspect(w):
    container = w.pod().container(TOP)
    told = [
        w.runtime.ContainerStatus(cri.ContainerStatusRequest(container_id=container.id, verbose=True)).info["info"],
        w.runtime.PodSandboxStatus(cri.PodSandboxStatusRequest(pod_sandbox_id=container.pod.id, verbose=True)).info["info"],
        w.runtime.Status(cri.StatusRequest(verbose=True)).info["config"]]
    objects = [json.loads(text) for text in told]
    expect(all(isinstance(o, dict) for o in objects) and objects[0]["pid"] > 1, objects)
    # By one of these people enter a pod's network.
    network = objects[1]["runtimeSpec"]["linux"]["namespaces"][0]
    for path in (f"/proc/{objects[1]['pid']}/ns/net", network["path"]):
        equal(os.readlink(path), container.says("readlink", "/proc/self/ns/net").strip())
    equal(network["type"], "network")


@it(OUTPUTS, "a user without rights opens /dev/stdout and /dev/stderr, as images link their logs to")
def outputs(w):
    for user in (0, 1001):
        container = w.pod(logs=True).ended(
            ["sh", "-c", "echo out >/dev/stdout; echo err >/dev/stderr; echo more >>/proc/self/fd/1"],
            security=cri.LinuxContainerSecurityContext(run_as_user=cri.Int64Value(value=user)))
        for text, stream in (("out", "stdout"), ("err", "stderr"), ("more", "stdout")):
            container.logged(text, stream)


@it(OUTPUTS, "a log of the image's own in /dev/stdout outlives its program's reopening")
def reopened_output(w):
    container = w.pod(logs=True).ended(["sh", "-c", "ln -s /dev/stdout /tmp/log; for i in 1 2 3; do echo $i >>/tmp/log; done"])
    container.logged("3")
    equal([text for _, text in container.log()], ["1", "2", "3"])
