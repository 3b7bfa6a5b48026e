"""The daemon under systemd: restart and upgrade under traffic, stop, removal that leaves the machine as it was found."""

import glob
import os
import socket
import subprocess
import threading
import time

from cluster import Cluster
from report import command, expect, one, read, wait_for


class Traffic:
    """One connection held open to a pod, and a new one every 100 ms; counts what breaks."""

    def __init__(self, address, port):
        self.address, self.port = address, port
        self.held = socket.create_connection((address, port), timeout=60)
        self.failures, self.answers = [], 0
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _ask(self, connection):
        connection.sendall(b"ping\n")
        expect(connection.recv(64) == b"ping\n", "the echo did not come back")

    def _run(self):
        while not self.ending.wait(0.1):
            try:
                self._ask(self.held)
                with socket.create_connection((self.address, self.port), timeout=60) as fresh:
                    self._ask(fresh)
                self.answers += 1
            except Exception as error:
                self.failures.append(repr(error))

    def end(self):
        self.ending.set()
        self.thread.join(120)
        self.held.close()
        expect(not self.failures, f"{len(self.failures)} of {self.answers + len(self.failures)} exchanges failed: {self.failures[:3]}")
        expect(self.answers > 5, f"only {self.answers} exchanges were made")


def processes_of_pods():
    """The process ids in the pods' cgroups."""
    return sorted(int(word) for path in glob.glob("/sys/fs/cgroup/system.slice/swiftlet-pods.service/**/cgroup.procs", recursive=True)
                  for word in read(path).split())


def same_processes():
    """The same where nothing came or went in two seconds: of a connection that was closed a process may be left for a moment."""
    before = processes_of_pods()
    time.sleep(2)
    return before if before == processes_of_pods() else None


def echo_pod(cluster):
    cluster.run("echo", "exec nc -ll -p 7000 -e cat", seconds=120)
    address = cluster.pod("echo")["status"]["podIP"]

    def answers():
        with socket.create_connection((address, 7000), timeout=2) as connection:
            connection.sendall(b"ping\n")
            return connection.recv(64) == b"ping\n"
    wait_for("the echo pod answering", 120, answers)
    return address


def under_traffic(cluster, change):
    """Pods, their processes and their connections outlive the change; no restart is counted."""
    address = cluster.pod("echo")["status"]["podIP"]
    traffic = Traffic(address, 7000)
    before, daemon = set(processes_of_pods()), command("systemctl", "show", "-p", "MainPID", "--value", "swiftlet")
    # The held connection's server process belongs to the pod and stays; each fresh connection's comes and goes.
    for _ in range(3):
        time.sleep(1)
        before &= set(processes_of_pods())
    change()
    wait_for("another daemon process", 180, lambda: command("systemctl", "show", "-p", "MainPID", "--value", "swiftlet") != daemon)
    fresh = Cluster()
    fresh.ready()
    time.sleep(2)
    traffic.end()
    lost = before - set(processes_of_pods())
    expect(len(lost) <= 1, f"processes {sorted(lost)} of pods ended")
    status = fresh.pod("echo")["status"]["containerStatuses"][0]
    expect(status["restartCount"] == 0, f"{status['restartCount']} restarts are counted")


def restart():
    command("systemctl", "restart", "swiftlet")


def upgrade():
    command("dpkg", "-i", one("/payload/newer/swiftlet_*.deb"))
    version = command("swiftlet", "--version").strip()
    installed = command("dpkg-query", "-W", "-f", "${Version}", "swiftlet")
    expect(installed.endswith("+1"), f"{installed} is installed, the program says {version}")


def units():
    """systemd finds nothing wrong with the units."""
    said = command("systemd-analyze", "verify", "--man=no", *glob.glob("/lib/systemd/system/swiftlet*.service"))
    expect("swiftlet" not in said, said)


