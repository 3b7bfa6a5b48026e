"""A connection to a CRI, and what its checks count."""
import time

import grpc
import runtime_pb2 as cri
import runtime_pb2_grpc as service

counts = {"passed": 0, "failed": 0}


def check(name, good, detail=""):
    counts["passed" if good else "failed"] += 1
    print(f"ok    {name}" if good else f"FAIL  {name}: {detail}", flush=True)


def eventually(seconds, condition):
    """What `condition` gives once it is true; `seconds` are a quiet machine's, a busy one gets four times as long."""
    end = time.monotonic() + 4 * seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.1)
    return None


def code(call):
    """The code of a call that is to fail; OK where it does not."""
    try:
        call()
        return grpc.StatusCode.OK
    except grpc.RpcError as error:
        return error.code()


class Calls:
    """The calls of both services, with configurations to begin with."""

    def __init__(self, options):
        self.options = options
        self.image = options.image
        self.logs = options.logs
        self.channel = grpc.insecure_channel("unix:" + options.socket, options=[("grpc.max_receive_message_length", 16 << 20)])
        self.runtime = service.RuntimeServiceStub(self.channel)
        self.images = service.ImageServiceStub(self.channel)
        self.attempt = 0

    def sandbox_config(self, name, pid=cri.CONTAINER, **more):
        self.attempt += 1
        security = cri.LinuxSandboxSecurityContext(namespace_options=cri.NamespaceOption(pid=pid, network=cri.POD))
        return cri.PodSandboxConfig(
            metadata=cri.PodSandboxMetadata(name=name, uid=f"uid-{name}-{self.attempt}", namespace="test"),
            hostname=name, log_directory=f"{self.logs}/{name}", labels={"app": name, "suite": "cri"},
            annotations={"note": "kept as it is"}, dns_config=cri.DNSConfig(
                servers=["10.9.8.7"], searches=["example.test"], options=["ndots:3"]),
            linux=cri.LinuxPodSandboxConfig(security_context=security), **more)

    def container_config(self, name, command, security=None, **more):
        self.attempt += 1
        return cri.ContainerConfig(
            metadata=cri.ContainerMetadata(name=name, attempt=self.attempt), image=cri.ImageSpec(image=self.image),
            command=command, log_path=f"{name}.log", labels={"app": name},
            linux=cri.LinuxContainerConfig(security_context=security or cri.LinuxContainerSecurityContext()), **more)

    def sandbox(self, name, **more):
        config = self.sandbox_config(name, **more)
        return self.runtime.RunPodSandbox(cri.RunPodSandboxRequest(config=config)).pod_sandbox_id, config

    def start(self, sandbox, config, container):
        request = cri.CreateContainerRequest(pod_sandbox_id=sandbox, config=container, sandbox_config=config)
        id = self.runtime.CreateContainer(request).container_id
        self.runtime.StartContainer(cri.ContainerID(container_id=id))
        return id

    def status(self, id):
        return self.runtime.ContainerStatus(cri.ContainerStatusRequest(container_id=id)).status

    def run(self, id, *command, timeout=60):
        return self.runtime.ExecSync(cri.ExecSyncRequest(container_id=id, cmd=command, timeout=timeout))

    def shell(self, id, text):
        return self.run(id, "/bin/sh", "-c", text).stdout.decode().strip()

    def ended(self, id):
        return eventually(15, lambda: self.status(id).state == cri.CONTAINER_EXITED and self.status(id))

    def remove(self, sandbox):
        self.runtime.StopPodSandbox(cri.SandboxID(pod_sandbox_id=sandbox))
        self.runtime.RemovePodSandbox(cri.SandboxID(pod_sandbox_id=sandbox))
