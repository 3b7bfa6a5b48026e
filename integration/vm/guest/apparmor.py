"""AppArmor, which Debian's kernel has on: a profile holds what it denies for containers of both kinds and for what is executed in them."""

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


def pods(cluster):
    log = lambda name: cluster.get(f"/api/v1/namespaces/default/pods/{name}/log").split()
    for name, spec, wanted in (("aa-none", {}, FREE), ("aa-held", profile("Localhost", PROFILE), CONFINED),
                               ("aa-free", profile("Unconfined"), FREE), ("aa-own", profile("RuntimeDefault"), FREE)):
        cluster.run(name, SCRIPT + "; echo end; sleep 1000", **spec)
        wait_for(f"the words of {name}", SECONDS, lambda: log(name)[-1:] == ["end"])
        expect(log(name)[:-1] == wanted, f"{name}: {log(name)}")
    inside = command("swiftlet", "exec", "aa-held", "--", "/bin/sh", "-c", SCRIPT).split()
    expect(inside == CONFINED, f"a session: {inside}")
    key = "container.apparmor.security.beta.kubernetes.io/main"
    written = cluster.pod("aa-held")["metadata"].get("annotations", {}).get(key)
    expect(written == f"localhost/{PROFILE}", f"the older annotation is {written}")
    wait_for("a word about the missing profile of the runtime's own", SECONDS, lambda: any("AppArmor" in line for line in cluster.events("aa-own")))
    for name in ("aa-none", "aa-held", "aa-free", "aa-own"):
        cluster.remove(name)


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
        ("pods and their sessions are held to their profile", pods), ("pods with the older annotation", pods_of_old),
        ("a pod whose profile is not loaded waits and says why", pods_without),
    ):
        report.check("AppArmor: " + title, check, cluster)
