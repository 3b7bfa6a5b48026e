"""Security Context and the sysctls of sandboxes (pkg/validate: security_context_linux.go, pod_linux.go)."""
import re
import socket
import subprocess

import runtime_pb2 as cri
from world import PAUSE, TOP, Skip, equal, eventually, expect, fails, it

NAMESPACES = "Security Context NamespaceOption"
BUCKET = "Security Context bucket"
GROUPS = "Security Context SupplementalGroupsPolicy"
Security = cri.LinuxContainerSecurityContext


def with_namespaces(w, options, **more):
    return w.pod(security=cri.LinuxSandboxSecurityContext(namespace_options=options), dns_config=cri.DNSConfig(), **more)


def in_namespaces(pod, command=(), **more):
    options = pod.config.linux.security_context.namespace_options
    return pod.container(command, security=Security(namespace_options=options), **more)


@it(NAMESPACES, "runtime should support HostPID")
def host_pid(w):
    pod = with_namespaces(w, cri.NamespaceOption(pid=cri.NODE))
    server = in_namespaces(pod, image=w.name("nginx:1")).running()
    pid = server.says("sh", "-c", "while [ ! -f /var/run/nginx.pid ]; do sleep 1; done && cat /var/run/nginx.pid").strip()
    other = in_namespaces(pod, ["sh", "-c", "sleep 1000"]).running()
    expect(pid in other.says("pidof", "nginx", "||", "true").split(), pid)


def host_ipc(w, mode):
    made = subprocess.run(["ipcmk", "-M", "1048576"], capture_output=True, text=True, check=True).stdout
    segment = made.strip().removeprefix("Shared memory id: ")
    w.ends.append(lambda: subprocess.run(["ipcrm", "-m", segment], check=True))
    container = in_namespaces(with_namespaces(w, cri.NamespaceOption(ipc=mode)), PAUSE).running()
    rows = [line.split()[1] for line in container.says("ipcs", "-m").splitlines()[1:]]
    equal(segment in rows, mode == cri.NODE, "the host's segment is seen")


@it(NAMESPACES, "runtime should support HostIpc is true")
def host_ipc_true(w):
    host_ipc(w, cri.NODE)


@it(NAMESPACES, "runtime should support HostIpc is false")
def host_ipc_false(w):
    host_ipc(w, cri.POD)


@it(NAMESPACES, "runtime should support PodPID")
def pod_pid(w):
    server = in_namespaces(with_namespaces(w, cri.NamespaceOption(pid=cri.POD)), image=w.name("nginx:1")).running()
    eventually(lambda: server.run("pidof", "nginx").exit_code == 0, "nginx")
    expect("master process" not in server.says("cat", "/proc/1/cmdline"))


@it(NAMESPACES, "runtime should support ContainerPID")
def container_pid(w):
    server = in_namespaces(with_namespaces(w, cri.NamespaceOption(pid=cri.CONTAINER)), image=w.name("nginx:1")).running()
    eventually(lambda: "master process" in server.says("cat", "/proc/1/cmdline"), "nginx")


def host_network(w, mode):
    with socket.create_server(("", 0)) as server:
        port = server.getsockname()[1]
        pod = with_namespaces(w, cri.NamespaceOption(network=mode), logs=True)
        container = in_namespaces(pod, ["sh", "-c", "netstat -ln; echo end"], log_path="log").wait(cri.CONTAINER_EXITED)
        container.logged("end")
        equal(any(f":{port} " in text for _, text in container.log()), mode == cri.NODE, "the host's port is seen")


@it(NAMESPACES, "runtime should support HostNetwork is true")
def host_network_true(w):
    host_network(w, cri.NODE)


@it(NAMESPACES, "runtime should support HostNetwork is false")
def host_network_false(w):
    host_network(w, cri.POD)


def secured(w, command=PAUSE, pod=None, **security):
    return (pod or w.pod()).container(command, security=Security(**security)).running()


@it(BUCKET, "runtime should support SupplementalGroups")
def groups(w):
    found = secured(w, supplemental_groups=[1234, 5678]).says("id", "-G").split()
    expect({"1234", "5678"} <= set(found), found)


@it(BUCKET, "runtime should support RunAsUser")
def user(w):
    equal(secured(w, run_as_user=cri.Int64Value(value=1001)).says("id", "-u"), "1001\n")


@it(BUCKET, "runtime should support RunAsUserName")
def user_name(w):
    equal(secured(w, run_as_username="nobody").says("id", "-nu"), "nobody\n")


@it(BUCKET, "runtime should support RunAsGroup")
def group(w):
    security = Security(run_as_user=cri.Int64Value(value=1001), run_as_group=cri.Int64Value(value=1002))
    w.pod(logs=True).ended(["sh", "-c", "echo $(id -u):$(id -g)"], security=security).logged("1001:1002")


