"""AppArmor, which Debian's kernel has on: a profile holds what it denies for containers of both kinds and for what is executed in them; pods that name none
run under the runtime's own."""

import re
import shutil
import sys

from cluster import Cluster
from report import command, expect, read, wait_for

sys.path.insert(0, "/payload/oci")
from bundle import Runtime  # noqa: E402

PROFILE = "swiftlet-vm"
SCRIPT = """cat /proc/self/attr/apparmor/current; echo kept >/tmp/yes; cat /tmp/yes
(echo spoilt >/tmp/no) 2>/dev/null && echo written; echo open >/etc/secret; cat /etc/secret 2>/dev/null && echo read; true"""
CONFINED = ["swiftlet-vm", "(enforce)", "kept"]
FREE = ["unconfined", "kept", "written", "open", "read"]
# With the right to mount, and no seccomp filter that is asked: what then denies it is the profile.
MOUNT = {"capabilities": {"add": ["SYS_ADMIN"]}, "seccompProfile": {"type": "Unconfined"}}
ATTEMPT = """cat /proc/self/attr/apparmor/current; mount -t tmpfs none /tmp 2>/dev/null && echo mounted
kill -0 1 && echo signalled; true"""
SECONDS = 60


def load():
    """As apparmor_parser does with what it has compiled."""
    expect(read("/sys/module/apparmor/parameters/enabled").startswith("Y"), "this kernel runs without AppArmor")
    with open("/sys/kernel/security/apparmor/.load", "wb", buffering=0) as file:
        with open("/payload/apparmor.bin", "rb") as compiled:
            file.write(compiled.read())
    expect(f"{PROFILE} (enforce)" in read("/sys/kernel/security/apparmor/profiles"), "the profile is not loaded")
    expect(re.search(r"(?m)^ok +AppArmor ", command("swiftlet", "check")), "swiftlet check does not see AppArmor")


def bundles(runtime):
    named = lambda name, **more: lambda c: c["process"].update(apparmorProfile=name, **more)
    seen = lambda change=None: runtime.run(SCRIPT, change, timeout=SECONDS).stdout.split()
    expect(seen() == FREE, f"without a profile: {seen()}")
    for change in (named(PROFILE), named(PROFILE, noNewPrivileges=True), named(PROFILE, user={"uid": 0, "gid": 7})):
        expect(seen(change) == CONFINED, f"with the profile: {seen(change)}")
    name, _ = runtime.create(change=named(PROFILE))
    runtime.call("start", name, timeout=SECONDS)
    inside = runtime.call("exec", name, "/bin/sh", "-c", SCRIPT, timeout=SECONDS).stdout.split()
    expect(inside == CONFINED, f"a session: {inside}")
    free = runtime.call("exec", "--apparmor", "unconfined", name, "/bin/sh", "-c", SCRIPT, timeout=SECONDS).stdout.split()
    expect(free == FREE, f"a session that is not to be confined: {free}")
    runtime.call("delete", "--force", name, timeout=SECONDS)
    done = runtime.run("true", named("nowhere"), check=False, timeout=SECONDS)
    expect(done.returncode != 0 and "AppArmor profile nowhere" in done.stderr and "not loaded" in done.stderr, f"one that is not loaded: {done.stderr}")


def profile(kind, name=None):
    value = {"type": kind}
    if name:
        value["localhostProfile"] = name
    return {"securityContext": {"appArmorProfile": value}}


def own():
    """The name of the runtime's own profile."""
    return "swiftlet-" + read("/var/lib/swiftlet/instance").strip()


def log(cluster, name):
    wait_for(f"the words of {name}", SECONDS, lambda: cluster.get(f"/api/v1/namespaces/default/pods/{name}/log").split()[-1:] == ["end"])
    return cluster.get(f"/api/v1/namespaces/default/pods/{name}/log").split()[:-1]


def pods(cluster):
    ours = [own(), "(enforce)"] + FREE[1:]
    for name, spec, wanted in (("aa-none", {}, ours), ("aa-held", profile("Localhost", PROFILE), CONFINED),
                               ("aa-free", profile("Unconfined"), FREE), ("aa-own", profile("RuntimeDefault"), ours)):
        cluster.run(name, SCRIPT + "; echo end; sleep 1000", **spec)
        expect((words := log(cluster, name)) == wanted, f"{name}: {words}")
    for name, wanted in (("aa-held", CONFINED), ("aa-own", ours)):
        inside = command("swiftlet", "exec", name, "--", "/bin/sh", "-c", SCRIPT).split()
        expect(inside == wanted, f"a session of {name}: {inside}")
    key = "container.apparmor.security.beta.kubernetes.io/main"
    written = cluster.pod("aa-held")["metadata"].get("annotations", {}).get(key)
    expect(written == f"localhost/{PROFILE}", f"the older annotation is {written}")
    for name in ("aa-none", "aa-held", "aa-free", "aa-own"):
        cluster.remove(name)


