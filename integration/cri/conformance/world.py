"""What the tests work with: sandboxes and containers that go again, and the commands that critest runs in them."""
import os
import shutil
import tempfile
import time
import uuid

import grpc
import runtime_pb2 as cri
import runtime_pb2_grpc as service

TOP = ["top"]
PAUSE = ["sh", "-c", "top"]
HELLO = ["echo", "-n", "hello"]
LOG = "hello World"


class Skip(Exception):
    pass


class Tests:
    all = []


def it(*parts):
    """Adds a test under critest's name for it."""
    def add(body):
        Tests.all.append((" ".join(parts), body))
        return body
    return add


def expect(good, *what):
    if not good:
        raise AssertionError(" ".join(repr(w) if not isinstance(w, str) else w for w in what) or "not so")


def equal(found, wanted, what=""):
    expect(found == wanted, f"{what} is {found!r}, not {wanted!r}")


def eventually(condition, what, seconds=60):
    end = time.monotonic() + seconds
    while True:
        try:
            found = condition()
        except AssertionError as error:
            found, what = None, f"{what} ({error})"
        if found:
            return found
        expect(time.monotonic() < end, f"not within {seconds} s: {what}")
        time.sleep(0.1)


def fails(call, code=None):
    try:
        call()
    except grpc.RpcError as error:
        expect(code is None or error.code() == code, f"it failed with {error.code()}: {error.details()}")
        return error.details()
    raise AssertionError("it succeeded, and must not")


class World:
    """One test's things."""

    def __init__(self, options):
        self.options = options
        self.channel = grpc.insecure_channel("unix:" + options.socket, options=[("grpc.max_receive_message_length", 16 << 20)])
        self.runtime = service.RuntimeServiceStub(self.channel)
        self.images = service.ImageServiceStub(self.channel)
        self.busybox = self.name("busybox:1")
        self.pods, self.folders, self.ends = [], [], []

    def name(self, image):
        return f"{self.options.registry}/{image}"

    def folder(self):
        self.folders.append(tempfile.mkdtemp(prefix="test", dir=self.options.logs))
        return self.folders[-1]

    def pull(self, image):
        spec = cri.ImageSpec(image=image)
        if not self.images.ImageStatus(cri.ImageStatusRequest(image=spec)).HasField("image"):
            self.images.PullImage(cri.PullImageRequest(image=spec))

    def pod_config(self, logs=False, security=None, sysctls=None, **more):
        linux = cri.LinuxPodSandboxConfig(sysctls=sysctls or {})
        if security is not None:
            linux.security_context.CopyFrom(security)
        metadata = cri.PodSandboxMetadata(
            name=f"pod-{uuid.uuid4()}", uid=f"cri-test-uid{uuid.uuid4()}", namespace=f"cri-test-namespace{uuid.uuid4()}", attempt=2)
        return cri.PodSandboxConfig(metadata=metadata, linux=linux, log_directory=self.folder() if logs else "", **more)

    def pod(self, **more):
        return self.run(self.pod_config(**more))

    def run(self, config):
        pod = Pod(self, config)
        self.pods.append(pod)
        return pod

    def clean_up(self):
        for end in reversed(self.ends):
            end()
        for pod in self.pods:
            pod.stop()
            pod.remove()
        for folder in self.folders:
            shutil.rmtree(folder, ignore_errors=True)
        self.channel.close()


class Pod:
    def __init__(self, world, config):
        self.world, self.config = world, config
        self.id = world.runtime.RunPodSandbox(cri.RunPodSandboxRequest(config=config)).pod_sandbox_id

    def status(self):
        return self.world.runtime.PodSandboxStatus(cri.PodSandboxStatusRequest(pod_sandbox_id=self.id)).status

    def stop(self):
        self.world.runtime.StopPodSandbox(cri.SandboxID(pod_sandbox_id=self.id))

    def remove(self):
        self.world.runtime.RemovePodSandbox(cri.SandboxID(pod_sandbox_id=self.id))

    def container(self, command=(), image=None, security=None, resources=None, start=True, **more):
        image = image or self.world.busybox
        self.world.pull(image)
        linux = cri.LinuxContainerConfig(security_context=security, resources=resources)
        config = cri.ContainerConfig(
            metadata=cri.ContainerMetadata(name=f"container-{uuid.uuid4()}", attempt=2),
            image=more.pop("spec", cri.ImageSpec(image=image)), command=list(command), linux=linux, **more)
        container = Container(self, config)
        if start:
            container.start()
        return container

    def ended(self, command, **more):
        """A container that writes a log and has come to its end."""
        container = self.container(command, log_path="log", **more)
        container.wait(cri.CONTAINER_EXITED)
        return container


class Container:
    def __init__(self, pod, config):
        self.pod, self.runtime, self.config = pod, pod.world.runtime, config
        request = cri.CreateContainerRequest(pod_sandbox_id=pod.id, config=config, sandbox_config=pod.config)
        self.id = self.runtime.CreateContainer(request).container_id

    def start(self):
        self.runtime.StartContainer(cri.ContainerID(container_id=self.id))

    def stop(self, timeout=60):
        self.runtime.StopContainer(cri.StopContainerRequest(container_id=self.id, timeout=timeout))

    def remove(self):
        self.runtime.RemoveContainer(cri.ContainerID(container_id=self.id))

    def status(self, verbose=False):
        return self.runtime.ContainerStatus(cri.ContainerStatusRequest(container_id=self.id, verbose=verbose)).status

    def wait(self, state):
        eventually(lambda: self.status().state == state, f"state {cri.ContainerState.Name(state)}")
        return self

    def running(self):
        return self.wait(cri.CONTAINER_RUNNING)

    def is_listed(self):
        listed = self.runtime.ListContainers(cri.ListContainersRequest(filter=cri.ContainerFilter(id=self.id))).containers
        return self.id in [c.id for c in listed]

    def run(self, *command, timeout=120):
        return self.runtime.ExecSync(cri.ExecSyncRequest(container_id=self.id, cmd=command, timeout=timeout))

    def says(self, *command):
        """What a command that succeeds without a complaint prints."""
        result = self.run(*command)
        equal((result.exit_code, result.stderr), (0, b""), f"{command}: code and stderr")
        return result.stdout.decode()

    def refuses(self, *command):
        """What a command that fails complains of."""
        result = self.run(*command)
        expect(result.exit_code != 0, f"{command} succeeded: {result}")
        return result.stderr.decode()

    def log(self, name=None):
        """(stream, line) pairs."""
        path = os.path.join(self.pod.config.log_directory, name or self.config.log_path)
        lines = [line.split(" ", 3) for line in open(path).read().splitlines()]
        return [(stream, text) for _, stream, _, text in lines]

    def logged(self, text, stream="stdout"):
        """Sooner or later: an end is told a second after it at the latest, whether its log is written or not."""
        try:
            eventually(lambda: (stream, text) in self.log(), f"{text!r} in the log")
        except AssertionError as error:
            raise AssertionError(f"{error}; there is {self.log()}") from error