@it(BUCKET, "runtime should return error if RunAsGroup is set without RunAsUser")
def group_alone(w):
    pod = w.pod()
    fails(lambda: pod.container(TOP, security=Security(run_as_group=cri.Int64Value(value=1002)), start=False))


def root(w, read_only):
    return w.pod(logs=True).ended(
        ["sh", "-c", "touch test.go && [ -f test.go ] && echo 'Found'"], security=Security(readonly_rootfs=read_only))


@it(BUCKET, "runtime should support that ReadOnlyRootfs is false")
def root_writable(w):
    root(w, False).logged("Found")


@it(BUCKET, "runtime should support that ReadOnlyRootfs is true")
def root_read_only(w):
    root(w, True).logged("touch: test.go: Read-only file system", "stderr")


def manages_network(container, may):
    equal(container.run("brctl", "addbr", "foobar").exit_code == 0, may, "it may make a bridge")


@it(BUCKET, "runtime should support Privileged is true")
def privileged(w):
    pod = w.pod(security=cri.LinuxSandboxSecurityContext(privileged=True))
    manages_network(secured(w, pod=pod, privileged=True), True)


@it(BUCKET, "runtime should support Privileged is false")
def not_privileged(w):
    pod = w.pod(security=cri.LinuxSandboxSecurityContext(privileged=False))
    manages_network(secured(w, pod=pod, privileged=False), False)


def capable(w, add=(), drop=()):
    return secured(w, capabilities=cri.Capability(add_capabilities=add, drop_capabilities=drop))


@it(BUCKET, "runtime should support adding capability")
def capability_added(w):
    manages_network(capable(w, add=["NET_ADMIN"]), True)
    manages_network(w.pod().container(TOP).running(), False)


@it(BUCKET, "runtime should support dropping capability")
def capability_dropped(w):
    result = capable(w, drop=["NET_RAW"]).run("ping", "127.0.0.1")
    expect(result.exit_code != 0 and b"permitted" in result.stderr.lower() or b"permission denied" in result.stderr.lower(), result)


def bounding(container):
    return re.search(r"CapBnd:\s(\w+)", container.says("cat", "/proc/self/status"))[1]


@it(BUCKET, "runtime should support adding ALL capabilities")
def capabilities_added(w):
    expect(int(bounding(capable(w, add=["ALL"])), 16) != 0)


@it(BUCKET, "runtime should support dropping ALL capabilities")
def capabilities_dropped(w):
    equal(bounding(capable(w, drop=["ALL"])), "0" * 16)


@it(BUCKET, "runtime should support MaskedPaths")
def masked(w):
    error = secured(w, masked_paths=["/bin/ls"]).refuses("/bin/sh", "-c", "/bin/ls")
    equal(error, "/bin/sh: /bin/ls: Permission denied\n")


@it(BUCKET, "runtime should support ReadonlyPaths")
def read_only_paths(w):
    equal(secured(w, readonly_paths=["/tmp"]).refuses("touch", "/tmp/test"), "touch: /tmp/test: Read-only file system\n")


def grouped(w, policy, wanted):
    if not w.runtime.Status(cri.StatusRequest()).features.supplemental_groups_policy:
        raise Skip("the runtime does not say that it supports the policy")
    security = Security(
        run_as_user=cri.Int64Value(value=1000), supplemental_groups=[1234], supplemental_groups_policy=policy)
    container = w.pod(logs=True).container(
        ["sh", "-c", "id -G; sleep 1000"], image=w.name("test-image-predefined-group:latest"), security=security, log_path="log").running()
    eventually(container.log, "a log")
    told = container.status().user.linux
    equal((told.uid, told.gid, sorted(told.supplemental_groups)), (1000, 1000, wanted))
    text = " ".join(map(str, wanted))
    container.logged(text)
    equal(container.says("id", "-G"), text + "\n")


@it(GROUPS, "when SupplementalGroupsPolicy=Merge (Default) if the container's primary UID belongs to some groups in the image, runtime should add SupplementalGroups to them")
def merged(w):
    grouped(w, cri.Merge, [1000, 1234, 50000])


@it(GROUPS, "when SupplementalGroupsPolicy=Strict even if the container's primary UID belongs to some groups in the image, runtime should not add SupplementalGroups to them")
def strict(w):
    grouped(w, cri.Strict, [1000, 1234])


@it("PodSandbox runtime should support sysctls", "should support safe sysctls")
def safe_sysctls(w):
    pod = w.pod(sysctls={"kernel.shm_rmid_forced": "1"})
    equal(pod.container(TOP).says("cat", "/proc/sys/kernel/shm_rmid_forced").strip(), "1")


@it("PodSandbox runtime should support sysctls", "should support unsafe sysctls")
def unsafe_sysctls(w):
    pod = w.pod(sysctls={"fs.mqueue.msg_max": "100"})
    equal(pod.container(TOP).says("cat", "/proc/sys/fs/mqueue/msg_max").strip(), "100")