def attempt(cluster, name, security):
    cluster.create("pods", {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {"restartPolicy": "Never", "containers": [{
        "name": "main", "image": "busybox:vm", "command": ["/bin/sh", "-c", ATTEMPT + "; echo end; sleep 1000"], "securityContext": security}]}})
    cluster.wait_phase(name, "Running")
    words = log(cluster, name)
    cluster.remove(name)
    return words


def attempts(cluster):
    held = attempt(cluster, "aa-mount", MOUNT)
    expect(held == [own(), "(enforce)", "signalled"], f"under the runtime's own: {held}")
    free = attempt(cluster, "aa-mount-free", {**MOUNT, "appArmorProfile": {"type": "Unconfined"}})
    expect(free == ["unconfined", "mounted", "signalled"], f"the control, without a profile: {free}")
    whole = attempt(cluster, "aa-mount-whole", {"privileged": True})
    expect(whole[:2] == ["unconfined", "mounted"], f"a privileged container: {whole}")


def unloaded(cluster):
    with open("/sys/kernel/security/apparmor/.remove", "w") as file:
        file.write(own())
    cluster.run("aa-again", "cat /proc/self/attr/apparmor/current; echo end; sleep 1000")
    expect((words := log(cluster, "aa-again")) == [own(), "(enforce)"], f"it runs under {words}")
    with open("/sys/kernel/security/apparmor/.remove", "w") as file:
        file.write(own())
    inside = command("swiftlet", "exec", "aa-again", "--", "cat", "/proc/self/attr/apparmor/current").split()
    expect(inside == [own(), "(enforce)"], f"a session runs under {inside}")
    cluster.remove("aa-again")


def pods_of_old(cluster):
    key = "container.apparmor.security.beta.kubernetes.io/main"
    container = {"name": "main", "image": "busybox:vm", "command": ["/bin/sh", "-c", "cat /proc/self/attr/apparmor/current"]}
    cluster.create("pods", {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "aa-old", "annotations": {key: f"localhost/{PROFILE}"}},
                            "spec": {"restartPolicy": "Never", "containers": [container]}})
    pod = cluster.wait_phase("aa-old", "Succeeded")
    field = pod["spec"]["containers"][0].get("securityContext", {}).get("appArmorProfile")
    expect(field == {"type": "Localhost", "localhostProfile": PROFILE}, f"the field is {field}")
    words = cluster.get("/api/v1/namespaces/default/pods/aa-old/log").split()
    expect(words == CONFINED[:2], f"it runs under {words}")
    cluster.remove("aa-old")


def pods_without(cluster):
    cluster.run("aa-lost", "sleep 1000", wait=None, **profile("Localhost", "nowhere"))
    def waiting():
        statuses = cluster.pod("aa-lost")["status"].get("containerStatuses") or [{}]
        return statuses[0].get("state", {}).get("waiting", {})
    seen = wait_for("a container that cannot be made", SECONDS, lambda: waiting().get("reason") == "CreateContainerError" and waiting())
    expect("apparmor profile not found nowhere" in seen.get("message", ""), f"it waits for {seen}")
    cluster.remove("aa-lost")


def run(report):
    shutil.copy("/payload/bundle/rootfs/bin/busybox", "/bin/busybox")  # what the bundles are made of
    if not report.check("AppArmor: a profile is loaded, and swiftlet check sees the module", load):
        return
    runtime, cluster = Runtime("/usr/bin/swiftlet-oci"), Cluster()
    try:
        report.check("AppArmor: bundles and their sessions are held to their profile", bundles, runtime)
    finally:
        runtime.clean()
    for title, check in (
        ("pods and their sessions are held to their profile, or to the runtime's own", pods),
        ("the runtime's own profile denies mounts to those who have the right to mount", attempts),
        ("the runtime's own profile is loaded again where somebody has unloaded it", unloaded), ("pods with the older annotation", pods_of_old),
        ("a pod whose profile is not loaded waits and says why", pods_without),
    ):
        report.check("AppArmor: " + title, check, cluster)
