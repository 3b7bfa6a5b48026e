# Sourced by cri.sh: containers that are started again.

again_checks() {
    check "an ended container is started again, with what it wrote and its log" again_started
    check "one that runs is stopped and started, with its port" again_restarted
    check "what cannot be started again says why, and is as it was" again_refused
    check "one that is being stopped is started after that" again_after_stop
    check "many at once leave one" again_at_once
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
