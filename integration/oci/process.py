"""The process that a configuration describes, by what is seen of it inside."""
import json
import os
import shutil
import subprocess

from bundle import expect, without, words


def test_process(runtime):
    """process: arguments, environment, directory, user, groups, umask."""
    def change(c):
        c["process"].update(cwd="/tmp", user={"uid": 7, "gid": 8, "additionalGids": [9, 10], "umask": 0o027})
        c["process"]["env"].append("A=b c")
    out = runtime.run("pwd; echo \"$A\"; id -u; id -g; id -G; umask", change).stdout
    assert out.split("\n")[:6] == ["/tmp", "b c", "7", "8", "8 9 10", "0027"], out


def test_cwd_is_made(runtime):
    """process.cwd: a directory that is not there is made, in a root too that is read-only for the program."""
    assert words(runtime.run("pwd", lambda c: c["process"].update(cwd="/tmp/a/b"))) == ["/tmp/a/b"]
    def read_only(c):
        c["process"]["cwd"] = "/made/deep"
        c["root"]["readonly"] = True
    try:
        out = runtime.run("pwd; touch here 2>&1", read_only, check=False).stdout
        expect(out, "/made/deep\n", "Read-only file system")
    finally:
        shutil.rmtree(runtime.rootfs + "/made", ignore_errors=True)


def test_path_lookup(runtime):
    """process.args: a name without a slash is looked up in PATH."""
    assert words(runtime.run("", lambda c: c["process"].update(args=["echo", "found"]))) == ["found"]


def test_exit_code(runtime):
    """run gives back the exit code, and 128 and the signal's number."""
    assert runtime.run("exit 7", check=False).returncode == 7
    # a pid namespace's number 1 would ignore its own signal
    assert runtime.run("kill -9 $$", lambda c: without(c, "pid"), check=False).returncode == 137


def test_capabilities(runtime):
    """process.capabilities: each of the five sets is what it says."""
    def change(c):
        c["process"]["capabilities"] = {
            "bounding": ["CAP_CHOWN", "CAP_KILL", "CAP_FOWNER"], "permitted": ["CAP_CHOWN", "CAP_KILL"],
            "effective": ["CAP_CHOWN"], "inheritable": ["CAP_KILL"], "ambient": ["CAP_KILL"]}
        c["process"]["user"] = {"uid": 5, "gid": 5}
    out = runtime.run("grep Cap /proc/self/status", change).stdout
    sets = {line.split(":")[0]: int(line.split()[1], 16) for line in out.strip().split("\n")}
    # after execve by another user than root permitted and effective are what is ambient
    assert sets == {"CapInh": 32, "CapPrm": 32, "CapEff": 32, "CapBnd": 1 | 8 | 32, "CapAmb": 32}, sets


def test_unknown_capabilities(runtime):
    """process.capabilities: a name that nobody knows is told, and the process runs without it; in a session too. Up to version 1.0 it is an error."""
    sets = {"bounding": ["CAP_KILL", "CAP_TEST"], "permitted": ["CAP_KILL", "CAP_TEST"], "effective": ["CAP_KILL"]}
    done = runtime.run("grep CapPrm /proc/self/status", lambda c: c["process"].update(capabilities=sets))
    assert int(done.stdout.split()[1], 16) == 32, done.stdout
    expect(done.stderr, "process.capabilities: CAP_TEST is not known")
    name, _ = runtime.create()
    runtime.call("start", name)
    done = runtime.call("exec", "--cap", "CAP_TEST", name, "true")
    expect(done.stderr, "process.capabilities: CAP_TEST is not known")
    def as_of_1_0(config):
        config["ociVersion"] = "1.0.2-dev"
        config["process"].update(capabilities=sets)
    done = runtime.run("true", as_of_1_0, check=False)
    assert done.returncode != 0
    expect(done.stderr, "process.capabilities: CAP_TEST is no capability")
    assert "runs without it" not in done.stderr, done.stderr


