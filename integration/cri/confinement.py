"""What a container may, and what it uses."""
import json
import os

import grpc
import runtime_pb2 as cri
from calls import check, code, eventually


def security(calls):
    box, config = calls.sandbox("secure")
    context = cri.LinuxContainerSecurityContext
    sleep = ["sleep", "1000"]
    make = lambda name, c, **more: calls.start(box, config, calls.container_config(name, sleep, c, **more))
    status = lambda id, field: calls.shell(id, f"grep '^{field}:' /proc/self/status").split()[-1]
    id = make("groups", context(run_as_user=cri.Int64Value(value=1001), run_as_group=cri.Int64Value(value=1002),
                                supplemental_groups=[1234, 5678]))
    check("user and groups hold", calls.shell(id, "echo $(id -u):$(id -g):$(id -G)") == "1001:1002:1002 1234 5678",
          calls.shell(id, "id"))
    if not calls.options.peer:
        user = calls.status(id).user.linux
        check("and stand in the status", (user.uid, user.gid, list(user.supplemental_groups)) == (1001, 1002, [1002, 1234, 5678]), user)
    id = make("name", context(run_as_username="nobody"))
    check("a user by name holds", calls.shell(id, "id -un") == "nobody")
    profile = lambda kind, path="": cri.SecurityProfile(profile_type=kind, localhost_ref=path)
    id = make("unconfined", context(seccomp=profile(cri.Unconfined)))
    check("seccomp can be off", status(id, "Seccomp") == "0")
    id = make("nothing", context())
    check("no profile is unconfined, as the CRI has it", status(id, "Seccomp") == "0")
    id = make("default", context(seccomp=profile(cri.RuntimeDefault)))
    check("the default profile is a filter", status(id, "Seccomp") == "2")
    path = f"{calls.logs}/profile.json"
    with open(path, "w") as file:
        json.dump({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
            {"names": ["chmod", "fchmod", "fchmodat", "fchmodat2"], "action": "SCMP_ACT_ERRNO"}]}, file)
    id = make("file", context(seccomp=profile(cri.Localhost, path)))
    denied = calls.run(id, "chmod", "400", "/tmp")
    check("a profile of the node's holds", denied.exit_code != 0 and b"not permitted" in denied.stderr, denied)
    id = make("drop", context(capabilities=cri.Capability(drop_capabilities=["ALL"])))
    check("all capabilities can be dropped", int(status(id, "CapBnd"), 16) == 0)
    id = make("add", context(capabilities=cri.Capability(add_capabilities=["SYS_PTRACE"])))
    check("one can be added", int(status(id, "CapEff"), 16) >> 19 & 1 == 1)
    unmasked = id
    id = make("readonly", context(readonly_rootfs=True))
    check("a read-only root is", calls.run(id, "touch", "/x").exit_code != 0)
    id = make("paths", context(masked_paths=["/etc/passwd"], readonly_paths=["/tmp"]))
    check("paths are masked", calls.shell(id, "cat /etc/passwd") == "" and calls.shell(unmasked, "cat /etc/passwd"))
    check("and read-only", b"Read-only" in calls.run(id, "touch", "/tmp/x").stderr)
    id = make("nnp", context(no_new_privs=True))
    check("no new privileges is set", status(id, "NoNewPrivs") == "1")
    id = make("privileged", context(privileged=True))
    check("a privileged container has the host's devices and no filter",
          status(id, "Seccomp") == "0" and len(calls.shell(id, "ls /dev").split()) > 20)
    id = make("labelled", context(selinux_options=cri.SELinuxOption(type="container_t", level="s0:c1")),
              mounts=[cri.Mount(container_path="/v", host_path="/etc", readonly=True, selinux_relabel=True)])
    check("SELinux options are passed over on a kernel without it", calls.shell(id, "echo ran") == "ran" or os.path.exists("/sys/fs/selinux/enforce"))
    source = f"{calls.logs}/volume"
    os.makedirs(source, exist_ok=True)
    open(source + "/file", "w").write("content")
    mounts = [cri.Mount(container_path="/v", host_path=source), cri.Mount(container_path="/r", host_path=source, readonly=True)]
    id = make("mounts", context(), mounts=mounts, devices=[
        cri.Device(container_path="/dev/extra", host_path="/dev/full", permissions="rw")])
    check("volumes are mounted", calls.shell(id, "cat /v/file") == "content")
    check("and read-only where asked", calls.run(id, "touch", "/r/x").exit_code != 0)
    check("a device is there and works", b"No space" in calls.run(id, "/bin/sh", "-c", "echo > /dev/extra").stderr)
    target = make("target", context())
    id = make("debugger", context(namespace_options=cri.NamespaceOption(pid=cri.TARGET, target_id=target)))
    check("a container can see another's processes", calls.shell(id, "ps -o args | grep -c 'sleep 1000'") != "0" and
          calls.shell(id, "readlink /proc/self/ns/pid") == calls.shell(target, "readlink /proc/self/ns/pid"))
    calls.remove(box)
    box, config = calls.sandbox("shared", pid=cri.POD)
    shared = context(namespace_options=cri.NamespaceOption(pid=cri.POD))
    ids = [make(name, shared) for name in ("one", "two")]
    spaces = {calls.shell(i, "readlink /proc/self/ns/pid") for i in ids}
    check("containers can share processes", len(spaces) == 1, spaces)
    calls.remove(box)
    sysctls = calls.sandbox_config("sysctl")
    sysctls.linux.sysctls["net.ipv4.ip_unprivileged_port_start"] = "80"
    box = calls.runtime.RunPodSandbox(cri.RunPodSandboxRequest(config=sysctls)).pod_sandbox_id
    id = calls.start(box, sysctls, calls.container_config("reads", sleep))
    check("a sysctl of the pod holds", calls.shell(id, "cat /proc/sys/net/ipv4/ip_unprivileged_port_start") == "80")
    calls.remove(box)


