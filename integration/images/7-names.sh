# Sourced: names that are no UTF-8, and names that only look alike, in layers and of containers' own making.

names() {
    check "an image whose names are no UTF-8 is taken" layered bytes bytes
    check "it shows what umoci unpacks, byte for byte" same_as_umoci docker.io/library/layered:bytes bytes
    check "a container sees the bytes" bytes_are_seen
    check "a directory of such names is packed as umoci reads it" bytes_are_packed
    check "what a container names by any bytes is taken away with its pod" any_bytes_are_removed
}
bytes_are_seen() {
    pod_of bytes layered:bytes 'imagePullPolicy: Never' && runs bytes || return 1
    diff <(kubectl exec bytes -- find /srv | LC_ALL=C sort | od -c) <(printf '%b\n' /srv /srv/gone /srv/link /srv/old /srv/old/file '/srv/n\0377' \
        '/srv/n\0377/caf\0351' '/srv/twin\0376' '/srv/\0303\0251' '/srv/e\0314\0201' | LC_ALL=C sort | od -c) &&
        says latin kubectl exec bytes -- cat /srv/link && kubectl delete pod bytes --wait=true >/dev/null
}
# The tree that umoci has unpacked, with a name on top of it that no ustar header holds.
bytes_are_packed() {
    local rootfs=$ROOT/unpacked/rootfs long
    long=$(printf '\351%.0s' {1..150})
    mkdir "$rootfs/srv/$long" && ln -s "$long/$long" "$rootfs/srv/$long/link" || return 1
    swiftlet images add bytes:packed "$rootfs" && swiftlet images export bytes:packed -o "$ROOT/bytes.tar" || return 1
    skopeo --insecure-policy copy -q "oci-archive:$ROOT/bytes.tar" "oci:$ROOT/oci:packed" >/dev/null
    diff <(tree_of "$rootfs") <(umoci unpack --image "$ROOT/oci:packed" "$ROOT/again" >/dev/null && tree_of "$ROOT/again/rootfs")
}
# In its own layer, in a volume, and as groups beneath its own.
any_bytes_are_removed() {
    local before
    before=$(wild_files)
    pod_of wild layered:bytes 'imagePullPolicy: Never, securityContext: {privileged: true, runAsUser: 0}, volumeMounts: [{name: v, mountPath: /v}]' \
        'volumes: [{name: v, emptyDir: {}}],' && runs wild || return 1
    # shellcheck disable=SC2016  # the container's shell reads it
    kubectl exec wild -- sh -c 'n=$(printf "\377"); for d in /srv /v /sys/fs/cgroup; do
        /bin/busybox mkdir -p "$d/$n/$n" || exit 1; done; echo 1 >"/v/$n/$n/$n" && echo 1 >"/srv/$n/$n/$n"' || return 1
    [ "$(wild_files)" = $((before + 6)) ] && [ "$(wild_groups)" = 2 ] || { echo "they were not made"; return 1; }
    kubectl delete pod wild --wait=true >/dev/null && eventually 10 nothing_wild "$before"
}
wild_files() { LC_ALL=C find "$ROOT/d" "$ROOT/r" -name "$(printf '\377')" | wc -l; }
wild_groups() { LC_ALL=C find "$(findmnt -nt cgroup2 -o TARGET | head -n 1)" -path "*swiftlet-$INSTANCE*" -name "$(printf '\377')" | wc -l; }
nothing_wild() { [ "$(wild_groups)" = 0 ] && [ "$(wild_files)" = "$1" ]; }
