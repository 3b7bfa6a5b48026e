# Sourced: pulls that are cut, by the registry's end and by the daemon's, and layers that rot.

# The packed layer of 40 MB is held on the line once a fourth of it has come, until what is to happen meanwhile has happened.
large_has_begun() { [ "$(carried)" -gt $((BEFORE + 10000000)) ]; }
hold_line() { echo $((BEFORE + 10500000)) >"$ROOT/line.count.hold"; }
release_line() { rm -f "$ROOT/line.count.hold"; }
forget_large() {
    release_line
    swiftlet images remove 127.0.0.1:5002/large:1 >/dev/null 2>&1
    swiftlet images prune --all >/dev/null
    BEFORE=$(carried)
}

faults() {
    forget_large
    check "a pull goes on when the registry comes back" registry_dies
    check "what had come was not fetched again" [ $(($(carried) - BEFORE)) -lt 52000000 ]
    check "the image is whole" same_as_umoci 127.0.0.1:5002/large:1 large
    forget_large
    check "a pull survives the daemon's death" daemon_dies
    check "what had come was not fetched again" [ $(($(carried) - BEFORE)) -lt 52000000 ]
    check "the image is whole" same_as_umoci 127.0.0.1:5002/large:1 large
    forget_large
    check "a slow pull holds up neither others nor pods" slow_pull_alone
    forget_large
    check "a pod that is deleted waits for no pull" deletion_waits_not
    forget_large
    check "an image brought by hand starts pods while its name is pulled" hand_starts_meanwhile
    check "also when the daemon died in the middle of the pull" hand_starts_after_death
    check "the pull goes on and brings the other image" hand_gives_way
    release_line
    check "a layer that had come whole when the daemon died is taken as it is" whole_is_taken
    check "a rotten file in a layer is mended from the packed layer" mends_itself
    check "the same without the packed layer is told" rot_is_told
    check "the next daemon finds it too" rot_outlives_the_daemon
    check "pulling again fetches that layer alone" heals_by_pull
    check "a tree that vanished is made again at the start" heals_at_start
}
registry_dies() {
    hold_line
    swiftlet pull 127.0.0.1:5002/large:1 2>"$ROOT/pull.err" &
    local pull=$!
    eventually 10 large_has_begun || return 1
    stop_helper line && stop_helper open
    release_line
    sleep 1
    start_registry 5000 open && start_line
    wait "$pull" && grep -q "goes on after" "$ROOT/pull.err" || { cat "$ROOT/pull.err" "$ROOT/line.log" "$ROOT/open.log"; return 1; }
}
much_is_kept() { [ -n "$(find "$ROOT/d" -path '*/images/partial/*' -size +5M)" ]; }
daemon_dies() {
    hold_line
    swiftlet pull 127.0.0.1:5002/large:1 >/dev/null 2>&1 &
    local pull=$!
    eventually 10 much_is_kept || return 1
    stop_server KILL
    release_line
    wait "$pull" && return 1
    start_server || return 1
    much_is_kept || { echo "nothing was kept"; return 1; }
    swiftlet pull 127.0.0.1:5002/large:1
}
slow_pull_alone() {
    hold_line
    swiftlet pull 127.0.0.1:5002/large:1 >/dev/null 2>&1 &
    local slow=$!
    eventually 10 large_has_begun || return 1
    swiftlet pull 127.0.0.1:5000/site:zstd && kubectl delete pod site --wait=true --ignore-not-found >/dev/null && pods >/dev/null || return 1
    kill -0 "$slow" 2>/dev/null || { echo "the slow pull was over before"; return 1; }
    release_line
    wait "$slow"
}
deletion_waits_not() {
    hold_line
    pod_of slow 127.0.0.1:5002/large:1 && eventually 20 large_has_begun || return 1
    kubectl delete pod slow --wait=true --timeout=20s >/dev/null && ! swiftlet images list -o json | grep -q large:1 || return 1
    release_line
    # What had come is kept for the next.
    swiftlet pull 127.0.0.1:5002/large:1
}
# Under the large image's name; a pod asks for the large one itself, and the line holds that back.
hand_starts_meanwhile() {
    swiftlet images add 127.0.0.1:5002/large:1 "$ROOT/oci" --reference base || return 1
    hold_line
    pod_of slow 127.0.0.1:5002/large:1 'imagePullPolicy: Always' && eventually 20 large_has_begun || return 1
    pod_of present 127.0.0.1:5002/large:1 'imagePullPolicy: IfNotPresent' && pod_of never 127.0.0.1:5002/large:1 'imagePullPolicy: Never' &&
        runs present && runs never && slow_waits
}
slow_waits() { [ "$(waiting slow reason)" = ContainerCreating ]; }
hand_starts_after_death() {
    stop_server KILL
    start_server || return 1
    pod_of later 127.0.0.1:5002/large:1 'imagePullPolicy: Never' && runs later && slow_waits
}
hand_gives_way() {
    release_line
    runs slow && [ "$(image_of slow)" != "$(image_of later)" ] && swiftlet images verify &&
        kubectl delete pod slow present never later --wait=true >/dev/null
}
layer_file() { find "$ROOT/d" -path '*/images/trees/*/var/large' | head -n 1; }
packed_layer() { find "$ROOT/d" -path '*/images/blobs/*' -size +30M | head -n 1; }
# A registry has nothing to give of it: asked for what lies behind the last byte it answers 416.
whole_is_taken() {
    local blob
    blob=$(packed_layer) && cp "$blob" "$ROOT/whole" && forget_large && mv "$ROOT/whole" "$(dirname "$blob")/../partial/$(basename "$blob")" &&
        swiftlet pull 127.0.0.1:5002/large:1 && [ $(($(carried) - BEFORE)) -lt 10000000 ] && same_as_umoci 127.0.0.1:5002/large:1 large
}
rot() { printf 'rotten' | dd of="$1" bs=1 seek=1000 conv=notrunc status=none; }
mends_itself() {
    rot "$(layer_file)"
    swiftlet images verify && same_as_umoci 127.0.0.1:5002/large:1 large
}
rot_is_told() {
    rot "$(layer_file)" && rot "$(packed_layer)"
    ! swiftlet images verify >"$ROOT/verify" 2>&1 && grep -q "large:1 damaged" "$ROOT/verify"
}
rot_outlives_the_daemon() {
    stop_server KILL
    start_server && eventually 20 grep -q "large:1.*image damaged; pull it again" "$ROOT/log"
}
heals_by_pull() {
    swiftlet pull 127.0.0.1:5002/large:1 2>"$ROOT/pull.err" || { cat "$ROOT/pull.err" "$ROOT/line.log" "$ROOT/open.log"; return 1; }
    [ "$(grep -c 'already there' "$ROOT/pull.err")" = 1 ] && swiftlet images verify
}
heals_at_start() {
    local tree
    tree=$(dirname "$(dirname "$(layer_file)")")
    stop_server KILL
    rm -rf "$tree"
    start_server || return 1
    eventually 20 test -e "$tree/var/large" && eventually 5 swiftlet images verify
}
