# Sourced by run.sh: containers that go on without the command that started them, and what is asked of them.

detached_checks() {
    check "a detached container tells its name and goes on" run_detached
    check "its log, and commands in it" run_asked
    check "a log from a time on, and its last lines" run_log_parts
    check "a command in it that goes on without who began it, and ends with it" run_command_detached
    check "exit codes are waited for" run_waited
    check "a detached one is joined, and ends with its exit code" run_joined
    check "whoever leaves it leaves it running" run_left
    check "a terminal is left by its keys" run_left_by_keys
    check "and though its program takes nothing of what is typed" run_left_held_up
    check "what comes from a pipe is the program's, keys that leave a terminal too" run_keys_piped
    check "images by their ids alone" run_image_ids
    check "lists of those alone that are meant, and as they are wanted" run_listed
    check "commands and ports are listed, and those that were made last" run_listed_last
    check "several are inspected at once, and parts of them" run_inspected
    check "an image, as all that is known of it" run_image_inspected
    check "what it uses, without a kubelet too" eventually 10 says "(run)/apart" swiftlet stats --once
    check "it is the same after the daemon was killed" run_taken_up
    check "and after it was stopped, which it does in order" run_stopped
    check "its end is seen, and it stays" run_ended
    check "one that runs is removed by force alone" run_removed
    check "one that was to go at its end is gone" run_gone
    check "what cannot be started leaves nothing" run_not_started
    check "the log of one whose record cannot be read stays, and the doctor tells" run_unreadable
}

