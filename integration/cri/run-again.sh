# Sourced by cri.sh: containers that are started again.

again_checks() {
    check "an ended container is started again, with what it wrote and its log" again_started
    check "one that runs is stopped and started, with its port" again_restarted
    check "it keeps its ID, for whoever has it" again_same
    check "who follows its log does so to its final end" again_followed
    check "what cannot be started again says why, and is as it was" again_refused
    check "one that is being stopped is started after that" again_after_stop
    check "who interrupts a stop does not cut its grace short" again_interrupted
    check "many at once leave one" again_at_once
    check "a failure is followed so often as its policy says" again_on_failure
    check "what ended well is left to itself by on-failure alone" again_always
    check "who waits to be started again is listed as such, is not removed by mistake, and is ended by a signal" again_pausing
    check "what its user has ended stays so, also with another daemon" again_stopped
    check "an end that no daemon saw is followed by the next one" again_unseen
    check "a policy goes on where a killed daemon was about to act" again_cut
    check "tries that failed count for the next daemon too" again_tried
    check "its removal ends it for good" again_removed
    check "the machine's shutdown is the last word" again_shut_down
    check "a daemon that is killed meanwhile leaves it as it was or as it was wanted" again_killed
}

starts_of() { swiftlet logs "$1" | grep -c start; }
# started NAME COUNT: it has said "start" so often.
started() { [ "$(starts_of "$1")" = "$2" ]; }
containers_of() { swiftlet ps --all --no-trunc --quiet --filter "name=^$1$"; }
again_started() {
    swiftlet run --detach --name again -e COLOUR=blue busybox:demo sh -c 'echo start $COLOUR; echo x >>/tmp/kept; exit $(wc -l </tmp/kept)' && [ "$(swiftlet wait again)" = 1 ] &&
        [ "$(swiftlet start again)" = again ] && [ "$(swiftlet wait again)" = 2 ] && swiftlet start "$(containers_of again)" && [ "$(swiftlet wait again)" = 3 ] &&
        eventually 10 started again 3 && [ "$(swiftlet logs again | grep -c blue)" = 3 ] && eventually 10 says 'exited (3)' swiftlet ps --all &&
        eventually 10 one_of again && says "wrong: " swiftlet doctor && [ "$(ls "$ROOT"/d/runtime/containers | wc -l)" -le 2 ] && swiftlet rm again && ends_with 1 swiftlet start again &&
        [ -z "$(ls "$ROOT"/d/runtime/containers)" ]
}
one_of() { [ "$(containers_of "$1" | wc -l)" = 1 ]; }
again_restarted() {
    local process
    swiftlet run --detach --name page -p 18084:80 busybox:demo sh -c 'echo start; date +%s%N >>/www/index.html; exec httpd -f -p 80 -h /www' &&
        eventually 10 inside curl -sfm 2 -o "$ROOT/page" http://127.0.0.1:18084/ && [ "$(wc -l <"$ROOT/page")" = 1 ] || return 1
    process=$(process_of page)
    [ "$(swiftlet restart --time 0 page)" = page ] && [ "$(process_of page)" != "$process" ] && eventually 10 inside curl -sfm 2 -o "$ROOT/page" http://127.0.0.1:18084/ &&
        [ "$(wc -l <"$ROOT/page")" = 2 ] && [ "$(swiftlet start page)" = page ] && eventually 10 started page 2 &&
        [ "$(swiftlet exec page wc -l </dev/null /www/index.html | cut -d ' ' -f 1)" = 2 ] && swiftlet rm --force page
}
again_same() {
    local id each
    swiftlet run --detach --name same --cidfile "$ROOT/same" --restart always busybox:demo sh -c 'echo start; exec sleep 1000' && id=$(cat "$ROOT/same") && [ "$(containers_of same)" = "$id" ] &&
        [ "$(swiftlet restart -t 0 "$id")" = same ] && eventually 10 started "$id" 2 && kill -KILL "$(process_of same)" && eventually 10 started "$id" 3 && swiftlet stop -t 0 "$id" &&
        [ "$(swiftlet wait "$id")" = 137 ] && swiftlet start "$id" && eventually 10 started "$id" 4 || return 1
    stop_server KILL
    start_server && [ "$(swiftlet ps --quiet --no-trunc --filter "id=${id:0:12}")" = "$id" ] && swiftlet exec "${id:0:12}" true </dev/null && swiftlet inspect "$id" | python3 -c '
import json, os, sys
container, root = json.load(sys.stdin), sys.argv[1]
assert container["id"] == open(sys.argv[2]).read() and container["attemptId"] in os.listdir(root), container' "$ROOT/d/runtime/containers" "$ROOT/same" || return 1
    swiftlet events -o json --filter "container=$id" >"$ROOT/same.events" 2>&1 &
    each=$!
    eventually 10 restarts_are_told && kill "$each" && swiftlet rm --force "$id" && ends_with 1 swiftlet start "$id"
}
# Each restart ends and starts it, and makes and removes nothing.
restarts_are_told() {
    swiftlet restart -t 0 same && [ "$(grep -c '"action":"started"' "$ROOT/same.events")" -ge 2 ] && grep -q '"action":"stopped"' "$ROOT/same.events" && ! grep -qE '"action":"(created|deleted)"' "$ROOT/same.events"
}
again_followed() {
    local each following=
    swiftlet run --detach --name told busybox:demo sh -c 'echo start; exec sleep 1000' && swiftlet run --detach --name tries --restart on-failure:2 busybox:demo sh -c 'echo start; exit 3' || return 1
    for each in told tries; do
        swiftlet logs --follow "$each" >"$ROOT/followed.$each" 2>&1 &
        following="$following $!"
    done
    eventually 10 said_start told 1 && swiftlet restart -t 0 told && eventually 10 said_start told 2 && swiftlet restart -t 0 told && eventually 10 said_start told 3 && swiftlet stop -t 0 told || return 1
    # shellcheck disable=SC2086
    wait $following && said_start tries 3 && said_start told 3 && swiftlet rm told tries
}
# said_start NAME COUNT: whoever follows it has read "start" so often.
said_start() { [ "$(grep -c start "$ROOT/followed.$1")" = "$2" ]; }
again_refused() {
    local status
    swiftlet run --detach --rm --name brief busybox:demo sleep 1000 && ends_with 1 swiftlet restart brief && grep -q -- --rm "$ROOT/said" && says '(run)/brief' swiftlet ps &&
        swiftlet rm --force brief || return 1
    swiftlet run --detach --name first -p 18085:80 busybox:demo sh -c 'echo start; exit 4' && [ "$(swiftlet wait first)" = 4 ] &&
        swiftlet run --detach --name second -p 18085:80 busybox:demo sleep 1000 && ends_with 1 swiftlet start first && grep -q "published by container second" "$ROOT/said" &&
        [ "$(swiftlet wait first)" = 4 ] && started first 1 && one_of first && swiftlet rm --force second && swiftlet start first
    status=$?
    swiftlet wait first && eventually 10 started first 2 && swiftlet rm first && return "$status"
}
again_after_stop() {
    local stopping
    swiftlet run --detach --name slow busybox:demo sh -c 'echo start; trap "sleep 2; exit 6" TERM; echo ready; while :; do sleep 0.1; done' && eventually 10 says ready swiftlet logs slow || return 1
    swiftlet stop --time 30 slow >"$ROOT/stopped" 2>&1 &
    stopping=$!
    eventually 10 is_stopped slow && [ "$(swiftlet start slow)" = slow ] && wait "$stopping" && eventually 10 started slow 2 && says '(run)/slow' swiftlet ps && swiftlet rm --force slow
}
# is_stopped NAME: so it is written down.
is_stopped() { swiftlet inspect "$1" | grep -q '"swiftlet.dev/stopped": *"true"'; }
# It ends by itself, a long way into its grace.
again_interrupted() {
    local stopping
    swiftlet run --detach --name patient busybox:demo sh -c 'trap "echo asked" TERM; echo ready; while [ ! -e /tmp/go ]; do sleep 0.1; [ -e /tmp/tell ] && echo start; done; exit 6' &&
        eventually 10 says ready swiftlet logs patient || return 1
    swiftlet stop --time 300 patient >"$ROOT/stopped" 2>&1 &
    stopping=$!
    eventually 10 says asked swiftlet logs patient && kill "$(pgrep -f "^$BIN/swiftlet stop --data-dir $ROOT/d.*patient")" || return 1
    ! wait "$stopping" && swiftlet exec patient touch /tmp/tell </dev/null && eventually 30 more_starts patient 20 && swiftlet exec patient touch /tmp/go </dev/null && [ "$(swiftlet wait patient)" = 6 ] &&
        is_stopped patient && swiftlet rm patient
}
again_at_once() {
    local each job jobs=
    swiftlet run --detach --name many busybox:demo sh -c 'echo start; exec sleep 1000' || return 1
    for each in "start many" "restart -t 0 many" "stop -t 0 many" "start many" "kill many" "restart -t 0 many" "stop -t 0 many" "start many"; do
        # shellcheck disable=SC2086
        swiftlet $each >/dev/null 2>&1 &
        jobs="$jobs $!"
    done
    for job in $jobs; do wait "$job"; done
    swiftlet start many && one_of many && says '(run)/many' swiftlet ps && says "wrong: " swiftlet doctor && swiftlet stop -t 0 many && ! swiftlet ps --quiet --filter name=^many$ | grep . &&
        swiftlet rm many && eventually 10 has_none && [ -z "$(ls "$ROOT"/d/runtime/containers)" ]
}
again_killed() {
    local pause
    swiftlet run --detach --name cut busybox:demo sleep 1000 && swiftlet exec cut touch /tmp/kept || return 1
    for pause in 0 0.01 0.02 0.03 0.05 0.08 0.12; do
        swiftlet restart -t 0 cut >/dev/null 2>&1 &
        local asking=$!
        sleep "$pause"
        stop_server KILL
        wait "$asking"
        start_server && swiftlet start cut && one_of cut && says '(run)/cut' swiftlet ps && says "wrong: " swiftlet doctor || return 1
    done
    swiftlet exec cut test -e /tmp/kept && swiftlet rm --force cut && [ -z "$(ls "$ROOT"/d/runtime/containers)" ]
}

