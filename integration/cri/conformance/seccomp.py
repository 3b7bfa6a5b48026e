"""Seccomp profiles and no new privileges."""
import re

import runtime_pb2 as cri
from security import Security
from world import PAUSE, equal, expect, it

SECCOMP = "Security Context SeccompProfilePath"
ESCALATION = "Security Context NoNewPrivs"


def profile(w, *calls):
    path = f"{w.folder()}/profile.json"
    names = ", ".join(f'"{call}"' for call in calls)
    with open(path, "w") as file:
        file.write('{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": [%s], "action": "SCMP_ACT_ERRNO"}]}' % names)
    return cri.SecurityProfile(profile_type=cri.Localhost, localhost_ref=path)


def filtered(w, seccomp):
    pod = w.pod(security=cri.LinuxSandboxSecurityContext(seccomp=seccomp))
    return pod.container(PAUSE, security=Security(seccomp=seccomp)).running()


def mode(container):
    return re.search(r"Seccomp:\s*(\d)", container.says("grep", "Seccomp:", "/proc/self/status"))[1]


@it(SECCOMP, "should support seccomp unconfined on the container")
def unconfined(w):
    equal(mode(filtered(w, cri.SecurityProfile(profile_type=cri.Unconfined))), "0")


@it(SECCOMP, "should support seccomp localhost profile on the container")
def localhost(w):
    expect("Operation not permitted" in filtered(w, profile(w, "chmod", "fchmodat")).refuses("chmod", "400", "/"))


@it(SECCOMP, "should support seccomp default on the container")
def default(w):
    equal(mode(filtered(w, cri.SecurityProfile())), "2")


@it(SECCOMP, "should support nil profile, which is unconfined")
def none(w):
    equal(mode(filtered(w, None)), "0")


def sets_name(w, may, seccomp, privileged=False):
    pod = w.pod(security=cri.LinuxSandboxSecurityContext(privileged=privileged))
    add = [] if privileged else ["SYS_ADMIN"]
    security = Security(privileged=privileged, seccomp=seccomp, capabilities=cri.Capability(add_capabilities=add))
    container = pod.container(["sleep", "60"], security=security).running()
    equal(container.run("hostname", "ANewHostName").exit_code == 0, may, "it may set the host's name")


@it(SECCOMP, "runtime should not block setting host name with unconfined seccomp and SYS_ADMIN")
def may_set_name(w):
    sets_name(w, True, cri.SecurityProfile(profile_type=cri.Unconfined))


@it(SECCOMP, "runtime should support an seccomp profile that blocks setting hostname with SYS_ADMIN")
def may_not_set_name(w):
    sets_name(w, False, profile(w, "sethostname"))


@it(SECCOMP, "runtime should ignore a seccomp profile that blocks setting hostname when privileged")
def privileged_sets_name(w):
    sets_name(w, True, profile(w, "sethostname"), privileged=True)


def escalates(w, no_new_privs, wanted):
    security = Security(no_new_privs=no_new_privs, run_as_user=cri.Int64Value(value=1000))
    w.pod(logs=True).ended([], image=w.name("nonewprivs:1"), security=security).logged(f"Effective uid: {wanted}")


@it(ESCALATION, "should not allow privilege escalation when true")
def no_escalation(w):
    escalates(w, True, 1000)


@it(ESCALATION, "should allow privilege escalation when false")
def escalation(w):
    escalates(w, False, 0)
