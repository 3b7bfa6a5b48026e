"""Every call of the CRI, by a client that shares no code with the runtime: grpcio, from the definitions in runtime.proto.

usage: client.py SOCKET IMAGE LOGDIR [--calls N] [--peer]
With --peer another runtime is asked, for what upstream lets differ; what this one alone promises is left out.
Prints a line for each check and one with the counts.
"""
import argparse, json, os, sys, threading, time
import grpc, websocket
import runtime_pb2 as cri
import runtime_pb2_grpc as service

passed = failed = 0


def check(name, good, detail=""):
    global passed, failed
    if good:
        passed += 1
        print(f"ok    {name}", flush=True)
    else:
        failed += 1
        print(f"FAIL  {name}: {detail}", flush=True)


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


class Checks:
    def __init__(self, options):
        self.options = options
        self.image = options.image
        self.logs = options.logs
        options_ = [("grpc.max_receive_message_length", 16 << 20)]
        self.channel = grpc.insecure_channel("unix:" + options.socket, options=options_)
        self.runtime = service.RuntimeServiceStub(self.channel)
        self.images = service.ImageServiceStub(self.channel)
        self.attempt = 0

    # Things to work with

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

    # What is checked

    def state(self):
        version = self.runtime.Version(cri.VersionRequest(version="0.1.0"))
        check("Version names the runtime and the API", version.runtime_name and version.runtime_api_version == "v1", version)
        conditions = {c.type: c.status for c in self.runtime.Status(cri.StatusRequest(verbose=True)).status.conditions}
        check("Status says that runtime and network are ready",
              conditions.get("RuntimeReady") and (self.options.peer or conditions.get("NetworkReady")), conditions)
        network = cri.RuntimeConfig(network_config=cri.NetworkConfig(pod_cidr="10.42.0.0/24"))
        self.runtime.UpdateRuntimeConfig(cri.UpdateRuntimeConfigRequest(runtime_config=network))
        check("UpdateRuntimeConfig is taken", True)
        if self.options.peer:
            return
        driver = self.runtime.RuntimeConfig(cri.Empty()).linux.cgroup_driver
        check("RuntimeConfig names the cgroup driver", driver == cri.CGROUPFS, driver)
        checkpoint = lambda: self.runtime.CheckpointContainer(cri.CheckpointContainerRequest(container_id="x"))
        check("CheckpointContainer is unimplemented, and says so", code(checkpoint) == grpc.StatusCode.UNIMPLEMENTED)
        unknown = self.channel.unary_unary("/runtime.v1.RuntimeService/NoSuchCall")
        check("an unknown call is unimplemented", code(lambda: unknown(b"")) == grpc.StatusCode.UNIMPLEMENTED)
        garbled = self.channel.unary_unary("/runtime.v1.RuntimeService/StartContainer")
        check("bytes that are no message are refused", code(lambda: garbled(b"\x0a\xff")) == grpc.StatusCode.INVALID_ARGUMENT)
        handler = cri.RunPodSandboxRequest(config=self.sandbox_config("handler"), runtime_handler="none")
        check("an unknown runtime handler is refused",
              code(lambda: self.runtime.RunPodSandbox(handler)) == grpc.StatusCode.INVALID_ARGUMENT)

    def image_calls(self):
        spec = cri.ImageSpec(image=self.image)
        status = self.images.ImageStatus(cri.ImageStatusRequest(image=spec, verbose=True)).image
        check("ImageStatus knows the image", status.id and status.size > 0, status)
        listed = self.images.ListImages(cri.ListImagesRequest()).images
        check("ListImages lists it", any(i.id == status.id for i in listed))
        one = self.images.ListImages(cri.ListImagesRequest(filter=cri.ImageFilter(image=spec))).images
        check("ListImages filters by name", [i.id for i in one] == [status.id], one)
        none = self.images.ImageStatus(cri.ImageStatusRequest(image=cri.ImageSpec(image="none.test/none:1")))
        check("ImageStatus of an unknown image is empty", not none.HasField("image"), none)
        self.images.RemoveImage(cri.RemoveImageRequest(image=cri.ImageSpec(image="none.test/none:1")))
        check("RemoveImage of an unknown image succeeds", True)
        usage = self.images.ImageFsInfo(cri.Empty()).image_filesystems[0]
        check("ImageFsInfo says where images lie", usage.fs_id.mountpoint and usage.timestamp > 0, usage)
        if self.options.peer:
            return
        # Nobody listens there; pulls that succeed are integration/images.sh's.
        nowhere = cri.ImageSpec(image="127.0.0.1:1/none:1")
        try:
            said = f"got {self.images.PullImage(cri.PullImageRequest(image=nowhere)).image_ref}"
        except grpc.RpcError as error:
            said = error.details()
        check("PullImage says what it could not reach", "cannot connect to" in said and "127.0.0.1:1" in said, said)
        streamed = [i for part in self.images.StreamImages(cri.ListImagesRequest()) for i in part.images]
        check("StreamImages lists the same", [i.id for i in streamed] == [i.id for i in listed])

    def sandbox_calls(self):
        id, config = self.sandbox("boxes")
        answer = self.runtime.PodSandboxStatus(cri.PodSandboxStatusRequest(pod_sandbox_id=id, verbose=True))
        status = answer.status
        check("a sandbox is ready and has an address",
              status.state == cri.SANDBOX_READY and status.created_at > 0 and (self.options.peer or status.network.ip), status)
        check("its labels and annotations come back",
              dict(status.labels) == dict(config.labels) and dict(status.annotations) == dict(config.annotations), status)
        listed = lambda **f: [s.id for s in self.runtime.ListPodSandbox(
            cri.ListPodSandboxRequest(filter=cri.PodSandboxFilter(**f))).items]
        check("ListPodSandbox filters by label", listed(label_selector={"app": "boxes"}) == [id])
        check("and by a label that none has", listed(label_selector={"app": "other"}) == [])
        check("and by state", id in listed(state=cri.PodSandboxStateValue(state=cri.SANDBOX_READY)))
        check("and by the beginning of an id", listed(id=id[:13]) == [id])
        short = self.runtime.PodSandboxStatus(cri.PodSandboxStatusRequest(pod_sandbox_id=id[:13]))
        check("PodSandboxStatus takes the beginning of an id", short.status.id == id, short)
        if not self.options.peer:
            parts = self.runtime.StreamPodSandboxes(cri.ListPodSandboxRequest())
            check("StreamPodSandboxes lists it", id in [s.id for part in parts for s in part.items])
            self.runtime.UpdatePodSandboxResources(cri.UpdatePodSandboxResourcesRequest(pod_sandbox_id=id))
            check("UpdatePodSandboxResources is taken", True)
        again = lambda: self.runtime.RunPodSandbox(cri.RunPodSandboxRequest(config=config))
        check("a second sandbox of the same name is refused", code(again) != grpc.StatusCode.OK)
        unknown = lambda: self.runtime.PodSandboxStatus(cri.PodSandboxStatusRequest(pod_sandbox_id="f" * 64))
        check("an unknown sandbox is not found", code(unknown) == grpc.StatusCode.NOT_FOUND)
        for _ in range(2):
            self.runtime.StopPodSandbox(cri.SandboxID(pod_sandbox_id=id))
        check("StopPodSandbox twice succeeds, and it is not ready",
              listed(state=cri.PodSandboxStateValue(state=cri.SANDBOX_NOTREADY), label_selector={"app": "boxes"}) == [id])
        for _ in range(2):
            self.runtime.RemovePodSandbox(cri.SandboxID(pod_sandbox_id=id))
        check("RemovePodSandbox twice succeeds, and it is gone", listed(label_selector={"app": "boxes"}) == [])

    def container_calls(self):
        box, config = self.sandbox("life")
        created = cri.CreateContainerRequest(
            pod_sandbox_id=box, sandbox_config=config, config=self.container_config(
                "main", ["/bin/sh", "-c", "echo to-stdout; echo to-stderr >&2; exec sleep 1000"],
                envs=[cri.KeyValue(key="COLOUR", value="blue")], working_dir="/tmp"))
        id = self.runtime.CreateContainer(created).container_id
        check("a container is created", self.status(id).state == cri.CONTAINER_CREATED)
        self.runtime.StartContainer(cri.ContainerID(container_id=id))
        status = self.status(id)
        check("and runs once it is started", status.state == cri.CONTAINER_RUNNING and status.started_at > 0, status)
        check("its image is known by name and id", status.image.image and status.image_ref, status)
        check("environment and working directory hold", self.shell(id, "echo $COLOUR $PWD") == "blue /tmp")
        check("resolv.conf is the sandbox's", "nameserver 10.9.8.7" in self.shell(id, "cat /etc/resolv.conf"))
        check("its host name is the sandbox's", self.shell(id, "hostname") == "life")
        listed = lambda **f: [c.id for c in self.runtime.ListContainers(
            cri.ListContainersRequest(filter=cri.ContainerFilter(**f))).containers]
        check("ListContainers filters by sandbox", listed(pod_sandbox_id=box) == [id])
        check("and by label and state", listed(
            label_selector={"app": "main"}, state=cri.ContainerStateValue(state=cri.CONTAINER_RUNNING)) == [id])
        check("and by the beginning of an id", listed(id=id[:13]) == [id])
        if not self.options.peer:
            parts = self.runtime.StreamContainers(cri.ListContainersRequest())
            check("StreamContainers lists it", id in [c.id for part in parts for c in part.containers])
        result = self.run(id, "/bin/sh", "-c", "echo out; echo err >&2; exit 3")
        check("ExecSync gives both outputs and the code",
              (result.stdout, result.stderr, result.exit_code) == (b"out\n", b"err\n", 3), result)
        late = code(lambda: self.run(id, "sleep", "99", timeout=1))
        check("ExecSync ends at its deadline", late == grpc.StatusCode.DEADLINE_EXCEEDED, late)
        check("and leaves no process behind", eventually(5, lambda: "sleep 99" not in self.shell(id, "ps -o args")))
        self.logs_of(id, f"{self.logs}/life/main.log")
        self.refused(id, box, config)
        self.runtime.StopContainer(cri.StopContainerRequest(container_id=id, timeout=0))
        check("StopContainer ends it", self.ended(id) is not None)
        self.runtime.StopContainer(cri.StopContainerRequest(container_id=id, timeout=5))
        self.runtime.RemoveContainer(cri.ContainerID(container_id=id))
        self.runtime.RemoveContainer(cri.ContainerID(container_id=id))
        check("stopping and removing twice succeed, and it is gone", listed(pod_sandbox_id=box) == [])
        failing = self.start(box, config, self.container_config("failing", ["/bin/sh", "-c", "exit 7"]))
        status = self.ended(failing)
        check("an exit code and its reason are kept",
              status and status.exit_code == 7 and status.reason == "Error" and status.finished_at > 0, status)
        self.remove(box)

    def logs_of(self, id, path):
        lines = lambda name: [l.split(" ", 3) for l in open(name).read().splitlines() if l.count(" ") > 2]
        good = eventually(5, lambda: sorted((l[1], l[2], l[3]) for l in lines(path))
                          == [("stderr", "F", "to-stderr"), ("stdout", "F", "to-stdout")])
        check("the log has the CRI's form", good, open(path).read())
        os.rename(path, path + ".1")
        self.runtime.ReopenContainerLog(cri.ContainerID(container_id=id))
        check("ReopenContainerLog makes the file anew", eventually(5, lambda: os.path.exists(path)))

    def refused(self, id, box, config):
        create = lambda c: code(lambda: self.runtime.CreateContainer(cri.CreateContainerRequest(
            pod_sandbox_id=box, config=c, sandbox_config=config)))
        group = cri.LinuxContainerSecurityContext(run_as_group=cri.Int64Value(value=1000))
        check("run_as_group without a user is refused", create(self.container_config("group", ["true"], group)) != grpc.StatusCode.OK)
        nobody = cri.LinuxContainerSecurityContext(run_as_username="no-such-user")
        check("an unknown user name is refused", create(self.container_config("user", ["true"], nobody)) != grpc.StatusCode.OK)
        unknown = lambda: self.runtime.ContainerStatus(cri.ContainerStatusRequest(container_id="e" * 64))
        check("an unknown container is not found", code(unknown) == grpc.StatusCode.NOT_FOUND)
        missing = self.container_config("missing", ["/no/such/command"])
        started = code(lambda: self.start(box, config, missing))
        check("a command that is not there fails to start", started != grpc.StatusCode.OK, started)
        for failing in self.runtime.ListContainers(cri.ListContainersRequest(filter=cri.ContainerFilter(
                pod_sandbox_id=box, label_selector={"app": "missing"}))).containers:
            self.runtime.RemoveContainer(cri.ContainerID(container_id=failing.id))

    def security(self):
        box, config = self.sandbox("secure")
        context = cri.LinuxContainerSecurityContext
        sleep = ["sleep", "1000"]
        make = lambda name, c, **more: self.start(box, config, self.container_config(name, sleep, c, **more))
        status = lambda id, field: self.shell(id, f"grep '^{field}:' /proc/self/status").split()[-1]
        id = make("groups", context(run_as_user=cri.Int64Value(value=1001), run_as_group=cri.Int64Value(value=1002),
                                    supplemental_groups=[1234, 5678]))
        check("user and groups hold", self.shell(id, "echo $(id -u):$(id -g):$(id -G)") == "1001:1002:1002 1234 5678",
              self.shell(id, "id"))
        if not self.options.peer:
            user = self.status(id).user.linux
            check("and stand in the status", (user.uid, user.gid, list(user.supplemental_groups)) == (1001, 1002, [1002, 1234, 5678]), user)
        id = make("name", context(run_as_username="nobody"))
        check("a user by name holds", self.shell(id, "id -un") == "nobody")
        profile = lambda kind, path="": cri.SecurityProfile(profile_type=kind, localhost_ref=path)
        id = make("unconfined", context(seccomp=profile(cri.Unconfined)))
        check("seccomp can be off", status(id, "Seccomp") == "0")
        id = make("nothing", context())
        check("no profile is unconfined, as the CRI has it", status(id, "Seccomp") == "0")
        id = make("default", context(seccomp=profile(cri.RuntimeDefault)))
        check("the default profile is a filter", status(id, "Seccomp") == "2")
        path = f"{self.logs}/profile.json"
        with open(path, "w") as file:
            json.dump({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
                {"names": ["chmod", "fchmod", "fchmodat", "fchmodat2"], "action": "SCMP_ACT_ERRNO"}]}, file)
        id = make("file", context(seccomp=profile(cri.Localhost, path)))
        denied = self.run(id, "chmod", "400", "/tmp")
        check("a profile of the node's holds", denied.exit_code != 0 and b"not permitted" in denied.stderr, denied)
        id = make("drop", context(capabilities=cri.Capability(drop_capabilities=["ALL"])))
        check("all capabilities can be dropped", int(status(id, "CapBnd"), 16) == 0)
        id = make("add", context(capabilities=cri.Capability(add_capabilities=["SYS_PTRACE"])))
        check("one can be added", int(status(id, "CapEff"), 16) >> 19 & 1 == 1)
        unmasked = id
        id = make("readonly", context(readonly_rootfs=True))
        check("a read-only root is", self.run(id, "touch", "/x").exit_code != 0)
        id = make("paths", context(masked_paths=["/etc/passwd"], readonly_paths=["/tmp"]))
        check("paths are masked", self.shell(id, "cat /etc/passwd") == "" and self.shell(unmasked, "cat /etc/passwd"))
        check("and read-only", b"Read-only" in self.run(id, "touch", "/tmp/x").stderr)
        id = make("nnp", context(no_new_privs=True))
        check("no new privileges is set", status(id, "NoNewPrivs") == "1")
        id = make("privileged", context(privileged=True))
        check("a privileged container has the host's devices and no filter",
              status(id, "Seccomp") == "0" and len(self.shell(id, "ls /dev").split()) > 20)
        source = f"{self.logs}/volume"
        os.makedirs(source, exist_ok=True)
        open(source + "/file", "w").write("content")
        mounts = [cri.Mount(container_path="/v", host_path=source), cri.Mount(container_path="/r", host_path=source, readonly=True)]
        id = make("mounts", context(), mounts=mounts, devices=[
            cri.Device(container_path="/dev/extra", host_path="/dev/full", permissions="rw")])
        check("volumes are mounted", self.shell(id, "cat /v/file") == "content")
        check("and read-only where asked", self.run(id, "touch", "/r/x").exit_code != 0)
        check("a device is there and works", b"No space" in self.run(id, "/bin/sh", "-c", "echo > /dev/extra").stderr)
        target = make("target", context())
        id = make("debugger", context(namespace_options=cri.NamespaceOption(pid=cri.TARGET, target_id=target)))
        check("a container can see another's processes", self.shell(id, "ps -o args | grep -c 'sleep 1000'") != "0" and
              self.shell(id, "readlink /proc/self/ns/pid") == self.shell(target, "readlink /proc/self/ns/pid"))
        self.remove(box)
        box, config = self.sandbox("shared", pid=cri.POD)
        shared = context(namespace_options=cri.NamespaceOption(pid=cri.POD))
        ids = [make(name, shared) for name in ("one", "two")]
        spaces = {self.shell(i, "readlink /proc/self/ns/pid") for i in ids}
        check("containers can share processes", len(spaces) == 1, spaces)
        self.remove(box)
        sysctls = self.sandbox_config("sysctl")
        sysctls.linux.sysctls["net.ipv4.ip_unprivileged_port_start"] = "80"
        box = self.runtime.RunPodSandbox(cri.RunPodSandboxRequest(config=sysctls)).pod_sandbox_id
        id = self.start(box, sysctls, self.container_config("reads", sleep))
        check("a sysctl of the pod holds", self.shell(id, "cat /proc/sys/net/ipv4/ip_unprivileged_port_start") == "80")
        self.remove(box)

    def stats(self):
        box, config = self.sandbox("usage")
        id = self.start(box, config, self.container_config("busy", ["/bin/sh", "-c", "while :; do :; done"]))
        read = lambda: self.runtime.ContainerStats(cri.ContainerID(container_id=id)).stats
        stats = eventually(10, lambda: read().cpu.usage_core_nano_seconds.value > 0 and read())
        check("ContainerStats counts CPU time", stats is not None and stats.cpu.timestamp > 0, read())
        check("and says whose they are", stats.attributes.id == id and stats.attributes.labels["app"] == "busy", stats)
        listed = lambda **f: [s.attributes.id for s in self.runtime.ListContainerStats(cri.ListContainerStatsRequest(
            filter=cri.ContainerStatsFilter(**f))).stats]
        check("ListContainerStats filters", listed(pod_sandbox_id=box) == [id] and listed(label_selector={"app": "busy"}) == [id]
              and listed(label_selector={"app": "idle"}) == [])
        pod = self.runtime.PodSandboxStats(cri.SandboxID(pod_sandbox_id=box)).stats
        check("PodSandboxStats counts the pod", pod.attributes.id == box and pod.linux.cpu.timestamp > 0, pod)
        pods = self.runtime.ListPodSandboxStats(cri.ListPodSandboxStatsRequest(
            filter=cri.PodSandboxStatsFilter(label_selector={"app": "usage"}))).stats
        check("ListPodSandboxStats filters", [p.attributes.id for p in pods] == [box])
        if not self.options.peer:
            names = {d.name for d in self.runtime.ListMetricDescriptors(cri.Empty()).descriptors}
            metrics = [m for m in self.runtime.ListPodSandboxMetrics(cri.Empty()).pod_metrics if m.pod_sandbox_id == box]
            used = {m.name for c in metrics[0].container_metrics for m in c.metrics}
            check("metrics are those that are described", used and used <= names, (used, names))
            for call, part in (("StreamContainerStats", "stats"), ("StreamPodSandboxStats", "stats"),
                               ("StreamPodSandboxMetrics", "pod_metrics")):
                question = {"StreamContainerStats": cri.ListContainerStatsRequest(),
                            "StreamPodSandboxStats": cri.ListPodSandboxStatsRequest()}.get(call, cri.Empty())
                parts = list(getattr(self.runtime, call)(question))
                check(f"{call} gives its list", sum(len(getattr(p, part)) for p in parts) > 0)
        resources = cri.LinuxContainerResources(cpu_shares=512, oom_score_adj=500)
        updated = code(lambda: self.runtime.UpdateContainerResources(
            cri.UpdateContainerResourcesRequest(container_id=id, linux=resources)))
        shares = self.status(id).resources.linux.cpu_shares
        if "cpu" in open("/sys/fs/cgroup/cgroup.controllers").read().split() if os.path.exists(
                "/sys/fs/cgroup/cgroup.controllers") else False:
            check("UpdateContainerResources holds", updated == grpc.StatusCode.OK and shares == 512, (updated, shares))
        elif not self.options.peer:
            check("UpdateContainerResources says what this host cannot hold", updated == grpc.StatusCode.FAILED_PRECONDITION, updated)
        self.remove(box)

    def events(self):
        seen = []
        stream = self.runtime.GetContainerEvents(cri.Empty())

        def follow():
            try:
                for event in stream:
                    seen.append((event.container_id, event.container_event_type))
            except grpc.RpcError:
                pass

        threading.Thread(target=follow, daemon=True).start()
        # Nothing says when the call has begun but an event.
        check("GetContainerEvents begins to tell", eventually(15, lambda: self.remove(self.sandbox("heard")[0]) or seen))
        box, config = self.sandbox("events")
        id = self.start(box, config, self.container_config("brief", ["true"]))
        self.ended(id)
        # Its state may show the end before the event does, and of one that is removed between the two no end is told.
        eventually(5, lambda: (id, cri.CONTAINER_STOPPED_EVENT) in seen)
        self.runtime.RemoveContainer(cri.ContainerID(container_id=id))
        self.remove(box)
        life = (cri.CONTAINER_CREATED_EVENT, cri.CONTAINER_STARTED_EVENT, cri.CONTAINER_STOPPED_EVENT, cri.CONTAINER_DELETED_EVENT)
        for of, what in ((id, "container"), (box, "sandbox")):
            good = eventually(5, lambda: [kind for one, kind in seen if one == of] == list(life))
            check(f"GetContainerEvents tells a {what}'s life in order", good, seen)
        stream.cancel()

    def sizes(self):
        """What kubelets and runtimes take from each other is 16 MiB; what is refused leaves the connection as it was."""
        most = cri.VersionRequest(version="x" * ((16 << 20) - 5))
        check("a message of 16 MiB is taken", most.ByteSize() == 16 << 20 and self.runtime.Version(most).version == "0.1.0")
        refused = code(lambda: self.runtime.Version(cri.VersionRequest(version="x" * (17 << 20))))
        check("a larger one is refused as such", refused == grpc.StatusCode.RESOURCE_EXHAUSTED, refused)
        check("and the next call is answered", self.runtime.Version(cri.VersionRequest()).version == "0.1.0")

    # Streams

    def socket(self, url, protocol="v5.channel.k8s.io"):
        if self.options.peer:
            protocol = "v4.channel.k8s.io"
        return websocket.create_connection(url.replace("http://", "ws://"), subprotocols=[protocol], timeout=90)

    @staticmethod
    def drain(connection):
        """Bytes by channel until the server has closed."""
        channels = {}
        try:
            while True:
                data = connection.recv()
                if not data:
                    break
                channels[data[0]] = channels.get(data[0], b"") + data[1:]
        except websocket.WebSocketConnectionClosedException:
            pass
        return channels

    def streams(self):
        box, config = self.sandbox("streams")
        reader = self.container_config("reader", ["/bin/sh", "-c", "while read line; do echo got $line; done"], stdin=True)
        id = self.start(box, config, reader)
        exec_ = lambda **r: self.runtime.Exec(cri.ExecRequest(container_id=id, **r)).url
        url = exec_(cmd=["/bin/sh", "-c", "echo out; echo err >&2; exit 5"], stdout=True, stderr=True)
        channels = self.drain(self.socket(url))
        check("Exec streams both outputs and the status",
              channels.get(1) == b"out\n" and channels.get(2) == b"err\n" and b'"5"' in channels.get(3, b""), channels)
        again = None
        try:
            self.socket(url)
        except Exception as error:
            again = error
        check("a URL is good for one use", again is not None)
        if not self.options.peer:
            connection = self.socket(exec_(cmd=["cat"], stdin=True, stdout=True))
            connection.send_binary(b"\x00" + b"typed")
            connection.send_binary(b"\xff\x00")
            check("standard input arrives and ends", self.drain(connection).get(1) == b"typed")
        connection = self.socket(exec_(cmd=["/bin/sh", "-c", "for i in $(seq 200); do case $(stty size) in '40 120') break;; esac; sleep 0.1; done; stty size"], stdin=True, stdout=True, tty=True))
        connection.send_binary(b"\x04" + b'{"Width": 120, "Height": 40}')
        check("a terminal has the client's size", b"40 120" in self.drain(connection).get(1, b""))
        both = code(lambda: exec_(cmd=["true"], stdout=True, stderr=True, tty=True))
        check("a terminal with an stderr is refused", both == grpc.StatusCode.INVALID_ARGUMENT, both)
        connection = self.socket(self.runtime.Attach(cri.AttachRequest(container_id=id, stdin=True, stdout=True, stderr=True)).url)
        connection.send_binary(b"\x00hello\n")
        got = b""
        while b"got hello\n" not in got:
            data = connection.recv()
            if not data:
                break
            got += data[1:] if data[0] == 1 else b""
        check("Attach reaches the container's own process", b"got hello\n" in got, got)
        connection.close()
        url = self.runtime.PortForward(cri.PortForwardRequest(pod_sandbox_id=box, port=[80])).url
        check("PortForward gives a URL on loopback", url.startswith("http://127.0.0.1:"), url)
        self.remove(box)

    def many(self):
        begin = time.monotonic()
        for _ in range(self.options.calls):
            self.runtime.Version(cri.VersionRequest())
        seconds = time.monotonic() - begin
        check(f"{self.options.calls} calls on one connection ({self.options.calls / seconds:.0f} a second)", True)
        waiting = [self.runtime.Status.future(cri.StatusRequest()) for _ in range(200)]
        check("200 calls at one time are answered", all(f.result(timeout=120) for f in waiting))
        if self.options.peer:
            return
        silent = [self.runtime.GetContainerEvents(cri.Empty()) for _ in range(400)]
        beside = code(lambda: self.runtime.Version(cri.VersionRequest(), timeout=60))
        check("a call is answered beside 400 that wait", beside == grpc.StatusCode.OK, beside)
        for call in silent:
            call.cancel()

    def everything(self):
        for part in (self.state, self.image_calls, self.sandbox_calls, self.container_calls, self.security, self.stats,
                     self.events, self.streams, self.sizes, self.many):
            try:
                if self.options.peer and part == self.events:
                    continue
                part()
            except Exception as error:
                check(part.__name__, False, f"{type(error).__name__}: {error}")
        for box in self.runtime.ListPodSandbox(cri.ListPodSandboxRequest()).items:
            self.remove(box.id)


parser = argparse.ArgumentParser()
parser.add_argument("socket")
parser.add_argument("image")
parser.add_argument("logs")
parser.add_argument("--calls", type=int, default=10_000)
parser.add_argument("--peer", action="store_true")
Checks(parser.parse_args()).everything()
print(f"{passed} passed, {failed} failed")
sys.exit(failed > 0)
