"""A small Kubernetes client over HTTPS with the admin's certificate, and the checks' common moves with pods."""

import base64
import http.client
import json
import re
import ssl
import tempfile

from report import Unmet, expect, read, wait_for

KUBECONFIG = "/etc/swiftlet/admin.kubeconfig"


class Refused(Unmet):
    """An answer of the API server that is not a success."""

    def __init__(self, code, body):
        self.code = code
        super().__init__(f"{code}: {body.get('message', body) if isinstance(body, dict) else body}")


class Cluster:
    def __init__(self, kubeconfig=KUBECONFIG):
        text = read(kubeconfig)

        def data(key):
            return base64.b64decode(re.search(key + r": *\"?([A-Za-z0-9+/=]+)", text).group(1))

        self.host, self.port = re.search(r"server: *\"?https://([^:/\"]+):(\d+)", text).groups()
        self.context = ssl.create_default_context(cadata=data("certificate-authority-data").decode())
        with tempfile.NamedTemporaryFile(buffering=0) as certificate, tempfile.NamedTemporaryFile(buffering=0) as key:
            certificate.write(data("client-certificate-data"))
            key.write(data("client-key-data"))
            self.context.load_cert_chain(certificate.name, key.name)
        self.connection = None

    def request(self, method, path, body=None, kind="application/json", timeout=60):
        """The answer as JSON, or as text where it is none. Raises Refused, or OSError where nobody answers."""
        payload = None if body is None else json.dumps(body)
        for attempt in (1, 2):
            fresh = self.connection is None
            if fresh:
                self.connection = http.client.HTTPSConnection(self.host, int(self.port), context=self.context, timeout=timeout)
            try:
                self.connection.request(method, path, payload, {"Content-Type": kind} if body is not None else {})
                answer = self.connection.getresponse()
                data = answer.read()
                break
            except (OSError, http.client.HTTPException) as error:
                self.connection.close()
                self.connection = None
                if fresh or method != "GET" or attempt == 2:
                    raise OSError(f"{method} {path}: {error!r}") from error
        text = data.decode(errors="replace")
        value = json.loads(text) if "json" in answer.headers.get("Content-Type", "") else text
        if answer.status >= 300:
            raise Refused(answer.status, value)
        return value

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def pods(self, namespace="default", selector=""):
        return self.get(f"/api/v1/namespaces/{namespace}/pods?labelSelector={selector}")["items"]

    def pod(self, name, namespace="default"):
        return self.get(f"/api/v1/namespaces/{namespace}/pods/{name}")

    def create(self, kind, manifest, namespace="default"):
        group = "apis/apps/v1" if kind in ("deployments", "replicasets") else "api/v1"
        return self.request("POST", f"/{group}/namespaces/{namespace}/{kind}", manifest)

    def delete(self, kind, name, namespace="default", grace=None):
        group = "apis/apps/v1" if kind in ("deployments", "replicasets") else "api/v1"
        body = {"kind": "DeleteOptions", "apiVersion": "v1"}
        if grace is not None:
            body["gracePeriodSeconds"] = grace
        return self.request("DELETE", f"/{group}/namespaces/{namespace}/{kind}/{name}", body)

    def node(self):
        items = self.get("/api/v1/nodes")["items"]
        expect(len(items) == 1, f"{len(items)} nodes")
        return items[0]

    def condition(self, kind):
        """The node's condition of this type, or an empty one."""
        return next((entry for entry in self.node().get("status", {}).get("conditions", []) if entry["type"] == kind), {})

    def events(self, name, namespace="default"):
        items = self.get(f"/api/v1/namespaces/{namespace}/events?fieldSelector=involvedObject.name={name}")["items"]
        return [f"{item.get('type')} {item.get('reason')}: {item.get('message')}" for item in items]

    def ready(self, seconds=120):
        wait_for("the node being Ready", seconds, lambda: self.condition("Ready").get("status") == "True")

    def run(self, name, command, resources=None, seconds=240, wait="Running", empty=None, **spec):
        """Makes a pod of one busybox container and waits for its phase; the pod. `empty` is the source of an emptyDir at /scratch."""
        container = {"name": "main", "image": "busybox:vm", "command": ["/bin/sh", "-c", command]}
        if resources:
            container["resources"] = resources
        if empty is not None:
            container["volumeMounts"] = [{"name": "scratch", "mountPath": "/scratch"}]
            spec["volumes"] = [{"name": "scratch", "emptyDir": empty}]
        self.create("pods", {
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"vm": "suite"}},
            "spec": {"restartPolicy": "Never", "terminationGracePeriodSeconds": 1, "containers": [container], **spec}})
        return self.wait_phase(name, wait, seconds) if wait else None

    def wait_phase(self, name, phase, seconds=240):
        def reached():
            pod = self.pod(name)
            return pod if pod["status"].get("phase") == phase else None
        try:
            return wait_for(f"pod {name} being {phase}", seconds, reached)
        except Unmet as error:
            raise Unmet(f"{error}; {self.pod(name)['status']}; {self.events(name)}") from error

    def remove(self, name, seconds=180):
        """Deletes a pod and waits until it is gone."""
        try:
            self.delete("pods", name, grace=0)
        except Refused as error:
            if error.code != 404:
                raise

        def gone():
            try:
                self.pod(name)
            except Refused as error:
                return error.code == 404
        wait_for(f"pod {name} being gone", seconds, gone)

    def clear(self):
        """Takes away the pods that `run` made and that are still there."""
        for pod in self.pods(selector="vm=suite"):
            self.remove(pod["metadata"]["name"])
