# Sourced: images pushed to Debian's registry and exported to archives, and taken back by others.

handing_on() {
    check "everything goes" swiftlet images prune --all
    check "an image is pulled" swiftlet pull 127.0.0.1:5000/large:1
    check "under another name it is pushed" push_renamed
    check "it is there byte by byte" same_digest 127.0.0.1:5000/large:1 127.0.0.1:5000/handed/large:2
    check "its layers were taken over, and nothing was sent" taken_over
    check "to an empty registry all of it goes, in parts" push_elsewhere
    check "skopeo finds it whole" same_digest 127.0.0.1:5000/large:1 127.0.0.1:5001/handed/large:1 --creds user:secret
    check "a second time nothing is sent" says "already there" with_credentials secret
    check "an image goes whose layers were there in another packing" push_packed_otherwise
    check "a wrong password is refused" says "401" with_credentials wrong
    check "a push goes on when the registry comes back" push_survives
    check "what umoci unpacks of the archive is the image" exported_to_umoci
    check "skopeo takes the archive as a layout" skopeo_takes oci-archive:
    check "and as one of docker" skopeo_takes docker-archive:
    check "it comes back as it was" export_and_add
    check "a directory that became an image is pushed" push_directory
    check "an image that is not there is named" says "nowhere:1 is not on this node" swiftlet images export nowhere:1 -o "$ROOT/no.tar"
    check "no half archive is left" [ ! -e "$ROOT/no.tar" ] && [ ! -e "$ROOT/no.tar.part" ]
}
push_renamed() { swiftlet images tag 127.0.0.1:5000/large:1 127.0.0.1:5000/handed/large:2 && swiftlet images push 127.0.0.1:5000/handed/large:2 2>"$ROOT/push.err"; }
taken_over() { [ "$(grep -c 'already there' "$ROOT/push.err")" -ge 3 ]; }
digest_of() { inside skopeo inspect --tls-verify=false --format '{{.Digest}}' "${@:2}" "docker://$1"; }
same_digest() { [ "$(digest_of "$1")" = "$(digest_of "$2" "${@:3}")" ]; }
push_packed_otherwise() {
    swiftlet pull 127.0.0.1:5000/site:oci && swiftlet pull 127.0.0.1:5000/site:zstd && swiftlet images tag 127.0.0.1:5000/site:zstd 127.0.0.1:5001/handed/site:zstd &&
        echo secret | swiftlet images push 127.0.0.1:5001/handed/site:zstd --username user || return 1
    same_digest 127.0.0.1:5000/site:zstd 127.0.0.1:5001/handed/site:zstd --creds user:secret
}
with_credentials() { echo "$1" | swiftlet images push 127.0.0.1:5001/handed/large:1 --username user; }
push_elsewhere() { swiftlet images tag 127.0.0.1:5000/large:1 127.0.0.1:5001/handed/large:1 && with_credentials secret; }
# Through the slow line, which ends with the registry.
push_survives() {
    swiftlet images tag 127.0.0.1:5000/large:1 127.0.0.1:5002/slow/large:1
    inside curl -s -o /dev/null http://127.0.0.1:5002/v2/ || return 1
    swiftlet images push 127.0.0.1:5002/slow/large:1 2>"$ROOT/push.err" &
    local push=$!
    eventually 10 [ -s "$ROOT/push.err" ] || return 1
    stop_helper line && stop_helper open
    sleep 1
    start_registry 5000 open && start_line
    wait "$push" && grep -q "goes on after" "$ROOT/push.err" || { cat "$ROOT/push.err"; return 1; }
    same_digest 127.0.0.1:5000/large:1 127.0.0.1:5000/slow/large:1
}
export_large() { [ -s "$ROOT/export.tar" ] || swiftlet images export 127.0.0.1:5000/large:1 -o "$ROOT/export.tar"; }
exported_to_umoci() {
    export_large || return 1
    rm -rf "$ROOT/exported" && mkdir "$ROOT/exported" && tar -xf "$ROOT/export.tar" -C "$ROOT/exported" || return 1
    umoci unpack --image "$ROOT/exported:1" "$ROOT/exported.bundle" >/dev/null || return 1
    rm -rf "$ROOT/unpacked" && umoci unpack --image "$ROOT/oci:large" "$ROOT/unpacked" >/dev/null
    diff <(tree_of "$ROOT/unpacked/rootfs") <(tree_of "$ROOT/exported.bundle/rootfs")
}
skopeo_takes() {
    export_large && rm -rf "$ROOT/taken" && skopeo --insecure-policy copy -q "$1$ROOT/export.tar" "dir:$ROOT/taken" &&
        [ "$(find "$ROOT/taken" -size +30M | wc -l)" -ge 1 ]
}
export_and_add() {
    local before after
    export_large
    before=$(swiftlet inspect 127.0.0.1:5000/large:1 2>/dev/null | sha256sum; swiftlet images list -o json | grep -o '"id": *"[^"]*"' | sort)
    swiftlet images prune --all >/dev/null
    swiftlet images add 127.0.0.1:5000/large:1 "$ROOT/export.tar" || return 1
    after=$(swiftlet images list -o json | grep -o '"id": *"[^"]*"' | sort)
    grep -qF "$(head -n 1 <<<"$after")" <<<"$before" && same_as_umoci 127.0.0.1:5000/large:1 large
}
push_directory() {
    swiftlet images add 127.0.0.1:5000/made:1 "$ROOT/unpacked/rootfs" && swiftlet images push 127.0.0.1:5000/made:1 &&
        swiftlet images remove 127.0.0.1:5000/made:1 && swiftlet pull 127.0.0.1:5000/made:1 || return 1
    same_as_umoci 127.0.0.1:5000/made:1 large
}
