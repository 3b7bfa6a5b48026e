"""The kernel's keyrings (keyrings(7)), which critest does not look at: without a seccomp profile, the CRI's default, a container may use them."""
import os
import subprocess

import runtime_pb2 as cri
from world import Skip, equal, eventually, it

SOURCE = os.path.join(os.path.dirname(__file__), "..", "..", "oci", "keys.c")


def keys(w):
    """The mount of a program that adds and finds keys."""
    program = w.folder() + "/keys"
    subprocess.run(["clang", "-static", "-o", program, SOURCE], check=True)
    os.chmod(os.path.dirname(program), 0o755)
    if subprocess.run([program, "keep", "check", "true"]).returncode in (3, 4):
        raise Skip("nobody may use keyrings here")
    return [cri.Mount(host_path=program, container_path="/keys", readonly=True)]


def keyrings(w, options):
    mounts = keys(w)
    security = cri.LinuxContainerSecurityContext(namespace_options=options)
    def pod():
        return w.pod(security=cri.LinuxSandboxSecurityContext(namespace_options=options))
    first = pod()
    owner = first.container(["sh", "-c", "/keys add check && /keys find check && touch /added; sleep 1000"], mounts=mounts, security=security).running()
    eventually(lambda: owner.run("ls", "/added").exit_code == 0, "the container finds its own key")  # the control
    for container in owner, first.container(["sleep", "1000"], mounts=mounts, security=security), pod().container(["sleep", "1000"], mounts=mounts, security=security):
        equal(container.running().run("/keys", "find", "check").exit_code, 1, "what another's look for the key ends with")


@it("Keyrings", "of a container should be its own")
def own_keyrings(w):
    keyrings(w, cri.NamespaceOption())


@it("Keyrings", "of a container should be its own where processes are shared")
def own_keyrings_among_processes(w):
    keyrings(w, cri.NamespaceOption(pid=cri.POD))