run_detached() {
    [ "$(swiftlet run -d --name apart -p 18081:80 busybox:demo sh -c \
        'echo first; echo second >&2; echo page >/www/index.html; httpd -p 80 -h /www; exec sleep 1000')" = apart ] &&
        eventually 15 says page inside curl -sfm 2 http://127.0.0.1:18081/ && says '(run)/apart' swiftlet ps &&
        says "runs already" swiftlet run -d --name apart busybox:demo true
}
# What comes on two pipes comes in either order.
both_logged() { says first swiftlet logs apart && says second swiftlet logs '(run)/apart'; }
run_asked() {
    eventually 5 both_logged && [ "$(swiftlet logs '(run)/apart' --tail 1 2>&1 | wc -l)" = 1 ] && says page swiftlet exec apart cat /www/index.html &&
        ends_with 5 swiftlet exec "$(swiftlet ps -q)" -- sh -c 'exit 5' && says '"sandboxes"' swiftlet inspect apart
}
# process_of NAME
process_of() { swiftlet ps -o json | python3 -c 'import json, sys; print(*(c["pid"] for c in json.load(sys.stdin) if c["pod"] == "(run)/" + sys.argv[1]))' "$1"; }
run_log_parts() {
    local time
    swiftlet run --detach --name parts busybox:demo sh -c 'echo one; echo two; sleep 1.1; echo three' >/dev/null && [ "$(swiftlet wait parts)" = 0 ] &&
        eventually 10 says three swiftlet logs parts || return 1
    time=$(swiftlet logs --timestamps --tail 1 parts | cut -d ' ' -f 1)
    [ "$(swiftlet logs --tail 2 parts | xargs)" = "two three" ] && [ "$(swiftlet logs -n 1 parts)" = three ] && [ "$(swiftlet logs --since "$time" parts)" = three ] &&
        [ "$(swiftlet logs --since 1h --tail all parts | xargs)" = "one two three" ] && ends_with 2 swiftlet logs --since soon parts && swiftlet rm parts
}
run_command_detached() {
    swiftlet run --detach --name begun busybox:demo sleep 1000 || return 1
    # Its output has no bounds, and nobody takes it.
    [ -z "$(swiftlet exec -d -e WORD=heard -w /tmp begun sh -c 'cat >typed; echo $WORD >said; yes | head -c 10000000; echo through >went; exec sleep 7654' 2>&1)" ] &&
        eventually 10 says through swiftlet exec begun cat /tmp/went && says heard swiftlet exec begun cat /tmp/said && swiftlet exec begun test ! -s /tmp/typed || return 1
    ends_with 127 swiftlet exec --detach begun no-such-command && grep -q "no-such-command" "$ROOT/said" && ends_with 2 swiftlet exec -dit begun sh &&
        ends_with 1 swiftlet exec -d none true && pgrep -fx 'sleep 7654' >/dev/null || return 1
    stop_server KILL
    start_server && pgrep -fx 'sleep 7654' >/dev/null && swiftlet exec begun sh -c 'grep -l [7]654 /proc/[0-9]*/cmdline' && swiftlet stop --time 0 begun && ! pgrep -fx 'sleep 7654' &&
        ends_with 1 swiftlet exec -d begun true && grep -q "does not run" "$ROOT/said" && swiftlet rm begun
}
run_waited() {
    swiftlet run --detach --rm --name first busybox:demo sh -c 'until [ -e /tmp/go ]; do sleep 0.1; done; exit 3' >/dev/null &&
        swiftlet run --detach --name second busybox:demo sh -c 'exit 4' >/dev/null || return 1
    swiftlet wait first second >"$ROOT/codes" 2>&1 &
    local waiter=$!
    [ "$(swiftlet wait second)" = 4 ] && kill -0 "$waiter" && swiftlet exec first touch /tmp/go && wait "$waiter" &&
        [ "$(xargs <"$ROOT/codes")" = "3 4" ] && swiftlet rm second && ends_with 1 swiftlet wait none || { cat "$ROOT/codes"; return 1; }
}
# What is typed first may come before it is joined.
run_joined() {
    swiftlet run --detach -i --name joined busybox:demo sh -c 'while read line; do echo "got $line"; [ "$line" != end ] || exit 5; done' &&
        echo end | ends_with 5 swiftlet attach joined && grep -q "got end" "$ROOT/said" && ends_with 1 swiftlet attach joined && swiftlet rm joined &&
        ends_with 1 swiftlet attach none && grep -q "no container none" "$ROOT/said" || return 1
    start_sleep busy || return 1
    ends_with 1 swiftlet attach busy && grep -q "the command that runs it" "$ROOT/said"
    local status=$?
    kill -KILL "$(command_of "--name busy")" && wait "$SLEEP"
    eventually 10 is_gone busy && return "$status"
}
is_gone() { ! swiftlet ps --all --filter "name=^$1$" --quiet | grep -q .; }
run_left() {
    swiftlet run --detach --name ticks busybox:demo sh -c 'while :; do echo tick; sleep 0.2; done' || return 1
    swiftlet attach ticks >"$ROOT/ticks" 2>&1 &
    local joined=$!
    eventually 10 grep -q tick "$ROOT/ticks" && pkill -TERM -f "^$BIN/swiftlet attach --data-dir $ROOT/d" && ! wait "$joined" &&
        says '(run)/ticks' swiftlet ps && swiftlet rm --force ticks
}
run_left_by_keys() {
    swiftlet run --detach -it --name shell busybox:demo sh &&
        inside timeout -k 5 90 python3 integration/cri/terminal.py 'echo $((40 + 2))\r' '42\r' '\x10\x11' "$BIN/swiftlet" attach --data-dir "$ROOT/d" --run-dir "$ROOT/r" \
            --config-dir "$ROOT/c" shell && says '(run)/shell' swiftlet ps || return 1
    # ctrl-p alone is the program's: with it the shell has its last line again.
    inside timeout -k 5 90 python3 integration/cri/terminal.py '\x10\r' '42\r' 'exit 3\r' "$BIN/swiftlet" attach --data-dir "$ROOT/d" --run-dir "$ROOT/r" --config-dir "$ROOT/c" shell
    [ $? = 3 ] && swiftlet rm shell
}
# The paste is more than all buffers on the way take.
run_left_held_up() {
    swiftlet run --detach -it --name deaf busybox:demo sh -c 'stty raw -echo; while :; do echo ready; sleep 0.2; done' &&
        { head -c 1000000 /dev/zero | tr '\0' x; printf '\x10\x11'; } |
        inside timeout -k 5 90 python3 integration/cri/terminal.py '' ready - "$BIN/swiftlet" attach --data-dir "$ROOT/d" --run-dir "$ROOT/r" \
            --config-dir "$ROOT/c" deaf && says '(run)/deaf' swiftlet ps && swiftlet rm --force deaf
}
run_keys_piped() {
    swiftlet run --detach -it --name piped busybox:demo sh -c 'stty raw -echo; echo ready; head -c 2 | od -An -tx1; exit 4' && eventually 10 says ready swiftlet logs piped &&
        printf '\x10\x11' | ends_with 4 swiftlet attach piped && grep -q "10 11" "$ROOT/said" && swiftlet rm piped
}
run_image_ids() {
    local ids
    ids=$(swiftlet images -q) && grep -qxE '[0-9a-f]{12}' <<<"$ids" && ! grep -qvxE '[0-9a-f]{12}' <<<"$ids" && swiftlet run "$(head -n 1 <<<"$ids")" true
}
run_listed() {
    swiftlet run --detach --name other --label colour=blue busybox:demo sh -c 'exit 6' && [ "$(swiftlet wait other)" = 6 ] || return 1
    [ "$(swiftlet ps --filter status=exited --format '{{.Names}} {{.Status}} {{.Label "colour"}}')" = "other exited (6) blue" ] &&
        [ "$(swiftlet ps -a --filter name=^other$ --filter label=colour --format '{{.Names}}')" = other ] &&
        [ -z "$(swiftlet ps -aq --filter label=colour=red)" ] && [ "$(swiftlet ps --filter name=apart --format '{{.State}}')" = running ] &&
        swiftlet ps -q --no-trunc --filter name=apart | grep -qE '^[0-9a-f]{64}$' && swiftlet ps --filter exited=6 --format json | python3 -c '
import json, sys
(line,) = sys.stdin
assert json.loads(line)["exitCode"] == 6' && ends_with 2 swiftlet ps --filter nonsense=1 && ends_with 2 swiftlet ps --format '{{.Nonsense}}' && swiftlet rm other
}
run_listed_last() {
    [ "$(swiftlet ps --filter name=apart --format '{{.Ports}}')" = "0.0.0.0:18081->80/tcp" ] && [ "$(swiftlet ps --filter name=apart --format '{{.Command}}')" = "\"sh -c 'echo first; …\"" ] &&
        swiftlet ps --no-trunc --filter name=apart --format '{{.Command}}' | grep -qF "httpd -p 80 -h /www; exec sleep 1000'\"" && swiftlet run --detach --name last busybox:demo true &&
        swiftlet wait last && [ "$(swiftlet ps -l --format '{{.Names}}={{.Command}}={{.Ports}}')" = 'last="true"=' ] && [ "$(swiftlet ps -n 2 --format '{{.Names}}' | xargs)" = "last apart" ] &&
        swiftlet start apart && swiftlet start last && swiftlet wait last && [ "$(swiftlet ps --last 1 --quiet)" = "$(swiftlet ps --all --quiet --filter name=^last$)" ] && ends_with 2 swiftlet ps -n 0
}
run_inspected() {
    [ "$(swiftlet inspect --format '{{.State.Status}} {{.containers.0.exitCode}} {{json .sandboxes.0.metadata.name}} {{.Names}}' last)" = 'exited 0 "last" last' ] &&
        [ "$(swiftlet inspect -f '{{.NetworkSettings.IPAddress}}' apart)" = "$(swiftlet exec apart hostname -i </dev/null)" ] &&
        [ "$(swiftlet inspect -f '{{.Id}}' apart last busybox:demo | wc -l)" = 3 ] &&
        [ "$(swiftlet inspect -f '{{.State.Status}}' apart last busybox:demo 2>"$ROOT/said" | wc -l)" = 2 ] &&
        grep -q "busybox:demo: --format {{.State.Status}}" "$ROOT/said" || return 1
    ends_with 1 swiftlet inspect apart none last && ends_with 2 swiftlet inspect --format '{{range .a}}' apart && swiftlet inspect apart last | python3 -c '
import json, sys
assert [d["containers"][0]["metadata"]["name"] for d in json.load(sys.stdin)] == ["apart", "last"]' && swiftlet rm last
}
run_image_inspected() {
    swiftlet inspect busybox:demo | python3 -c '
import json, sys
image = json.load(sys.stdin)
assert image["repoTags"] == ["docker.io/library/busybox:demo"] and "config" in image["imageSpec"], image' && ends_with 1 swiftlet inspect none:1 &&
        grep -q "no image" "$ROOT/said" && says '"podSandboxId"' swiftlet inspect "$(swiftlet ps -q --filter name=apart)"
}
run_taken_up() {
    local before
    before=$(process_of apart)
    stop_server KILL
    start_server && [ -n "$before" ] && [ "$(process_of apart)" = "$before" ] && says page inside curl -sfm 10 http://127.0.0.1:18081/ &&
        says "wrong: " swiftlet doctor
}
run_stopped() {
    local status
    stop_server && grep -qE '\] stopping$' <<<"$(tail -n 50 "$ROOT/log")"
    status=$?
    start_server && says page inside curl -sfm 10 http://127.0.0.1:18081/ && return "$status"
}
# Its address and its port are free again, its log is not gone.
run_ended() {
    [ "$(swiftlet stop -t 1 apart)" = apart ] && ! swiftlet ps | grep -q apart && says "exited (137)" swiftlet ps --all && says first swiftlet logs apart &&
        says "has ended" swiftlet run -d --name apart busybox:demo true &&
        [ "$(swiftlet run --name taker -p 18081:80 busybox:demo echo free)" = free ] && says "wrong: " swiftlet doctor
}
run_removed() {
    [ "$(swiftlet rm apart)" = apart ] && has_none && eventually 15 has_no_log && swiftlet run -d --name busy busybox:demo sleep 1000 || return 1
    ends_with 1 swiftlet rm busy && grep -q "swiftlet stop busy" "$ROOT/said" && swiftlet rm --force busy && has_none
}
has_no_log() { [ -z "$(ls "$ROOT/d/runs")" ]; }
run_gone() {
    swiftlet run -d --rm --name brief busybox:demo sh -c 'sleep 1' && eventually 15 has_none && eventually 15 has_no_log
}
run_not_started() { ends_with 127 swiftlet run -d busybox:demo no-such-command && has_none && eventually 15 has_no_log; }
run_unreadable() {
    local record
    swiftlet run --detach --name lost busybox:demo sh -c 'echo words; sleep 100000' && eventually 10 says words swiftlet logs lost || return 1
    record=$(grep -l '"lost"' "$ROOT"/r/runtime/sandboxes/*/sandbox.json) || return 1
    stop_server KILL
    echo '{' >"$record"
    start_server && has_none && grep -q "log kept of a container of which no record speaks" "$ROOT/log" && grep -rq words "$ROOT/d/runs" || return 1
    swiftlet doctor >"$ROOT/said" 2>&1
    grep -q "no record that can be read speaks of its container" "$ROOT/said" && swiftlet doctor --fix && has_no_log || { cat "$ROOT/said"; return 1; }
}
