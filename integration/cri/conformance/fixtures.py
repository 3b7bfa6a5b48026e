"""The images that the tests use, built of busybox and pushed to a registry by plain HTTP, as critest's lie in a public one."""
import hashlib
import io
import json
import platform
import tarfile
import urllib.request

PASSWD = "root::0:0:root:/root:/bin/sh\nwww-data:x:33:33::/var/www:/bin/false\nnobody:x:65534:65534::/:/bin/false\ndefault-user:x:1000:1000::/:/bin/sh\n"
GROUP = "root:x:0:\nwww-data:x:33:\nnogroup:x:65534:\ndefault-user:x:1000:\ngroup-defined-in-image:x:50000:default-user\n"
# It stands for nginx: a process of that name that says "master process", notes its id and serves a page.
SERVER = """#!/bin/sh
echo $$ >/var/run/nginx.pid
trap exit TERM
httpd -f -p $2 -h /www &
wait
"""
# It stands for a program that is to become root by its mode.
ESCALATE = """#!/bin/sh
/bin/su root -c 'echo "Effective uid: $(id -u)"' 2>/dev/null || echo "Effective uid: $(id -u)"
"""
# Not among Debian's applets, and used by critest: a bridge by ip, and what is listed of shared memory.
BRCTL = "#!/bin/sh\nexec ip link add $2 type bridge\n"
IPCS = "#!/bin/sh\nexec cat /proc/sysvipc/shm\n"
PGREP = "#!/bin/sh\npidof $1\n"


def push_images(registry):
    layer = base_layer()
    push(registry, "busybox:1", [layer], {"Cmd": ["sh"]})
    push(registry, "nginx:1", [layer], {"Entrypoint": ["/bin/nginx", "master process", "80"]})
    push(registry, "hostnet-nginx:latest", [layer], {"Entrypoint": ["/bin/nginx", "master process", "12003"]})
    push(registry, "volumes:1", [layer, volumes()], {"Cmd": ["top"], "Volumes": {"/data": {}, "/var/deep/none": {}}})
    push(registry, "nonewprivs:1", [layer], {"Entrypoint": ["/bin/effective"]})
    push(registry, "test-image-predefined-group:latest", [layer], {"User": "1000"})
    for name, user in (("uid", "1002"), ("username", "www-data"), ("uid-group", "1003:users"), ("username-group", "www-data:100")):
        push(registry, f"test-image-user-{name}:latest", [layer], {"User": user})
    for name in ("1:latest", "2:latest", "3:latest", "latest:latest", "digest:latest", "tag:test", "tag:all"):
        push(registry, f"test-image-{name}", [layer, marker(name)], {"Cmd": ["top"]}, is_index=True)
    for tag in "123":
        push(registry, f"test-image-tags:{tag}", [layer, marker("tags")], {"Cmd": ["top"]})
    return registry


def base_layer():
    def fill(tar):
        for folder in ("bin", "etc", "proc", "sys", "dev", "tmp", "www", "root", "var", "var/run", "var/lib"):
            add(tar, folder, kind=tarfile.DIRTYPE, mode=0o1777 if folder == "tmp" else 0o755)
        tar.add("/bin/busybox", "bin/busybox")
        busybox = open("/bin/busybox", "rb").read()
        add(tar, "bin/su", content=busybox, mode=0o4755)
        for command in applets():
            # As in the official image: every command a name of the one file.
            add(tar, f"bin/{command}", kind=tarfile.LNKTYPE, target="bin/busybox")
        for name, text in (("nginx", SERVER), ("effective", ESCALATE), ("brctl", BRCTL), ("ipcs", IPCS), ("pgrep", PGREP)):
            add(tar, f"bin/{name}", content=text.encode(), mode=0o755)
        add(tar, "etc/passwd", content=PASSWD.encode())
        add(tar, "etc/group", content=GROUP.encode())
        add(tar, "www/index.html", content=b"it works\n")
    return archive(fill)


def applets():
    import subprocess
    names = subprocess.run(["/bin/busybox", "--list"], capture_output=True, text=True, check=True).stdout.split()
    return [n for n in names if n not in ("busybox", "brctl", "ipcs", "pgrep", "su")]


def volumes():
    """What one of two directories holds that the image names as volumes; the other is not in its files."""
    def fill(tar):
        add(tar, "data", kind=tarfile.DIRTYPE, mode=0o1777)
        add(tar, "data/kept", content=b"of the image")
    return archive(fill)


def marker(name):
    return archive(lambda tar: add(tar, "marker", content=name.encode()))


def add(tar, path, content=b"", kind=tarfile.REGTYPE, mode=0o644, target=""):
    entry = tarfile.TarInfo(path)
    entry.type, entry.mode, entry.linkname, entry.size = kind, mode, target, len(content)
    tar.addfile(entry, io.BytesIO(content))


def archive(fill):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        fill(tar)
    return out.getvalue()


# The registry's protocol

INDEX, MANIFEST = "application/vnd.oci.image.index.v1+json", "application/vnd.oci.image.manifest.v1+json"


def push(registry, name, layers, config, is_index=False):
    """With an index for several kinds of machines before it, as most public images have, where is_index says so."""
    repository, tag = name.rsplit(":", 1)
    document = json.dumps({
        "architecture": {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()], "os": "linux",
        "config": {"Env": ["PATH=/bin"], **config},
        "rootfs": {"type": "layers", "diff_ids": [digest(layer) for layer in layers]}}).encode()
    manifest = json.dumps({
        "schemaVersion": 2, "mediaType": MANIFEST,
        "config": blob(registry, repository, document, "config.v1+json"),
        "layers": [blob(registry, repository, layer, "layer.v1.tar") for layer in layers]}).encode()
    send("PUT", f"http://{registry}/v2/{repository}/manifests/{digest(manifest) if is_index else tag}", manifest, MANIFEST)
    if is_index:
        platform_ = {"architecture": json.loads(document)["architecture"], "os": "linux"}
        index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [
            {"mediaType": MANIFEST, "digest": digest(manifest), "size": len(manifest), "platform": platform_}]}).encode()
        send("PUT", f"http://{registry}/v2/{repository}/manifests/{tag}", index, INDEX)


def manifest_digest(registry, name):
    repository, tag = name.rsplit(":", 1)
    request = urllib.request.Request(
        f"http://{registry}/v2/{repository}/manifests/{tag}", headers={"Accept": f"{INDEX}, {MANIFEST}"})
    return urllib.request.urlopen(request, timeout=30).headers["Docker-Content-Digest"]


def digest(content):
    return "sha256:" + hashlib.sha256(content).hexdigest()


def blob(registry, repository, content, kind):
    place = send("POST", f"http://{registry}/v2/{repository}/blobs/uploads/", b"").headers["Location"]
    send("PUT", f"{place}{'&' if '?' in place else '?'}digest={digest(content)}", content, "application/octet-stream")
    return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": digest(content), "size": len(content)}


def send(method, url, content, kind="application/octet-stream"):
    request = urllib.request.Request(url, data=content, method=method, headers={"Content-Type": kind})
    return urllib.request.urlopen(request, timeout=30)