again_on_failure() {
    ends_with 125 swiftlet run --restart always busybox:demo true && grep -q -- --detach "$ROOT/said" && ends_with 125 swiftlet run -d --rm --restart always busybox:demo true &&
        ends_with 125 swiftlet run -d --restart sometimes busybox:demo true || return 1
    swiftlet run --detach --name fails --restart on-failure:2 busybox:demo sh -c 'echo start; exit 5' && eventually 20 started fails 3 && eventually 10 restarts_are fails 2 || return 1
    # It has none left; its user begins anew.
    swiftlet start fails && eventually 20 started fails 6 && eventually 10 restarts_are fails 2 && started fails 6 && swiftlet rm fails
}
# restarts_are NAME COUNT: it has ended after so many.
restarts_are() {
    swiftlet inspect "$1" | python3 -c '
import json, sys
container, = json.load(sys.stdin)["containers"]
assert container["state"] == "exited" and container["labels"]["swiftlet.dev/restarts"] == sys.argv[1], container' "$2" 2>/dev/null
}
again_always() {
    swiftlet run --detach --name well --restart on-failure busybox:demo sh -c 'echo start' && swiftlet run --detach --name always --restart always busybox:demo sh -c 'echo start' &&
        eventually 20 more_starts always 4 && started well 1 && swiftlet stop always && swiftlet rm always well
}
# While it waits for its next start, which takes longer each time.
again_pausing() {
    swiftlet run --detach --name pausing --restart always busybox:demo sh -c 'exit 4' && eventually 60 restarted pausing 6 && eventually 10 says 'restarting (4)' swiftlet ps &&
        swiftlet ps --quiet --filter status=restarting | grep . && ends_with 1 swiftlet rm pausing && swiftlet kill pausing && eventually 10 says 'exited (4)' swiftlet ps --all &&
        ! swiftlet ps | grep pausing && swiftlet rm pausing
}
# restarted NAME COUNT: it was started again so often.
restarted() { swiftlet ps --all | awk -v name="$1" -v count="$2" '$2 == "(run)/" name && $(NF - 1) >= count { found = 1 } END { exit !found }'; }
more_starts() { [ "$(starts_of "$1")" -ge "$2" ]; }
# Two that their user ends, and one beside them that nobody does.
again_stopped() {
    local each
    for each in always unless-stopped; do swiftlet run --detach --name "$each" --restart "$each" busybox:demo sh -c 'echo start; exec sleep 1000' || return 1; done
    swiftlet run --detach --name beside --restart always busybox:demo sh -c 'echo start; exit 1' && eventually 10 started always 1 && eventually 10 started unless-stopped 1 &&
        swiftlet stop --time 0 always && swiftlet kill unless-stopped || return 1
    stop_server KILL
    start_server && each=$(starts_of beside) && eventually 60 more_starts beside "$((each + 1))" && started always 1 && started unless-stopped 1 &&
        ! swiftlet ps --quiet --filter name=always | grep . && swiftlet start always && eventually 10 started always 2 && kill -KILL "$(process_of always)" &&
        eventually 10 started always 3 && swiftlet rm --force always unless-stopped beside
}
again_unseen() {
    local process
    swiftlet run --detach --name unseen --restart always busybox:demo sh -c 'echo start; exec sleep 1000' && eventually 10 started unseen 1 && process=$(process_of unseen) &&
        [ -n "$process" ] || return 1
    stop_server KILL
    kill -KILL "$process"
    start_server && eventually 10 started unseen 2 && swiftlet rm --force unseen
}
again_cut() {
    local each before
    swiftlet run --detach --name often --restart always busybox:demo sh -c 'echo start; exit 1' || return 1
    for each in 1 2 3; do
        before=$(starts_of often)
        eventually 60 more_starts often "$((before + 1))" || return 1
        stop_server KILL
        start_server || return 1
    done
    before=$(starts_of often)
    eventually 60 more_starts often "$((before + 1))" && swiftlet stop often && one_of often && says "wrong: " swiftlet doctor && swiftlet rm often &&
        [ -z "$(ls "$ROOT"/d/runtime/containers)" ]
}
# Its volume goes while it runs.
again_tried() {
    local before
    mkdir -p "$ROOT/there" && swiftlet run --detach --name tried --restart on-failure:8 -v "$ROOT/there:/v" busybox:demo sh -c 'until [ -e /tmp/go ]; do sleep 0.1; done; exit 4' &&
        rmdir "$ROOT/there" && swiftlet exec tried touch /tmp/go </dev/null && eventually 20 has_tried 3 && before=$(tries) || return 1
    stop_server KILL
    start_server && says 'restarting (4)' swiftlet ps && eventually 30 is_not_at "$before" && eventually 90 is_left_to_itself || return 1
    stop_server KILL
    mkdir "$ROOT/there" && start_server && is_left_to_itself && swiftlet start tried && swiftlet rm --force tried
}
tries() { swiftlet inspect --format '{{index .sandboxes.0.labels "swiftlet.dev/restart-failed"}}' tried | cut -d ' ' -f 2 | grep . || echo 0; }
has_tried() { [ "$(tries)" -ge "$1" ]; }
is_not_at() { [ "$(tries)" != "$1" ]; }
is_left_to_itself() { [ "$(tries)" = 8 ] && [ "$(swiftlet ps --all --filter name=tried --format '{{.Status}}')" = 'exited (4)' ]; }
again_removed() {
    swiftlet run --detach --name gone --restart always busybox:demo sh -c 'echo start; exit 1' && eventually 20 more_starts gone 2 && swiftlet rm --force gone && has_none &&
        swiftlet run --detach --name gone busybox:demo sleep 1000 && swiftlet rm --force gone && eventually 10 run_left_nothing
}
again_shut_down() {
    local before
    swiftlet run --detach --name runs --restart always busybox:demo sh -c 'echo start; exec sleep 1000' && swiftlet run --detach --name loops --restart always busybox:demo sh -c 'echo start; exit 1' &&
        eventually 20 more_starts loops 2 && eventually 10 started runs 1 && swiftlet shutdown && before=$(starts_of loops) && ! swiftlet ps --quiet | grep . || return 1
    stop_server
    start_server && ! swiftlet ps --quiet | grep . && started loops "$before" && started runs 1 && swiftlet rm runs loops
}
