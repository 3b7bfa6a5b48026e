# Sourced by run.sh: containers that are started again, by their user and by their policy.

again_checks() {
    check "an ended container is started again, with what it wrote and its log" again_started
    check "one that runs is stopped and started, with its port" again_restarted
    check "what cannot be started again says why, and is as it was" again_refused
    check "a failure is followed so often as its policy says" again_on_failure
    check "what ended well is left to itself by on-failure alone" again_always
    check "what its user has ended stays so, also with another daemon" again_stopped
    check "an end that no daemon saw is followed by the next one" again_unseen
    check "what a killed daemon was about to start again is started by the next one" again_killed
    check "its removal ends it for good" again_removed
}

starts_of() { swiftlet logs "$1" | grep -c start; }
# started NAME COUNT: it has said "start" so often.
started() { [ "$(starts_of "$1")" = "$2" ]; }
again_started() {
    swiftlet run --detach --name again busybox:demo sh -c 'echo start; echo x >>/tmp/kept; exit $(wc -l </tmp/kept)' && [ "$(swiftlet wait again)" = 1 ] &&
        [ "$(swiftlet start again)" = again ] && [ "$(swiftlet wait again)" = 2 ] && swiftlet start again && [ "$(swiftlet wait again)" = 3 ] && started again 3 &&
        [ "$(swiftlet ps --all --quiet --filter name=^again$ | wc -l)" = 1 ] && says "wrong: " swiftlet doctor && swiftlet rm again &&
        ends_with 1 swiftlet start again && ! find "$ROOT/d/runtime/containers" -name kept | grep .
}
again_restarted() {
    local process
    swiftlet run --detach --name page -p 18084:80 busybox:demo sh -c 'echo start; date +%s%N >>/www/index.html; exec httpd -f -p 80 -h /www' &&
        eventually 10 inside curl -sfm 2 -o "$ROOT/page" http://127.0.0.1:18084/ && [ "$(wc -l <"$ROOT/page")" = 1 ] || return 1
    process=$(process_of page)
    [ "$(swiftlet restart --time 0 page)" = page ] && [ "$(process_of page)" != "$process" ] && eventually 10 inside curl -sfm 2 -o "$ROOT/page" http://127.0.0.1:18084/ &&
        [ "$(wc -l <"$ROOT/page")" = 2 ] && [ "$(swiftlet start page)" = page ] && started page 2 && [ "$(swiftlet exec page wc -l </dev/null /www/index.html | cut -d ' ' -f 1)" = 2 ] &&
        swiftlet rm --force page
}
again_refused() {
    local status
    ends_with 125 swiftlet run --restart always busybox:demo true && grep -q -- --detach "$ROOT/said" && ends_with 125 swiftlet run -d --rm --restart always busybox:demo true &&
        ends_with 125 swiftlet run -d --restart sometimes busybox:demo true || return 1
    swiftlet run --detach --rm --name brief busybox:demo sleep 1000 && ends_with 1 swiftlet restart brief && grep -q -- --rm "$ROOT/said" && says '(run)/brief' swiftlet ps &&
        swiftlet rm --force brief || return 1
    swiftlet run --detach --name first -p 18085:80 busybox:demo sh -c 'echo start; exit 4' && [ "$(swiftlet wait first)" = 4 ] &&
        swiftlet run --detach --name second -p 18085:80 busybox:demo sleep 1000 && ends_with 1 swiftlet start first && grep -q "published by container second" "$ROOT/said" &&
        [ "$(swiftlet wait first)" = 4 ] && started first 1 && swiftlet rm --force second && swiftlet start first
    status=$?
    swiftlet wait first && started first 2 && swiftlet rm first && return "$status"
}
again_on_failure() {
    swiftlet run --detach --name fails --restart on-failure:2 busybox:demo sh -c 'echo start; exit 5' && eventually 20 started fails 3 &&
        eventually 10 says "exited (5)" swiftlet ps --all && eventually 10 restarts_are fails 2 || return 1
    # It has none left; its user begins anew.
    swiftlet start fails && eventually 20 started fails 6 && eventually 10 restarts_are fails 2 && started fails 6 && swiftlet rm fails
}
# restarts_are NAME COUNT: what is kept of it.
restarts_are() {
    swiftlet inspect "$1" | python3 -c '
import json, sys
sandbox, = json.load(sys.stdin)["sandboxes"]
assert sandbox["labels"]["swiftlet.dev/restarts"] == sys.argv[1], sandbox' "$2"
}
again_always() {
    swiftlet run --detach --name well --restart on-failure busybox:demo sh -c 'echo start' && swiftlet run --detach --name always --restart always busybox:demo sh -c 'echo start' &&
        eventually 20 started always 4 && started well 1 && swiftlet stop always && swiftlet rm always well
}
# Of one that its user ends, and one beside it that nobody does.
again_stopped() {
    local each
    for each in always unless-stopped; do swiftlet run --detach --name "$each" --restart "$each" busybox:demo sh -c 'echo start; exec sleep 1000' || return 1; done
    swiftlet run --detach --name beside --restart always busybox:demo sh -c 'echo start; exit 1' && swiftlet stop --time 0 always && swiftlet kill unless-stopped || return 1
    stop_server KILL
    start_server && each=$(starts_of beside) && eventually 60 more_starts beside "$((each + 1))" && started always 1 && started unless-stopped 1 && ! swiftlet ps --quiet --filter name=always | grep . &&
        swiftlet start always && eventually 10 started always 2 && kill -KILL "$(process_of always)" && eventually 10 started always 3 && swiftlet rm --force always unless-stopped beside
}
more_starts() { [ "$(starts_of "$1")" -ge "$2" ]; }
again_unseen() {
    local process
    swiftlet run --detach --name unseen --restart always busybox:demo sh -c 'echo start; exec sleep 1000' && eventually 10 started unseen 1 && process=$(process_of unseen) &&
        [ -n "$process" ] || return 1
    stop_server KILL
    kill -KILL "$process"
    start_server && eventually 10 started unseen 2 && swiftlet rm --force unseen
}
again_killed() {
    local each before
    swiftlet run --detach --name often --restart always busybox:demo sh -c 'echo start; echo x >>/tmp/kept; exit 1' || return 1
    for each in 1 2 3; do
        before=$(starts_of often)
        eventually 60 more_starts often "$((before + 1))" || return 1
        stop_server KILL
        start_server || return 1
    done
    before=$(starts_of often)
    eventually 60 more_starts often "$((before + 1))" && swiftlet stop often && [ "$(swiftlet ps --all --quiet --filter name=^often$ | wc -l)" = 1 ] &&
        says "wrong: " swiftlet doctor && before=$(starts_of often) && [ "$(cat "$ROOT"/d/runtime/containers/*/upper/tmp/kept | wc -l)" = "$before" ] && swiftlet rm often
}
again_removed() {
    swiftlet run --detach --name gone --restart always busybox:demo sh -c 'echo start; exit 1' && eventually 20 more_starts gone 2 && swiftlet rm --force gone && has_none &&
        swiftlet run --detach --name gone busybox:demo sleep 1000 && swiftlet rm --force gone && eventually 10 run_left_nothing
}