def agent_without_server():
    """A machine is a server or an agent: the agent's unit stops the server's, says what it lacks, and no pod is touched by the change and back."""
    before = wait_for("the pods' processes being the same for two seconds", 120, same_processes)
    done = subprocess.run(["systemctl", "start", "swiftlet-agent"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=170)
    command("systemctl", "stop", "swiftlet-agent")
    journal = command("journalctl", "-u", "swiftlet-agent", "-o", "cat")
    expect(done.returncode != 0 and "server" in journal, f"start ended with {done.returncode}: {journal[-600:]}")
    state = subprocess.run(["systemctl", "is-active", "swiftlet"], stdout=subprocess.PIPE, text=True, timeout=60).stdout.strip()
    expect(state == "inactive", f"the server beside the agent is {state}")
    command("systemctl", "start", "swiftlet")
    Cluster().ready()
    expect(set(before) <= set(processes_of_pods()), f"processes of pods were {before}, are {processes_of_pods()}")


def reload_of_systemd():
    """A daemon-reload and a change of another unit must not take controllers from the pods' groups."""
    group = one("/sys/fs/cgroup/system.slice/swiftlet-pods.service/swiftlet-*")
    before = read(f"{group}/cgroup.controllers")
    command("systemctl", "daemon-reload")
    command("systemctl", "set-property", "--runtime", "vm-suite.service", "CPUWeight=200")
    after = read(f"{group}/cgroup.controllers")
    expect(before == after and "memory" in after and "cpu" in after, f"controllers were {before}, are {after}")


def footprint():
    """All that an installation could leave behind, by kind."""
    def tree(*roots):
        return {path for root in roots for path in glob.glob(f"{root}/**", recursive=True, include_hidden=True)}
    sysctls = {}
    for path in ("net/ipv4/ip_forward", "net/ipv4/conf/all/forwarding", "net/ipv4/conf/all/route_localnet", "net/ipv4/conf/all/rp_filter",
                 "net/ipv4/conf/default/rp_filter", "kernel/panic", "vm/overcommit_memory", "fs/inotify/max_user_instances"):
        sysctls[path] = read(f"/proc/sys/{path}").strip()
    return {
        "mounts": {line.split()[4] for line in read("/proc/self/mountinfo").splitlines()},
        "links": set(os.listdir("/sys/class/net")),
        "rules": set(command("nft", "list", "ruleset").splitlines()),
        "routes": set(command("ip", "route", "show", "table", "all").splitlines()),
        "policy": set(command("ip", "rule").splitlines()),
        "cgroups": {path for path in tree("/sys/fs/cgroup") if os.path.isdir(path) and "swiftlet" in path},
        "files": tree("/etc", "/usr/bin", "/usr/libexec", "/lib/systemd", "/var/lib/swiftlet", "/var/log", "/run/swiftlet", "/opt", "/root"),
        "profiles": {line for path in glob.glob("/sys/kernel/security/apparmor/profiles") for line in read(path).splitlines()},
        "users": set(read("/etc/passwd").splitlines()),
        "processes": {read(f"/proc/{entry}/comm").strip() for entry in os.listdir("/proc") if entry.isdigit() and os.path.exists(f"/proc/{entry}/comm")
                      and "swiftlet" in read(f"/proc/{entry}/comm")},
        "sysctls": {f"{name}={value}" for name, value in sysctls.items()},
    }


IGNORED = ("/etc/ld.so.cache", "/var/log/journal", "/var/log/dpkg.log", "/var/log/apt", "/etc/.pwd.lock", "/root/bundle", "/root/.kube", "/lib/systemd/system/__")


def removal(before):
    expect(processes_of_pods(), "no pod runs that the removal could end")
    command("dpkg", "--purge", "swiftlet", seconds=240)
    as_found(before)


def as_found(before):
    """The machine is as its footprint was."""
    after = footprint()
    left = {kind: sorted(item for item in after[kind] - before[kind] if not item.startswith(IGNORED)) for kind in after}
    gone = {kind: sorted(before[kind] - after[kind]) for kind in ("mounts", "links", "routes", "policy", "users", "sysctls", "rules")}
    expect(not any(left.values()) and not any(gone.values()), f"left behind: { {k: v for k, v in left.items() if v} }, "
           f"taken away: { {k: v for k, v in gone.items() if v} }")


def run(report):
    cluster = Cluster()
    report.check("systemd finds the units in order", units)
    report.check("systemd's own changes leave the pods' controllers", reload_of_systemd)
    if report.check("a pod answers connections", echo_pod, cluster):
        report.check("a restart of the service touches no pod and no connection", under_traffic, cluster, restart)
        report.check("an upgrade of the package touches no pod and no connection", under_traffic, Cluster(), upgrade)
        report.check("the agent's unit gives way to the server's and back, pods untouched", agent_without_server)
