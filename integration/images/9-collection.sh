# Sourced: a disk of images that fills up, and is emptied from 85 to 80 percent. Takes eleven minutes (an image is
# seen first at one look, and may go at the next, five minutes later), so it is run by hand: integration/images.sh --collect

small_disk() {
    mkdir -p "$ROOT/d"
    truncate -s 700M "$ROOT/disk" && mke2fs -q -t ext4 -m 0 "$ROOT/disk" && mount -o loop "$ROOT/disk" "$ROOT/d"
}
clean_up_disk() {
    KEEP=1 clean_up
    umount "$ROOT/d" && rm -rf "$ROOT"
}
# fill SHARE: so many percent of the disk are used then.
fill() {
    local used size
    read -r used size < <(df --output=used,size -k "$ROOT/d" | tail -n 1)
    fallocate -l $(((size * $1 / 100 - used) * 1024)) "$ROOT/d/filler"
}
used_share() { df --output=used,size -k "$ROOT/d" | awk 'END {printf "%d", $1 * 100 / $2}'; }
# An image whose layer of 30 MB nothing else has.
large_image() {
    local bundle=$ROOT/work
    umoci unpack --image "$ROOT/oci:base" "$bundle" >/dev/null
    head -c 30000000 /dev/urandom >"$bundle/rootfs/var/own"
    umoci repack --image "$ROOT/oci:$1" "$bundle" >/dev/null
    rm -rf "$bundle"
    push "$ROOT/oci:$1" "127.0.0.1:5000/$1:1"
}
has_image() { swiftlet images list -o json | grep -q "5000/$1:1"; }

collection() {
    local name
    for name in used pinned old1 old2 old3 old4; do large_image "$name" && swiftlet pull "127.0.0.1:5000/$name:1" >/dev/null 2>&1; done
    check "an image is pinned" swiftlet images pin 127.0.0.1:5000/pinned:1
    pod_of user 127.0.0.1:5000/used:1 && check "an image is used" runs user
    check "an image is added by hand" swiftlet images add own:1 "$ROOT/oci" --reference site
    fill 88
    check "the disk is filled to 85 percent and more" [ "$(used_share)" -ge 85 ]
    check "unused images go within eleven minutes" eventually 660 emptied
    check "to 80 percent, and no further than one image" [ "$(used_share)" -gt 70 ]
    check "what is pinned stays" has_image pinned
    check "what is used stays" has_image used
    check "what was added by hand stays" says own:1 swiftlet images list
    check "those that went come back" swiftlet pull 127.0.0.1:5000/old1:1
}
emptied() { [ "$(used_share)" -le 80 ]; }
