# Sourced: archives that try to get out of their layer. Each has a control: the same archive, unpacked by a program that trusts it, does what it is meant to.

attacks() {
    local name
    for name in dotdot absolute symlink marked nested hardlink; do
        check "$name: nothing outside is touched" stays_inside "$name"
        check "$name: nor as a root file system's archive" root_stays_inside "$name"
        check "$name: the control gets out" gets_out "$name"
    done
    check "a device is made as the image's, not the host's" device_is_inert
    check "a bomb of bytes is stopped" bomb_is_stopped
    check "the store works on" swiftlet pull 127.0.0.1:5000/base:1
}
hostile_layout() {
    rm -rf "$ROOT/hostile" "$ROOT/target"
    mkdir -p "$ROOT/target"
    echo untouched >"$ROOT/target/file"
    python3 "$PARTS/hostile.py" "$1" "$ROOT/hostile" "$ROOT/target"
}
stays_inside() {
    hostile_layout "$1"
    swiftlet images add "hostile:$1" "$ROOT/hostile" >"$ROOT/answer" 2>&1
    target_is_untouched
}
root_stays_inside() {
    local layer
    hostile_layout "$1"
    layer=$(grep -LF schemaVersion "$ROOT/hostile/blobs/sha256"/* | xargs grep -lF ustar) || return 1
    swiftlet images add "hostile:$1" "$layer" >"$ROOT/answer" 2>&1
    target_is_untouched
}
target_is_untouched() {
    [ "$(ls -A "$ROOT/target")" = file ] && [ "$(cat "$ROOT/target/file")" = untouched ]
}
gets_out() {
    hostile_layout "$1"
    mkdir -p "$ROOT/trusting/a/b/c"
    python3 "$PARTS/hostile.py" --unpack "$ROOT/hostile" "$ROOT/trusting/a/b/c"
    local out
    out=$(ls -A "$ROOT/target")$(cat "$ROOT/target/file")
    rm -rf "$ROOT/trusting"
    [ "$out" != fileuntouched ]
}
device_is_inert() {
    hostile_layout device
    swiftlet images add hostile:device "$ROOT/hostile" || return 1
    local node
    node=$(find "$ROOT/d" -path '*/images/trees/*/dev/kmem' | head -n 1)
    [ -n "$node" ] && [ "$(stat -c %F "$node")" = "character special file" ] &&
        [ "$(stat -c %a "$ROOT/d")" != 777 ]
}
bomb_is_stopped() {
    hostile_layout bomb
    local before after
    before=$(df --output=avail -k "$ROOT" | tail -n 1)
    says "is the limit" swiftlet images add hostile:bomb "$ROOT/hostile" || return 1
    after=$(df --output=avail -k "$ROOT" | tail -n 1)
    [ $((before - after)) -lt 1000000 ]
}
