#!/usr/bin/env python3
"""API POST to Running, as a watcher sees it: 20 pods one after the other, then 50 at once; and what a pod adds in memory.

usage: pods.py KUBECONFIG IMAGE SERVER_PID   (the server runs, the image is there)
"""
import base64, http.client, json, re, ssl, statistics, sys, tempfile, threading, time

path, image, pid = sys.argv[1], sys.argv[2], int(sys.argv[3])
text = open(path).read()
field = lambda name: re.search(name + r":\s*\"?([^\s\"]+)", text).group(1)
host, port = re.search(r"https://([^:/\s\"]+):(\d+)", text).groups()


def connection():
    context = ssl.create_default_context(cadata=base64.b64decode(field("certificate-authority-data")).decode())
    with tempfile.NamedTemporaryFile() as cert:
        for name in ("client-certificate-data", "client-key-data"):
            cert.write(base64.b64decode(field(name)))
        cert.flush()
        context.load_cert_chain(cert.name)
    return http.client.HTTPSConnection(host, int(port), context=context, timeout=120)


def call(client, method, path, body=None):
    client.request(method, path, json.dumps(body) if body else None, {"Content-Type": "application/json"})
    answer = client.getresponse()
    data = answer.read()
    if answer.status >= 300:
        raise SystemExit(f"{method} {path}: {answer.status} {data.decode()[:300]}")
    return json.loads(data)


running, gone, seen = {}, set(), threading.Condition()


def follow():
    client = connection()
    start = call(client, "GET", "/api/v1/namespaces/default/pods")["metadata"]["resourceVersion"]
    client.request("GET", f"/api/v1/namespaces/default/pods?watch=true&resourceVersion={start}")
    answer = client.getresponse()
    ready.set()
    for line in answer:
        now = time.monotonic()
        event = json.loads(line)
        name = event["object"]["metadata"].get("name", "")
        with seen:
            if event["type"] == "DELETED":
                gone.add(name)
            elif event["object"].get("status", {}).get("phase") == "Running":
                running.setdefault(name, now)
            seen.notify_all()


def wait(condition):
    with seen:
        if not seen.wait_for(condition, timeout=60):
            raise SystemExit("the pods did not get there within 60 s")


def pod(name):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {
        "terminationGracePeriodSeconds": 0, "containers": [
            {"name": "a", "image": image, "imagePullPolicy": "Never", "command": ["sleep", "100000"]}]}}


def memory():
    """Private memory of the server and its monitors, in KiB."""
    total = 0
    children = [pid] + [int(p) for p in __import__("os").listdir("/proc") if p.isdigit() and parent(p) in (pid, 1)
                        and "podmonitor" in open(f"/proc/{p}/comm").read() + command(p)]
    for process in children:
        for line in open(f"/proc/{process}/smaps_rollup"):
            if line.startswith(("Private_", "Pss:")) and line.startswith("Pss:"):
                total += int(line.split()[1])
    return total


def parent(process):
    try:
        return int(open(f"/proc/{process}/stat").read().rsplit(")", 1)[1].split()[1])
    except OSError:
        return -1


def command(process):
    try:
        return open(f"/proc/{process}/cmdline").read()
    except OSError:
        return ""


def resident():
    return next(int(l.split()[1]) for l in open(f"/proc/{pid}/status") if l.startswith("VmRSS"))


ready = threading.Event()
threading.Thread(target=follow, daemon=True).start()
ready.wait(30)
client, pods = connection(), "/api/v1/namespaces/default/pods"
print(f"resident memory of the daemon before: {resident() / 1024:.1f} MiB")
times = []
for i in range(20):
    name = f"bench-row-{i}"
    begin = time.monotonic()
    call(client, "POST", pods, pod(name))
    wait(lambda: name in running)
    times.append((running[name] - begin) * 1000)
times.sort()
print(f"20 in a row, POST to Running: p50 {statistics.median(times):.1f} ms, p99 {times[-1]:.1f} ms, min {times[0]:.1f} ms")
before = memory()
begin = time.monotonic()
names = [f"bench-burst-{i}" for i in range(50)]
for name in names:
    call(client, "POST", pods, pod(name))
wait(lambda: all(n in running for n in names))
print(f"50 at once, all Running: {(max(running[n] for n in names) - begin) * 1000:.0f} ms")
time.sleep(2)
print(f"memory that one pod adds (daemon and monitors, Pss): {(memory() - before) / 50:.0f} KiB")
for name in names + [f"bench-row-{i}" for i in range(20)]:
    call(client, "DELETE", f"{pods}/{name}", {"kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 0})
wait(lambda: all(n in gone for n in names))
print(f"resident memory of the daemon after: {resident() / 1024:.1f} MiB")
