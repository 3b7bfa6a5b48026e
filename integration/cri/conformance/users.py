"""User namespaces."""
import runtime_pb2 as cri
from security import in_namespaces, with_namespaces
from world import Skip, equal, eventually, fails, it

USERS = "Security Context UserNamespaces"


def needs_user_namespaces(w):
    handlers = w.runtime.Status(cri.StatusRequest()).runtime_handlers
    if not any(h.name == "" and h.features.user_namespaces for h in handlers):
        raise Skip("no runtime handler found which supports user namespaces")


def mapping(container, host, length=100_000):
    return cri.IDMapping(container_id=container, host_id=host, length=length)


def identity_map(w, options):
    needs_user_namespaces(w)
    pod = with_namespaces(w, cri.NamespaceOption(userns_options=options), logs=True)
    container = in_namespaces(pod, ["cat", "/proc/self/uid_map"], log_path="log").wait(cri.CONTAINER_EXITED)
    return [text.split() for _, text in eventually(container.log, "the map")]


def refused(w, **options):
    needs_user_namespaces(w)
    config = w.pod_config(security=cri.LinuxSandboxSecurityContext(
        namespace_options=cri.NamespaceOption(userns_options=cri.UserNamespace(**options))))
    fails(lambda: w.run(config))


@it(USERS, "when Host idmap mount support is needed runtime should support NamespaceMode_POD")
def users_of_pod(w):
    maps = [mapping(0, 1000)]
    equal(identity_map(w, cri.UserNamespace(mode=cri.POD, uids=maps, gids=maps)), [["0", "1000", "100000"]])


@it(USERS, "when Host idmap mount support is not needed runtime should support NamespaceMode_NODE")
def users_of_node(w):
    own = [line.split() for line in open("/proc/self/uid_map")]
    equal(identity_map(w, cri.UserNamespace(mode=cri.NODE)), own)


@it(USERS, "when Host idmap mount support is not needed runtime should fail if more than one mapping provided")
def two_maps(w):
    maps = [mapping(0, 1000), mapping(0, 2000)]
    refused(w, mode=cri.POD, uids=maps, gids=maps)


@it(USERS, "when Host idmap mount support is not needed runtime should fail if container ID 0 is not mapped")
def without_root(w):
    refused(w, mode=cri.POD, uids=[mapping(1, 1000)], gids=[mapping(1, 1000)])


@it(USERS, "when Host idmap mount support is not needed runtime should fail with NamespaceMode_CONTAINER")
def users_of_container(w):
    refused(w, mode=cri.CONTAINER)


@it(USERS, "when Host idmap mount support is not needed runtime should fail with NamespaceMode_TARGET")
def users_of_target(w):
    refused(w, mode=cri.TARGET)
