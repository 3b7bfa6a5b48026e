"""README's text for a real host, word by word: the commands are read from the file itself, so that neither can change alone."""

import glob
import os
import re
import shutil
import subprocess

import package
from cluster import Cluster
from report import expect, read, wait_for
from service import as_found, footprint, processes_of_pods

PACKAGES = "/root/packages"
# What the operator puts in, and how what goes on is stopped.
MEANINGS = {
    "./NEWER.deb": "./newer/*.deb", "pod/NAME": "pod/steady", "NAME PATH": "readme:vm /payload/bundle",
    "swiftlet events": "timeout 5 swiftlet events; [ $? = 124 ]",
}


def section(heading):
    text = read("/payload/README.md")
    found = re.search(rf"^## {heading}\n(.*?)(?=^## )", text, re.M | re.S)
    expect(found, f"README has no section {heading}")
    return found.group(1)


def blocks(heading):
    """The section's blocks of commands: their lines without what is said of each."""
    return [[line.split(" # ")[0].strip() for line in block.splitlines() if line.strip()]
            for block in re.findall(r"^```\n(.*?)^```", section(heading), re.M | re.S)]


def quoted(text):
    """A command that the section on a real host gives within a sentence."""
    expect(f"`{text}`" in section("On a real host"), f"README does not say `{text}` any more")
    return text


def shell(line):
    """As typed in the folder with the packages, with y for questions; its output. Raises Unmet where it fails."""
    for word, meaning in MEANINGS.items():
        line = line.replace(word, meaning)
    done = subprocess.run(
        line, shell=True, executable="/bin/bash", cwd=PACKAGES, input="y\n" * 5, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300,
        text=True, errors="replace", env={**os.environ, "HOME": "/root", "KUBECONFIG": "/etc/swiftlet/admin.kubeconfig", "COLUMNS": "150"})
    expect(done.returncode == 0, f"it ended with {done.returncode}: {done.stdout[-1500:]}")
    return done.stdout


def says(line, *words):
    said = shell(line)
    for word in words:
        expect(re.search(word, said), f"nothing of {word} in {said[-1500:]}")


def prepare():
    """An operator's machine: the packages in a folder, and kubectl."""
    os.makedirs(f"{PACKAGES}/newer")
    for path in glob.glob("/payload/swiftlet_*.deb"):
        os.symlink(path, f"{PACKAGES}/{os.path.basename(path)}")
    for path in glob.glob("/payload/newer/swiftlet_*.deb"):
        os.symlink(path, f"{PACKAGES}/newer/{os.path.basename(path)}")
    shutil.copy("/payload/kubectl", "/usr/local/bin/kubectl")


def workload():
    package.add_image()
    cluster = Cluster()
    cluster.ready()
    cluster.run("steady", "sleep 100000", restartPolicy="Always", seconds=120)


def restarts():
    return Cluster().pod("steady")["status"]["containerStatuses"][0]["restartCount"]


def untouched(line):
    """Another daemon, the same pods."""
    before = processes_of_pods()
    shell(line)
    Cluster().ready()
    expect(before and processes_of_pods() == before, f"the pods' processes were {before}, are {processes_of_pods()}")
    expect(restarts() == 0, f"{restarts()} restarts")


def upgrade():
    untouched(quoted("apt install ./NEWER.deb"))
    said = shell("dpkg-query -W -f '${Version}' swiftlet")
    expect(said.endswith("+1"), f"{said} is installed")


def stop():
    before = processes_of_pods()
    shell(quoted("systemctl stop swiftlet"))
    expect(before and processes_of_pods() == before, f"the pods' processes were {before}, are {processes_of_pods()}")
    shell("systemctl start swiftlet")
    Cluster().ready()
    shell(quoted("swiftlet shutdown"))
    wait_for("the end of all pods", 60, lambda: not processes_of_pods())
    shell("systemctl stop swiftlet")


def remove():
    shell(quoted("apt remove swiftlet"))
    expect(not processes_of_pods(), "pods run on")
    expect(os.path.isdir("/var/lib/swiftlet/store"), "the data is gone")


def again():
    """What was kept is found again."""
    for line in blocks("On a real host")[0][:2]:
        shell(line)
    cluster = Cluster()
    cluster.ready()
    expect(cluster.pod("steady")["status"]["phase"] == "Failed", f"the pod that was ended is {cluster.pod('steady')['status']}")
    cluster.run("second", "sleep 100000", seconds=120)


def purge(before):
    shell(quoted("apt purge swiftlet"))
    as_found(before)


# What a command's output has in it where it is more than that it succeeds.
WORDS = {
    "kubectl get nodes,pods,svc -o wide": ("swiftlet-vm +Ready", "steady +1/1 +Running", "service/kubernetes"),
    "swiftlet ps": ("steady",), "swiftlet stats": ("steady",), "swiftlet why pod/NAME": ("Running|running|started",),
    "swiftlet certs": ("kubelet|server",), "swiftlet images add NAME PATH": ("readme:vm",),
    "kubectl describe node": ("Conditions:", "Ready +True"),
}
# The registry that they would ask is out of reach.
UNREACHABLE = ("swiftlet pull NAME", "swiftlet images push NAME")


def run(report):
    prepare()
    before = footprint()
    install, unwell = blocks("On a real host")
    for line in install:
        if not report.check(line, says, line, *WORDS.get(line, ())):
            return
    if not report.check("a pod runs", workload):
        return
    # Of "Two commands", what is for afterwards.
    lines = [*blocks("Two commands")[1], "swiftlet certs renew", "swiftlet doctor --fix", blocks("Further machines")[0][0], *unwell]
    for line in dict.fromkeys(lines):
        if line not in UNREACHABLE:
            report.check(line, untouched, line) if "restart" in line else report.check(line, says, line, *WORDS.get(line, ()))
    report.check("apt install ./NEWER.deb leaves pods alone", upgrade)
    report.check("systemctl stop swiftlet leaves pods alone, swiftlet shutdown ends them", stop)
    report.check("apt remove swiftlet ends the pods and keeps the data", remove)
    report.check("installed again, it has its data", again)
    report.check("apt purge swiftlet leaves nothing", purge, before)
