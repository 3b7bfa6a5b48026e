"""One pod from its creation to its removal, with all that is promised meanwhile."""

import os
import time

from instance import Unmet, expect, read, wait_for
from cluster import Refused

IMAGE = "busybox:demo"


class Life:
    """Goes on through refusals and broken connections, as a client does, and notes what was acknowledged."""

    def __init__(self, instance, name, place):
        self.instance, self.name = instance, name
        self.marks = f"{instance.root}/marks/{name}"
        os.makedirs(self.marks)
        self.api = None
        self.revision = 0
        self.was_harmed = False
        # Seconds for each thing that is waited for.
        self.patience = 60
        # An exit by the signal needs a grace; a container that is killed needs none.
        self.grace = 0 if place.endswith("containerKilled") else 1

    def call(self, what, body):
        """Repeats until the API server answers; a refusal that only tells that it was done already counts."""
        end = time.monotonic() + self.patience
        while True:
            try:
                if self.api is None:
                    self.api = self.instance.cluster()
                return body(self.api)
            except Refused as error:
                if error.code in (404, 409):
                    return error.code
                if time.monotonic() > end:
                    raise Unmet(f"{what}: {error}") from error
            except (OSError, StopIteration, AttributeError, ValueError) as error:
                self.api = None
                if time.monotonic() > end:
                    raise Unmet(f"{what}: {error!r}") from error
            time.sleep(0.02)

    def note(self, answer):
        """Takes over an acknowledged revision: it must be newer than all before."""
        if isinstance(answer, int):
            return
        revision = int(answer["metadata"]["resourceVersion"])
        self.instance.hold("revisions only grow", revision > self.revision, f"revision {revision} was given out after {self.revision}")
        self.revision = revision

    def begin(self):
        self.write("before")
        container = {"image": IMAGE, "imagePullPolicy": "Never", "volumeMounts": [
            {"name": "marks", "mountPath": "/marks"}, {"name": "memory", "mountPath": "/memory"}]}
        main = "echo x >>/marks/main; trap 'exit 0' TERM; sleep 1000 & wait"
        # It ends while the other runs, for those who look for a container then.
        brief = "for i in $(seq 100); do [ -e /marks/main ] && break; sleep 0.05; done; echo x >>/marks/brief; sleep 0.1; exit 3"
        self.note(self.call("creating the pod", lambda api: api.create("pods", {
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": self.name}, "spec": {
                "restartPolicy": "Never", "terminationGracePeriodSeconds": self.grace, "volumes": [
                    {"name": "marks", "hostPath": {"path": self.marks}}, {"name": "memory", "emptyDir": {"medium": "Memory"}}],
                "containers": [dict(container, name="main", command=["sh", "-c", main]),
                               dict(container, name="brief", command=["sh", "-c", brief])]}})))
        try:
            self.pod = wait_for(f"pod {self.name} having got anywhere", self.patience, self.settled, pause=0.03)
        except Unmet as error:
            raise Unmet(f"{error}; it is {self.call('reading the pod', lambda api: api.pod(self.name))['status']}") from error

    def write(self, when):
        self.note(self.call("creating a ConfigMap", lambda api: api.create("configmaps", {
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"{self.name}-{when}"}, "data": {"name": self.name}})))

    def settled(self):
        """The pod, once main runs and brief has ended, or all has failed."""
        pod = self.call("reading the pod", lambda api: api.pod(self.name))
        self.instance.hold("nothing acknowledged is lost", pod != 404, f"pod {self.name} was acknowledged and is not there")
        states = {c["name"]: c.get("state", {}) for c in pod["status"].get("containerStatuses", [])}
        if pod["status"].get("phase") == "Failed":
            return pod
        return pod if "running" in states.get("main", {}) and "terminated" in states.get("brief", {}) else None

    def exec(self):
        """May fail where it is harmed."""
        code, text = self.instance.command("exec", self.name, "-c", "main", "--", "sh", "-c", "exit 5")
        expect(code == 5 or self.was_harmed, f"an exec in {self.name} ended with {code}: {text[-300:]}")

    def remove(self):
        self.write("after")
        self.call("deleting the pod", lambda api: api.delete("pods", self.name))
        wait_for(f"pod {self.name} being gone", self.patience, lambda: self.call("reading the pod", lambda api: api.pod(self.name)) == 404, pause=0.03)

    def end(self):
        """Removes the pod; after it nothing of it may be left."""
        self.remove()
        self.check_ends()
        self.check_kept()
        wait_for("all being given back", self.patience, self.nothing_left, pause=0.05)

    def nothing_left(self):
        """A pod that is deleted by force is gone from the API before it is gone from the node."""
        report, findings = self.instance.doctor()
        expect(not findings, "\n".join(findings))
        counts = report["counts"]
        expect(counts["pods"] == counts["processes"] == counts["addresses"] == 0, f"something is left: {counts}")
        return True

    # What must hold

    def check_ends(self):
        """What ended was reported, with the code where nobody harmed it; nothing ran twice."""
        if self.pod["status"].get("phase") != "Failed":
            brief = next(c for c in self.pod["status"]["containerStatuses"] if c["name"] == "brief")
            code = brief["state"]["terminated"]["exitCode"]
            self.instance.hold("no exit is unreported", code == 3 or self.was_harmed, f"brief ended with 3, and {code} was reported")
        expect(self.pod["status"].get("phase") != "Failed" or self.was_harmed, f"nobody harmed {self.name}, and it failed: {self.pod['status']}")
        for container in ("main", "brief"):
            path = f"{self.marks}/{container}"
            count = len(read(path).split()) if os.path.exists(path) else 0
            self.instance.hold("no pod runs twice", count <= 1, f"container {container} of {self.name} ran {count} times")

    def check_kept(self):
        """All that was acknowledged is there."""
        for when in ("before", "after"):
            found = self.call("reading a ConfigMap", lambda api: api.get(f"/api/v1/namespaces/default/configmaps/{self.name}-{when}"))
            self.instance.hold("nothing acknowledged is lost", found != 404, f"configmap {self.name}-{when} was acknowledged and is lost")
        listed = self.call("listing", lambda api: api.get("/api/v1/namespaces/default/configmaps?limit=1"))
        now = int(listed["metadata"]["resourceVersion"])
        self.instance.hold("revisions only grow", now >= self.revision, f"revision {self.revision} was acknowledged, and the store is at {now}")
