"""Makes an OCI archive of busybox, which also holds the sandboxes. usage: image.py NAME ARCHIVE"""

import hashlib
import io
import json
import platform
import sys
import tarfile

name, archive = sys.argv[1:]
files = {"oci-layout": json.dumps({"imageLayoutVersion": "1.0.0"}).encode()}


def add(content: bytes, kind: str) -> dict:
    digest = hashlib.sha256(content).hexdigest()
    files[f"blobs/sha256/{digest}"] = content
    return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": f"sha256:{digest}", "size": len(content)}


def layer() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for folder in ("bin", "etc", "proc", "sys", "dev", "tmp", "www"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)
        tar.add("/bin/busybox", "bin/busybox")
        for command in ("sh", "cat", "dd", "echo", "head", "hostname", "httpd", "ln", "nslookup", "sleep", "tail", "wc"):
            entry = tarfile.TarInfo(f"bin/{command}")
            entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(entry)
    return out.getvalue()


content = layer()
config = {
    "architecture": {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()],
    "os": "linux",
    "config": {"Entrypoint": ["/bin/tail", "-f", "/dev/null"], "Env": ["PATH=/bin"]},
    "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(content).hexdigest()]},
}
manifest = {
    "schemaVersion": 2,
    "config": add(json.dumps(config).encode(), "config.v1+json"),
    "layers": [add(content, "layer.v1.tar")],
}
entry = add(json.dumps(manifest).encode(), "manifest.v1+json")
entry["annotations"] = {"org.opencontainers.image.ref.name": name, "io.containerd.image.name": name}
files["index.json"] = json.dumps({"schemaVersion": 2, "manifests": [entry]}).encode()
with tarfile.open(archive, "w") as tar:
    for path, content in files.items():
        entry = tarfile.TarInfo(path)
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