def stats(calls):
    box, config = calls.sandbox("usage")
    id = calls.start(box, config, calls.container_config("busy", ["/bin/sh", "-c", "while :; do :; done"]))
    read = lambda: calls.runtime.ContainerStats(cri.ContainerID(container_id=id)).stats
    stats = eventually(10, lambda: read().cpu.usage_core_nano_seconds.value > 0 and read())
    check("ContainerStats counts CPU time", stats is not None and stats.cpu.timestamp > 0, read())
    check("and says whose they are", stats.attributes.id == id and stats.attributes.labels["app"] == "busy", stats)
    listed = lambda **f: [s.attributes.id for s in calls.runtime.ListContainerStats(cri.ListContainerStatsRequest(
        filter=cri.ContainerStatsFilter(**f))).stats]
    check("ListContainerStats filters", listed(pod_sandbox_id=box) == [id] and listed(label_selector={"app": "busy"}) == [id]
          and listed(label_selector={"app": "idle"}) == [])
    pod = calls.runtime.PodSandboxStats(cri.SandboxID(pod_sandbox_id=box)).stats
    check("PodSandboxStats counts the pod", pod.attributes.id == box and pod.linux.cpu.timestamp > 0, pod)
    pods = calls.runtime.ListPodSandboxStats(cri.ListPodSandboxStatsRequest(
        filter=cri.PodSandboxStatsFilter(label_selector={"app": "usage"}))).stats
    check("ListPodSandboxStats filters", [p.attributes.id for p in pods] == [box])
    if not calls.options.peer:
        names = {d.name for d in calls.runtime.ListMetricDescriptors(cri.Empty()).descriptors}
        metrics = [m for m in calls.runtime.ListPodSandboxMetrics(cri.Empty()).pod_metrics if m.pod_sandbox_id == box]
        used = {m.name for c in metrics[0].container_metrics for m in c.metrics}
        check("metrics are those that are described", used and used <= names, (used, names))
        for call, part in (("StreamContainerStats", "stats"), ("StreamPodSandboxStats", "stats"),
                           ("StreamPodSandboxMetrics", "pod_metrics")):
            question = {"StreamContainerStats": cri.ListContainerStatsRequest(),
                        "StreamPodSandboxStats": cri.ListPodSandboxStatsRequest()}.get(call, cri.Empty())
            parts = list(getattr(calls.runtime, call)(question))
            check(f"{call} gives its list", sum(len(getattr(p, part)) for p in parts) > 0)
    resources = cri.LinuxContainerResources(cpu_shares=512, oom_score_adj=500)
    updated = code(lambda: calls.runtime.UpdateContainerResources(
        cri.UpdateContainerResourcesRequest(container_id=id, linux=resources)))
    shares = calls.status(id).resources.linux.cpu_shares
    if "cpu" in open("/sys/fs/cgroup/cgroup.controllers").read().split() if os.path.exists(
            "/sys/fs/cgroup/cgroup.controllers") else False:
        check("UpdateContainerResources holds", updated == grpc.StatusCode.OK and shares == 512, (updated, shares))
    elif not calls.options.peer:
        check("UpdateContainerResources says what this host cannot hold", updated == grpc.StatusCode.FAILED_PRECONDITION, updated)
    calls.remove(box)
