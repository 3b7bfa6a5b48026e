# Sourced: images that umoci and skopeo make, and archives of them.

# A base with busybox, and a second layer on it: a file gone, a directory replaced, one changed in its mode.
make_images() {
    local bundle=$ROOT/work
    umoci init --layout "$ROOT/oci" >/dev/null
    umoci new --image "$ROOT/oci:empty" >/dev/null
    umoci unpack --image "$ROOT/oci:empty" "$bundle" >/dev/null
    mkdir -p "$bundle/rootfs"/{bin,etc,tmp,srv/old,var}
    cp /bin/busybox "$bundle/rootfs/bin/busybox"
    for name in sh ls cat sleep stat find id head; do ln -s busybox "$bundle/rootfs/bin/$name"; done
    echo 'root:x:0:0:root:/root:/bin/sh' >"$bundle/rootfs/etc/passwd"
    echo 'web:x:33:33:web:/srv:/bin/sh' >>"$bundle/rootfs/etc/passwd"
    echo base >"$bundle/rootfs/srv/gone"
    echo base >"$bundle/rootfs/srv/old/file"
    ln "$bundle/rootfs/etc/passwd" "$bundle/rootfs/etc/passwd.twin"
    setfattr -n user.note -v kept "$bundle/rootfs/srv/old/file" 2>/dev/null || true
    truncate -s 64M "$bundle/rootfs/var/sparse"
    chmod 4755 "$bundle/rootfs/bin/busybox"
    umoci repack --image "$ROOT/oci:base" "$bundle" >/dev/null
    umoci config --image "$ROOT/oci:base" --config.cmd /bin/sh --config.env GREETING=hello --config.user web >/dev/null
    rm -rf "$bundle"
    umoci unpack --image "$ROOT/oci:base" "$bundle" >/dev/null
    rm "$bundle/rootfs/srv/gone"
    rm -r "$bundle/rootfs/srv/old" && mkdir "$bundle/rootfs/srv/old"
    echo second >"$bundle/rootfs/srv/old/new"
    chmod 711 "$bundle/rootfs/etc"
    umoci repack --image "$ROOT/oci:site" "$bundle" >/dev/null
    # A large one, whose layer takes a while to come; it cannot be packed.
    head -c 40000000 /dev/urandom >"$bundle/rootfs/var/large"
    umoci repack --image "$ROOT/oci:large" "$bundle" >/dev/null
    rm -rf "$bundle"
}

# What an image shows, as Swiftlet stacks it and as umoci unpacks it.
tree_of() {
    (cd "$1" && find . -path ./var/large -prune -o ! -type d -printf '%p %y %m %U:%G %s %l\n' -o -type d -printf '%p %y %m %U:%G\n' | sort &&
        find . -type f -size -1M -exec sha256sum {} + | sort -k2)
}
same_as_umoci() {
    local name=$1 tag=$2 stacked=$ROOT/stacked layers status
    layers=$(python3 - "$ROOT/d" "$name" <<'P'
import json, sys
data, name = sys.argv[1:]
import glob
path = glob.glob(data + "/**/images/index.json", recursive=True)[0]
image = [i for i in json.load(open(path))["images"] if name in i["names"]][0]
keys = []
for layer in reversed(image["layers"]):
    if layer["key"] not in keys: keys.append(layer["key"])
print(":".join(path.replace("index.json", "trees/") + key[7:] for key in keys))
P
    ) || return 1
    mkdir -p "$stacked" "$ROOT/empty"
    mount -t overlay overlay -o "ro,lowerdir=$layers:$ROOT/empty" "$stacked" || return 1
    rm -rf "$ROOT/unpacked"
    umoci unpack --image "$ROOT/oci:$tag" "$ROOT/unpacked" >/dev/null
    diff <(tree_of "$ROOT/unpacked/rootfs") <(tree_of "$stacked")
    status=$?
    umount "$stacked"
    return $status
}

archives() {
    check "a layout of umoci becomes an image" swiftlet images add site:layout "$ROOT/oci" --reference site
    check "what it shows is what umoci unpacks" same_as_umoci docker.io/library/site:layout site
    check "a layout of several images asks for one" says "--reference" swiftlet images add site:x "$ROOT/oci"
    skopeo --insecure-policy copy -q "oci:$ROOT/oci:site" "docker-archive:$ROOT/docker.tar:site:1" >/dev/null
    skopeo --insecure-policy copy -q "oci:$ROOT/oci:site" "oci-archive:$ROOT/oci.tar:site" >/dev/null
    check "an archive of docker becomes an image" swiftlet images add site:docker "$ROOT/docker.tar"
    check "it shows the same" same_as_umoci docker.io/library/site:docker site
    check "an archive of a layout becomes an image" swiftlet images add site:oci "$ROOT/oci.tar"
    check "their layers are shared" [ "$(find "$ROOT/d" -path '*/images/trees/*' -prune -print | wc -l)" = 2 ]
    check "a sparse file takes no room" sparse_is_sparse
    umoci unpack --image "$ROOT/oci:site" "$ROOT/bundle" >/dev/null
    check "a bundle of umoci becomes an image" swiftlet images add site:bundle "$ROOT/bundle"
    check "something else is refused in words" says "no archive of an image" swiftlet images add site:bad /etc/hostname
    local packing
    for packing in none gzip zstd; do
        check "a root file system's archive becomes an image ($packing)" root_archive $packing
        check "it shows the same ($packing)" same_as_umoci "docker.io/library/root:$packing" site
    done
    check "it is of this machine, and says what runs" root_says_what_runs
    check "an archive comes through a pipe" through_a_pipe "$ROOT/none.tar"
    check "a root file system's shows the same" same_as_umoci docker.io/library/piped:1 site
    check "an image's archive comes so too" through_a_pipe "$ROOT/docker.tar"
    check "it shows the same" same_as_umoci docker.io/library/piped:1 site
    check "standard input that is closed, or cannot be read, is no empty archive" unreadable_input
    check "what comes through a pipe and is none is named" says "standard input: the archive holds no file" through_a_pipe /dev/null
    check "nothing is left of what came" [ -z "$(find /var/tmp -name 'swiftlet-input-*')" ]
}
root_archive() {
    local file=$ROOT/$1.tar
    tar --numeric-owner --xattrs -C "$ROOT/bundle/rootfs" -cSf "$ROOT/none.tar" . || return 1
    case $1 in
    gzip) gzip -c "$ROOT/none.tar" >"$file" ;;
    zstd) zstd -qf "$ROOT/none.tar" -o "$file" ;;
    esac
    swiftlet images add "root:$1" "$file" --cmd=/bin/id --user=web
}
root_says_what_runs() {
    swiftlet inspect root:none >"$ROOT/answer" && python3 - "$ROOT/answer" <<'P'
import json, platform, sys
spec = json.load(open(sys.argv[1]))["imageSpec"]
machine = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
wrong = (spec["architecture"], spec["os"], spec["config"]["Cmd"], spec["config"]["User"]) != (machine, "linux", ["/bin/id"], "web")
sys.exit(wrong and f"it says {spec}")
P
}
through_a_pipe() { cat "$1" | swiftlet images add piped:1 -; }
unreadable_input() { says "standard input is closed" closed_input && says "Is a directory" swiftlet images add piped:1 - </; }
closed_input() { swiftlet images add piped:1 - <&-; }
sparse_is_sparse() {
    local file
    file=$(find "$ROOT/d" -path '*/images/trees/*/var/sparse' | head -n 1)
    [ "$(stat -c %s "$file")" = 67108864 ] && [ "$(stat -c %b "$file")" -lt 1000 ]
}
