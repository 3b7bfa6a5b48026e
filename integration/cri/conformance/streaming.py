"""Streaming (pkg/validate: streaming.go, streaming_linux.go) with the clients of kubectl: its SPDY and its WebSockets speak to the URLs that the
runtime gave, through a stand-in for the API server that knows one pod and passes bytes on."""
import json
import os
import pty
import re
import socket
import subprocess
import threading

import runtime_pb2 as cri
from containers import main_page
from world import HELLO, TOP, equal, expect, it

STREAMS = "Streaming runtime should support streaming interfaces"
POD = {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "pod", "namespace": "default", "uid": "u"},
       "spec": {"containers": [{"name": "c", "image": "i", "stdin": True}]},
       "status": {"phase": "Running", "containerStatuses": [{"name": "c", "ready": True}]}}
ANSWERS = {
    "/api": {"kind": "APIVersions", "versions": ["v1"]}, "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": []},
    "/api/v1": {"kind": "APIResourceList", "groupVersion": "v1", "resources": [
        {"name": "pods", "singularName": "pod", "namespaced": True, "kind": "Pod", "verbs": ["get", "list"]}]},
    "/api/v1/namespaces/default/pods/pod": POD,
}


class StandIn:
    """Answers kubectl's questions for a pod, and gives its session to the runtime's streaming server as it comes."""

    def __init__(self, url):
        self.host, self.port, self.path = re.match(r"http://([^:/]+):(\d+)(/.*)", url).groups()
        self.server = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self.server.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        while True:
            head = b""
            while b"\r\n\r\n" not in head:
                data = connection.recv(65536)
                if not data:
                    return
                head += data
            method, target, _ = head.split(b" ", 2)
            path = target.decode().split("?")[0].rstrip("/")
            if re.search("/(exec|attach|portforward)$", path):
                return self.join(connection, head.replace(target, self.path.encode(), 1))
            body = json.dumps(ANSWERS.get(path, {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 404})).encode()
            state = b"200 OK" if path in ANSWERS else b"404 Not Found"
            connection.sendall(b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (state, len(body), body))

    def join(self, client, head):
        runtime = socket.create_connection((self.host, int(self.port)))
        runtime.sendall(head)

        def pour(source, target):
            try:
                while data := source.recv(65536):
                    target.sendall(data)
            except OSError:
                pass
            for end in (source, target):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

        threading.Thread(target=pour, args=(runtime, client), daemon=True).start()
        pour(client, runtime)

    def close(self):
        self.server.close()


def kubectl(w, url, *arguments, sockets, terminal=None):
    stand_in = StandIn(url)
    w.ends.append(stand_in.close)
    home = w.folder()
    told = "true" if sockets else "false"
    environment = {
        "PATH": os.environ["PATH"], "HOME": home, "KUBECONFIG": f"{home}/none",
        "KUBECTL_REMOTE_COMMAND_WEBSOCKETS": told, "KUBECTL_PORT_FORWARD_WEBSOCKETS": told}
    process = subprocess.Popen(
        ["kubectl", "--server", stand_in.address, "--token", "none", *arguments], env=environment,
        stdin=terminal or subprocess.PIPE, stdout=terminal or subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    w.ends.append(process.kill)
    return process


def ends(process, input=b""):
    out, err = process.communicate(input, timeout=120)
    return process.returncode, out, err


def exec_url(w, container, *command, **streams):
    return w.runtime.Exec(cri.ExecRequest(container_id=container.id, cmd=command, **streams)).url


def both(name):
    """The test over SPDY, which critest uses unless it is told otherwise, and over WebSockets."""
    def add(body):
        it(STREAMS, name)(lambda w: body(w, False))
        it(STREAMS, name, "(WebSocket)")(lambda w: body(w, True))
        return body
    return add


@both("runtime should support exec with tty=false and stdin=false")
def exec_plain(w, sockets):
    container = w.pod().container(TOP)
    url = exec_url(w, container, *HELLO, stdout=True, stderr=True)
    equal(ends(kubectl(w, url, "exec", "pod", "-c", "c", "--", *HELLO, sockets=sockets)), (0, b"hello", b""))


@both("runtime should support exec with tty=true and stdin=true")
def exec_terminal(w, sockets):
    container = w.pod().container(TOP)
    url = exec_url(w, container, *HELLO, stdout=True, tty=True, stdin=True)
    here, there = pty.openpty()
    process = kubectl(w, url, "exec", "-i", "-t", "pod", "-c", "c", "--", *HELLO, sockets=sockets, terminal=there)
    os.close(there)
    process.wait(120)
    out = os.read(here, 1000)
    os.close(here)
    expect(b"hello" in out and process.returncode == 0, out, process.stderr.read())


@both("exec hands on standard input, its end and the exit code")
def exec_input(w, sockets):
    container = w.pod().container(TOP)
    url = exec_url(w, container, "sh", "-c", "cat; exit 7", stdout=True, stderr=True, stdin=True)
    code, out, _ = ends(kubectl(w, url, "exec", "-i", "pod", "-c", "c", "--", "cat", sockets=sockets), b"typed\n" * 20_000)
    equal((code, len(out)), (7, 120_000))


@both("runtime should support attach")
def attach(w, sockets):
    container = w.pod().container(["/bin/sh"], stdin=True, stdin_once=True)
    url = w.runtime.Attach(cri.AttachRequest(container_id=container.id, stdin=True, stdout=True, stderr=True)).url
    process = kubectl(w, url, "attach", "-i", "pod", "-c", "c", sockets=sockets)
    process.stdin.write(b"echo -n hello\n")
    process.stdin.flush()
    equal(process.stdout.read(5), b"hello")
    process.stdin.close()
    container.wait(cri.CONTAINER_EXITED)
    equal((process.wait(120), process.stdout.read()), (0, b""), "kubectl's code, and what came after")


def forwards(w, pod, port, local, sockets):
    url = w.runtime.PortForward(cri.PortForwardRequest(pod_sandbox_id=pod.id)).url
    kubectl(w, url, "port-forward", "pod/pod", f"{local}:{port}", sockets=sockets)
    main_page("127.0.0.1", local)
    main_page("127.0.0.1", local)


@both("runtime should support portforward")
def forward(w, sockets):
    pod = w.pod(port_mappings=[cri.PortMapping(container_port=80)])
    pod.container(image=w.name("nginx:1"))
    main_page(pod.status().network.ip, 80)
    forwards(w, pod, 80, 12001, sockets)


@both("runtime should support portforward in host network")
def forward_host(w, sockets):
    security = cri.LinuxSandboxSecurityContext(namespace_options=cri.NamespaceOption(network=cri.NODE))
    pod = w.pod(security=security, port_mappings=[cri.PortMapping(container_port=12003)])
    pod.container(image=w.name("hostnet-nginx:latest"))
    main_page("127.0.0.1", 12003)
    forwards(w, pod, 12003, 12002, sockets)
