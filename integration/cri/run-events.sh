# Sourced by run.sh: what the node tells of what happens on it.

event_checks() {
    check "events told of a container's life" eventually 5 says '"action":"stopped"' grep '"kind":"container"' "$ROOT/events"
    check "events told of images" told_image
    check "events are lines for people too" told_people
    check "events of those alone that are meant" told_chosen
    check "a deletion says whose it was" told_deleted
    check "events of before" told_before
    check "an end that no daemon saw is told by the next one" told_unseen
    check "the newest are remembered, and that others are not is told" told_gap
}

told_image() {
    kill -0 "$EVENTS" 2>/dev/null || { swiftlet events -o json >"$ROOT/events" 2>&1 & EVENTS=$!; }
    eventually 15 tag_is_told
}
# Nothing says when the command has begun to listen.
tag_is_told() {
    swiftlet images tag busybox:demo other:1 && swiftlet images remove other:1 || return 1
    sleep 0.2
    says '"action":"tagged"' grep other:1 "$ROOT/events" && says '"action":"untagged"' grep other:1 "$ROOT/events"
}
end_is_told() {
    swiftlet run --name told busybox:demo sh -c 'exit 3' >/dev/null 2>&1
    sleep 0.2
    says "stopped   (run)/told/told  busybox:demo  exit code 3" cat "$1"
}
# told FILE WORDS...: the file has what events say with these options, an end among it.
told() {
    local events file=$1
    shift
    swiftlet events "$@" >"$file" 2>&1 &
    events=$!
    eventually 15 end_is_told "$file"
    local status=$?
    kill "$events"
    return "$status"
}
told_people() { told "$ROOT/lines" && grep -q " started " "$ROOT/lines" && grep -q " sandbox " "$ROOT/lines"; }
# The one that told_chosen has waited for, once; another comes later.
told_before() {
    local events status
    swiftlet events -o json --since 1h --filter event=die --filter container=told >"$ROOT/before" 2>&1 &
    events=$!
    eventually 10 grep -qs '"exitCode":3' "$ROOT/before" && swiftlet run --name told busybox:demo sh -c 'exit 4' >/dev/null
    eventually 10 grep -q '"exitCode":4' "$ROOT/before"
    status=$?
    kill "$events"
    [ "$status" = 0 ] && [ -z "$(sort "$ROOT/before" | uniq -d | tee /dev/stderr)" ] && ends_with 2 swiftlet events --since soon
}
told_chosen() {
    told "$ROOT/chosen" --filter container=told --filter event=die && ! grep -v " container  stopped " "$ROOT/chosen" && ends_with 2 swiftlet events --filter nonsense=1
}
told_deleted() { eventually 5 grep -q '"action":"deleted".*"kind":"container".*"name":"(run)/told/told"' "$ROOT/events"; }
# Its end is told first of all by the daemon that finds it.
told_unseen() {
    local process
    swiftlet run --detach --name unseen busybox:demo sleep 1000 && process=$(process_of unseen) && [ -n "$process" ] || return 1
    stop_server KILL
    kill -KILL "$process"
    start_server && told_since "$ROOT/seen" '"action":"stopped".*"exitCode":137.*"(run)/unseen/unseen"' && swiftlet rm unseen
}
# told_since FILE PATTERN: what has been, up to a line with the pattern, is in the file; what is said beside it in FILE.notes.
told_since() {
    local events status
    swiftlet events -o json --since 1h >"$1" 2>"$1.notes" &
    events=$!
    eventually 10 grep -qs -- "$2" "$1"
    status=$?
    kill "$events"
    return "$status"
}
# 700 names are given and taken away again.
told_gap() {
    told_since "$ROOT/all" '"name":"(run)/unseen' && ! grep '"kind":"events"' "$ROOT/all" || return 1
    python3 - "$ROOT/r/node.sock" <<'P' && told_since "$ROOT/newest" '"untagged".*many:700' && [ "$(head -n 1 "$ROOT/newest" | grep -c '"action":"missed"')" = 1 ] && grep -q "left out" "$ROOT/newest.notes"
import http.client, json, socket, sys
connection = http.client.HTTPConnection("node")
connection.sock = socket.socket(socket.AF_UNIX)
connection.sock.connect(sys.argv[1])
for number in range(1, 701):
    body = json.dumps({"name": "busybox:demo", "tag": f"many:{number}"})
    for call in [("POST", "/v1/images/tag", body), ("DELETE", f"/v1/images?name=many:{number}")]:
        connection.request(*call)
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        answer.read()
P
}
