# Sourced: images of many layers, and of layers whose members lie where links of others lead.

layered() { python3 "$PARTS/layers.py" "$ROOT/oci" "$@" && swiftlet images add "layered:$1" "$ROOT/oci" --reference "$1"; }
edges() {
    check "an image of 131 layers is taken" layered many many
    check "a pod runs on it, and sees the topmost" many_run
    check "an image with links between its layers is taken" layered links links
    check "it shows what umoci unpacks" same_as_umoci docker.io/library/layered:links links
    check "a layer that is made anew stays with who runs on it" damaged_under_a_pod
}
many_run() {
    pod_of many layered:many 'imagePullPolicy: Never' && runs many && says 129 kubectl exec many -- cat /srv/last &&
        says 0 kubectl exec many -- cat /srv/n0 && kubectl delete pod many --wait=true >/dev/null
}
# Every file of its lowest layer is made anew, among them the shell that it runs.
damaged_under_a_pod() {
    local file
    pod_of onit layered:links 'imagePullPolicy: Never' && runs onit || return 1
    file=$(find "$ROOT/d" -path '*/images/trees/*/srv/gone' -type f | head -n 1)
    echo rotten >"$file"
    swiftlet images verify || return 1
    [ "$(cat "$file")" = base ] || { echo "it was not mended"; return 1; }
    says base kubectl exec onit -- cat /srv/old/file || return 1
    # The control: a file that nobody has looked at, taken away as it would be without care for who has the tree mounted.
    [ "$(find "$ROOT/d" -path '*/images/retired/*/tree' -prune -print | wc -l)" = 1 ] || { echo "nothing was kept"; return 1; }
    find "$ROOT/d" -path '*/images/retired/*/tree/etc/passwd.twin' -delete
    ! kubectl exec onit -- cat /etc/passwd.twin >/dev/null 2>&1 || { echo "the control was still there"; return 1; }
    kubectl delete pod onit --wait=true >/dev/null && swiftlet images prune >/dev/null
    [ -z "$(find "$ROOT/d" -path '*/images/retired/*/tree' -prune -print)" ]
}