def test_capabilities_of_the_caller(runtime):
    """process.capabilities: what the caller itself has none of is told by name, and the process runs without it."""
    names = ["CAP_KILL", "CAP_SYS_TIME", "CAP_SYS_RESOURCE"]
    def change(c):
        c["process"]["capabilities"] = {key: names for key in ("bounding", "permitted", "effective", "inheritable", "ambient")}
    folder = runtime.bundle("grep Cap /proc/self/status", change)
    call = ["setpriv", "--bounding-set", "-sys_time,-sys_resource", *runtime.command("run", "--bundle", folder, runtime.id())]
    done = subprocess.run(call, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
    assert [int(line.split()[1], 16) for line in done.stdout.strip().split("\n")] == [32] * 5, done.stdout
    expect(done.stderr, "warning: setting capabilities (CAP_SYS_RESOURCE, CAP_SYS_TIME): Operation not permitted")


def test_capabilities_of_root(runtime):
    """process.capabilities: root has what is bounding, and nothing where there are none."""
    out = runtime.run("grep CapEff /proc/self/status", lambda c: c["process"].pop("capabilities")).stdout
    assert int(out.split()[1], 16) == 0, out


def test_no_new_privileges(runtime):
    """process.noNewPrivileges."""
    for flag in (True, False):
        out = runtime.run("grep NoNewPrivs /proc/self/status", lambda c: c["process"].update(noNewPrivileges=flag)).stdout
        assert int(out.split()[1]) == flag


def test_limits(runtime):
    """process.rlimits."""
    def change(c):
        c["process"]["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 200},
                                   {"type": "RLIMIT_CORE", "soft": 0, "hard": 18446744073709551615 if unlimited else 0}]
    unlimited = "unlimited" in subprocess.run(["sh", "-c", "ulimit -H -c"], capture_output=True, text=True).stdout
    assert words(runtime.run("ulimit -n; ulimit -H -n; ulimit -c", change)) == ["100", "200", "0"]


def test_limits_that_cannot_be_raised(runtime):
    """process.rlimits: the call that creates the container tells of it, and leaves nothing."""
    most = int(open("/proc/sys/fs/nr_open").read())
    change = lambda c: c["process"].update(rlimits=[{"type": "RLIMIT_NOFILE", "soft": 100, "hard": most + 1}])
    name = runtime.id()
    made = runtime.call("create", "--bundle", runtime.bundle("true", change), name, check=False)
    assert made.returncode != 0 and "NOFILE" in made.stderr, made.stderr
    assert runtime.call("state", name, check=False).returncode != 0


def test_oom_score(runtime):
    """process.oomScoreAdj."""
    assert words(runtime.run("cat /proc/self/oom_score_adj", lambda c: c["process"].update(oomScoreAdj=321))) == ["321"]


def test_scheduler(runtime):
    """process.scheduler: policy and nice value."""
    def batch(c):
        c["process"]["scheduler"] = {"policy": "SCHED_BATCH", "nice": 5}
    out = runtime.run("cut -d' ' -f19,41 /proc/self/stat", batch).stdout
    assert out.split() == ["5", "3"], out


def test_io_priority(runtime):
    """process.ioPriority."""
    def change(c):
        c["process"]["ioPriority"] = {"class": "IOPRIO_CLASS_BE", "priority": 6}
    expect(runtime.run("ionice -p $$", change).stdout, "best-effort: prio 6")


def test_personality(runtime):
    """linux.personality: a 32-bit machine by name."""
    out = runtime.run("uname -m", lambda c: c["linux"].update(personality={"domain": "LINUX32"})).stdout.strip()
    assert out in ("i686", "armv8l"), out


def test_memory_policy(runtime):
    """linux.memoryPolicy: mode, flags and nodes are the process's, and a session's; what the kernel refuses is told."""
    if not os.path.exists("/proc/self/numa_maps"):
        return "this kernel knows no memory policies"
    shows = "head -n 1 /proc/self/numa_maps"
    for policy, wanted in (
            ({"mode": "MPOL_INTERLEAVE", "nodes": "0"}, "interleave:0"),
            ({"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_STATIC_NODES"]}, "bind=static:0"),
            ({"mode": "MPOL_PREFERRED", "nodes": "0", "flags": ["MPOL_F_RELATIVE_NODES"]}, "prefer=relative:0"),
            ({"mode": "MPOL_LOCAL"}, "local"), ({"mode": "MPOL_DEFAULT"}, "default"), (None, "default")):
        assert words(runtime.run(shows, lambda c: c["linux"].update(memoryPolicy=policy)))[1] == wanted, policy
    name, _ = runtime.create("exec sleep 60", lambda c: c["linux"].update(memoryPolicy={"mode": "MPOL_BIND", "nodes": "0"}))
    runtime.call("start", name)
    assert words(runtime.call("exec", name, "sh", "-c", shows))[1] == "bind:0"
    refusing = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["set_mempolicy"], "action": "SCMP_ACT_ERRNO"}]}
    name, folder = runtime.create(shows, lambda c: c["linux"].update(memoryPolicy={"mode": "MPOL_BIND", "nodes": "0"}, seccomp=refusing))
    runtime.call("start", name)
    runtime.wait(name)
    expect(open(folder + "/output").read(), "bind:0")
    known = json.loads(runtime.call("features").stdout)["linux"]["memoryPolicy"]
    assert "MPOL_WEIGHTED_INTERLEAVE" in known["modes"] and "MPOL_F_NUMA_BALANCING" in known["flags"], known
    for policy in {"mode": "MPOL_BIND"}, {"mode": "MPOL_BIND", "nodes": "1000"}, {"mode": "MPOL_DEFAULT", "nodes": "0"}:
        expect(runtime.run("true", lambda c: c["linux"].update(memoryPolicy=policy), check=False).stderr, "setting the memory policy", "Invalid argument")


def test_profile_is_told(runtime):
    """process.apparmorProfile: said not to be held on a kernel without AppArmor, and no hindrance."""
    if os.path.exists("/sys/module/apparmor"):
        return "this kernel has AppArmor"
    done = runtime.run("echo ran", lambda c: c["process"].update(apparmorProfile="acme_secure_profile"))
    expect(done.stdout, "ran")
    expect(done.stderr, "process.apparmorProfile acme_secure_profile cannot be held")
