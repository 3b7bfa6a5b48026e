"""Adds an image to an OCI layout: the image `base` with more layers on it and with its configuration changed.
usage: layers.py LAYOUT TAG many|links|bytes|pipe|huge|plain [JSON OF THE CONFIGURATION, OR @FILE]"""
import hashlib, io, json, sys, tarfile

layout, tag, kind = sys.argv[1:4]
change = sys.argv[4] if len(sys.argv) > 4 else "{}"
change = json.loads(open(change[1:]).read() if change.startswith("@") else change)
blobs = layout + "/blobs/sha256/"
REF = "org.opencontainers.image.ref.name"


def keep(data, media):
    name = hashlib.sha256(data).hexdigest()
    with open(blobs + name, "wb") as file:
        file.write(data)
    return {"mediaType": "application/vnd.oci.image." + media, "digest": "sha256:" + name, "size": len(data)}


def layer(*members):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, type, value in members:
            info = tarfile.TarInfo(name)
            info.type, info.mode, info.mtime = type, 0o755 if type == tarfile.DIRTYPE else 0o644, 1700000000
            if type in (tarfile.SYMTYPE, tarfile.LNKTYPE):
                info.linkname = value
            info.devmajor, info.devminor = value if type == tarfile.CHRTYPE else (0, 0)
            data = value.encode() if type == tarfile.REGTYPE else b""
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data) if data else None)
    return buffer.getvalue()


FILE, DIR, SYM, HARD = tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE
PIPE, DEVICE = tarfile.FIFOTYPE, tarfile.CHRTYPE
layers = {
    "plain": [],
    "many": [layer((f"srv/n{n}", FILE, str(n)), ("srv/last", FILE, str(n))) for n in range(130)],
    # Users and groups that are read without end, or not at all.
    "pipe": [layer(("etc/passwd", PIPE, ""), ("etc/group", SYM, "zero"), ("etc/zero", DEVICE, (1, 5)))],
    "huge": [layer(("etc/passwd", FILE, "web:x:33:33::/:/bin/sh\n" * 100_000), ("etc/group", SYM, "group"))],
    # Names in bytes, by Python's surrogates: no UTF-8, and two that only look alike.
    "bytes": [
        layer(("srv/n\udcff/", DIR, ""), ("srv/n\udcff/caf\udce9", FILE, "latin"), ("srv/n\udcff/gone\udce9", FILE, ""),
              ("srv/\u00e9", FILE, "composed"), ("srv/e\u0301", FILE, "decomposed"), ("srv/link", SYM, "n\udcff/caf\udce9")),
        layer(("srv/n\udcff/.wh.gone\udce9", FILE, ""), ("srv/twin\udcfe", HARD, "srv/n\udcff/caf\udce9")),
    ],
    "links": [
        layer(("usr/", DIR, ""), ("usr/lib/", DIR, ""), ("usr/lib/old/", DIR, ""), ("usr/lib/a", FILE, "below"),
              ("usr/lib/old/b", FILE, "below"), ("lib", SYM, "usr/lib"), ("deep", SYM, "/srv/../lib/old")),
        layer(("lib/new", FILE, "above"), ("deep/c", FILE, "above"), ("lib/.wh.a", FILE, "")),
        layer(("lib/twin", HARD, "lib/new"), ("data", SYM, "/usr/lib/old"), ("data/d", FILE, "above")),
    ],
}[kind]

index = json.load(open(layout + "/index.json"))
base = next(m for m in index["manifests"] if m.get("annotations", {}).get(REF) == "base")
manifest = json.load(open(blobs + base["digest"][7:]))
config = json.load(open(blobs + manifest["config"]["digest"][7:]))
config["config"].update(change)
config["history"] = []
for data in layers:
    config["rootfs"]["diff_ids"].append("sha256:" + hashlib.sha256(data).hexdigest())
    manifest["layers"].append(keep(data, "layer.v1.tar"))
manifest["config"] = keep(json.dumps(config).encode(), "config.v1+json")
entry = keep(json.dumps(manifest).encode(), "manifest.v1+json")
entry["annotations"] = {REF: tag}
index["manifests"] = [m for m in index["manifests"] if m.get("annotations", {}).get(REF) != tag] + [entry]
with open(layout + "/index.json", "w") as file:
    json.dump(index, file)
