"""Container Mount Propagation, Container OOM, Container Mount Readonly (pkg/validate/container_linux.go)."""
import ctypes
import os

import runtime_pb2 as cri
from world import PAUSE, equal, expect, eventually, fails, it

PROPAGATION = "Container Mount Propagation runtime should support mount propagation"
READONLY = "Container Mount Readonly runtime should support readonly mounts"
BIND, REC, PRIVATE, SHARED, DETACH = 0x1000, 0x4000, 1 << 18, 1 << 20, 2
libc = ctypes.CDLL(None, use_errno=True)


def mount(source, target, kind=None, flags=0):
    done = libc.mount(*(s.encode() if s else None for s in (source, target, kind)), ctypes.c_ulong(flags), None)
    expect(done == 0, f"mount {target}: {os.strerror(ctypes.get_errno())}")


def unmount(path):
    libc.umount2(path.encode(), DETACH)


def privileged(w):
    return w.pod(security=cri.LinuxSandboxSecurityContext(privileged=True))


def propagates(w, mode, to_container, to_host):
    folder = w.folder()
    source, inner, origin = f"{folder}/mnt", f"{folder}/mnt/propagationMnt", f"{folder}/origin"
    os.makedirs(inner)
    os.makedirs(origin)
    open(f"{origin}/flagFile", "w").close()
    mount(source, source, None, BIND | REC)
    w.ends.append(lambda: unmount(source))
    mount(None, source, None, (PRIVATE if mode == cri.PROPAGATION_PRIVATE else SHARED) | REC)
    container = privileged(w).container(
        PAUSE, security=cri.LinuxContainerSecurityContext(privileged=True),
        mounts=[cri.Mount(host_path=source, container_path=source, propagation=mode)]).running()
    told = container.status(verbose=True).mounts
    equal([(m.container_path, m.host_path, m.readonly, m.selinux_relabel, m.propagation) for m in told], [(source, source, False, False, mode)])
    mount(origin, inner, None, BIND | REC)
    w.ends.append(lambda: unmount(inner))
    equal(container.says("ls", "-A", inner) != "", to_container, "the host's mount in the container")
    made = f"{source}/containerMntPoint"
    container.says("sh", "-c", f"mkdir -p {made}")
    container.says("sh", "-c", f"mount --bind /etc {made}")
    w.ends.append(lambda: unmount(made))
    equal(os.listdir(made) != [], to_host, "the container's mount on the host")


@it(PROPAGATION, "mount with 'rprivate' should not support propagation")
def private(w):
    propagates(w, cri.PROPAGATION_PRIVATE, False, False)


@it(PROPAGATION, "mount with 'rshared' should support propagation from host to container and vice versa")
def shared(w):
    propagates(w, cri.PROPAGATION_BIDIRECTIONAL, True, True)


@it(PROPAGATION, "mount with 'rslave' should support propagation from host to container")
def slave(w):
    propagates(w, cri.PROPAGATION_HOST_TO_CONTAINER, True, False)


@it("Container OOM runtime should output OOMKilled reason", "should terminate with exitCode 137 and reason OOMKilled")
def killed_for_memory(w):
    limit = cri.LinuxContainerResources(memory_limit_in_bytes=15 << 20, memory_swap_limit_in_bytes=15 << 20)
    container = privileged(w).container(["sh", "-c", "dd if=/dev/zero of=/dev/null bs=20M"], resources=limit)
    container.wait(cri.CONTAINER_EXITED)
    eventually(lambda: container.status().reason == "OOMKilled", "the reason")
    equal(container.status().exit_code, 137)


def read_only(w, **more):
    folder = w.folder()
    os.mkdir(f"{folder}/tmpfs")
    mount("none", f"{folder}/tmpfs", "tmpfs")
    w.ends.append(lambda: unmount(f"{folder}/tmpfs"))
    what = cri.Mount(**{"host_path": folder, "container_path": "/mnt", "readonly": True, "selinux_relabel": True, **more})
    container = privileged(w).container(PAUSE, mounts=[what])
    equal(len(container.status(verbose=True).mounts), 1)
    return container.running()


@it(READONLY, "should support non-recursive readonly mounts")
def not_recursive(w):
    read_only(w).says("touch", "/mnt/tmpfs/file")


@it(READONLY, "should support recursive readonly mounts")
def recursive(w):
    expect("Read-only file system" in read_only(w, recursive_read_only=True).refuses("touch", "/mnt/tmpfs/foo"))


@it(READONLY, "should reject a recursive readonly mount with PROPAGATION_HOST_TO_CONTAINER")
def recursive_slave(w):
    fails(lambda: read_only(w, recursive_read_only=True, propagation=cri.PROPAGATION_HOST_TO_CONTAINER))


@it(READONLY, "should reject a recursive readonly mount with PROPAGATION_BIDIRECTIONAL")
def recursive_shared(w):
    fails(lambda: read_only(w, recursive_read_only=True, propagation=cri.PROPAGATION_BIDIRECTIONAL))


@it(READONLY, "should reject a recursive readonly mount with ReadOnly: false")
def recursive_writable(w):
    fails(lambda: read_only(w, recursive_read_only=True, readonly=False))
