# Sourced: one container without Kubernetes, and what happens on the node.

# A run that hangs is a failure, not the end of the tests.
swiftlet() {
    local command=$1
    shift
    inside timeout -k 5 60 "$BIN/swiftlet" "$command" --data-dir "$ROOT/d" --run-dir "$ROOT/r" --config-dir "$ROOT/c" "$@"
}

run_commands() {
    swiftlet events -o json >"$ROOT/events" 2>&1 &
    EVENTS=$!
    check "run prints what the container says" says hello swiftlet run busybox:demo echo hello
    check "its exit code is the container's" ends_with 7 swiftlet run busybox:demo sh -c "exit 7"
    check "a command that is not there is 127, and named" no_command
    check "what cannot be made is 125, and says at which step" no_source
    check "an image that is not here is asked for at its registry" says "127.0.0.1:1" swiftlet run 127.0.0.1:1/none:1
    check "one that cannot be had is 125" ends_with 125 swiftlet run 127.0.0.1:1/none:1
    check "so is a name that is none" ends_with 125 swiftlet run BAD
    check "or not, where that is not wanted" says "swiftlet pull none:1" swiftlet run --pull never none:1
    check "standard input and its end" says "6 typed" run_input
    check "a large output comes whole" says 20000000 run_output
    check "variables, host name and working directory" says "blue box /tmp" swiftlet run -e COLOUR=blue --hostname box -w /tmp \
        busybox:demo sh -c 'echo $COLOUR $(hostname) $PWD'
    check "a user by number" says "uid=1234 gid=5678" swiftlet run -u 1234:5678 busybox:demo id
    check "a volume by a path from here" run_volume_here
    check "a volume, and one that is only read" run_volume
    check "an address of its own" says eth0 swiftlet run busybox:demo ip -o link
    check "no network but its loopback" run_isolated
    check "the machine's network" says up0 swiftlet run --network host busybox:demo ip -o link
    check "a port of the machine" run_port
    check "a limit that this host cannot hold is told" run_limit
    check "a terminal of the caller's size" says "33 91" run_terminal
    check "without one of the caller's it goes on without" says abc run_no_terminal
    check "a signal reaches the container" run_signal
    check "a name is taken once" run_name
    check "also by many at once" run_names
    check "a command that is killed takes its container with it" run_killed
    check "a container whose daemon was killed goes with the next one" run_orphan
    detached_checks
    again_checks
    check "nothing is left" eventually 10 run_left_nothing
    event_checks
    check "wrong words are a call that made nothing" run_wrong_words
    check "what docker has and is not here is refused with what does it" run_foreign
    check "variables of a file" run_env_file
    check "the command alone, without the image's entry point" says "alone" swiftlet run --entrypoint "" busybox:demo echo alone
    check "a user and a group by their names" run_group
    check "capabilities more and less" run_capabilities
    check "a signal that is sent" run_killed_by_signal
    check "a signal ends a fetch that hangs" run_interrupted
    check "one name of several that is wrong holds up no other" run_several
    check "a name of nothing is told with what there is" run_nobody
    run_options
    run_login
    kill "$EVENTS" 2>/dev/null
}

ends_with() {
    local wanted=$1 code
    shift
    "$@" >"$ROOT/said" 2>&1
    code=$?
    [ "$code" = "$wanted" ] || { echo "it ended with $code: $(cat "$ROOT/said")"; return 1; }
}
run_wrong_words() {
    local words
    for words in "-e =x" "--nonsense" "-m lots" "--pull sometimes" "-p 80"; do
        # shellcheck disable=SC2086
        ends_with 125 swiftlet run $words busybox:demo true || return 1
    done
    ends_with 125 swiftlet run -p 80:1 -p 80:2 busybox:demo true && grep -q "given twice" "$ROOT/said" && ends_with 125 swiftlet run && ends_with 2 swiftlet exec --nonsense
}
run_foreign() {
    ends_with 125 swiftlet run --health-interval 3s busybox:demo true && grep -q -- "probes" "$ROOT/said" &&
        [ "$(swiftlet run busybox:demo echo --restart always)" = "--restart always" ] &&
        ends_with 1 swiftlet start none && grep -q "no container none" "$ROOT/said"
}
run_env_file() {
    printf '# colours\r\n\nFIRST=red and blue\r\nHOME\nSECOND=file\n' >"$ROOT/env"
    export HOME=${HOME:-/root}
    says "red and blue word $HOME" swiftlet run --env-file "$ROOT/env" -e SECOND=word busybox:demo sh -c 'echo $FIRST $SECOND $HOME' &&
        echo 'no name=x' >>"$ROOT/env" && ends_with 125 swiftlet run --env-file "$ROOT/env" busybox:demo true && grep -q "line 6" "$ROOT/said" &&
        ends_with 125 swiftlet run --env-file "$ROOT/no-env" busybox:demo true && grep -q "$ROOT/no-env" "$ROOT/said"
}
run_capabilities() {
    says "CapEff:	0000000000001000" swiftlet run --cap-drop ALL --cap-add NET_ADMIN busybox:demo grep CapEff /proc/self/status &&
        ends_with 125 swiftlet run --cap-add NONSENSE busybox:demo true && grep -q '"NONSENSE" is not known' "$ROOT/said"
}
run_killed_by_signal() {
    swiftlet run --detach --name struck busybox:demo sh -c 'trap "echo reloaded" HUP; trap "exit 6" USR1; echo ready; while :; do sleep 0.1; done' &&
        eventually 15 says ready swiftlet logs struck && [ "$(swiftlet kill -s HUP struck)" = struck ] && eventually 15 says reloaded swiftlet logs struck &&
        ends_with 1 swiftlet kill --signal NONSENSE struck && grep -q "is no signal" "$ROOT/said" && swiftlet kill --signal SIGUSR1 struck &&
        [ "$(swiftlet wait struck)" = 6 ] && ends_with 1 swiftlet kill struck && grep -q "does not run" "$ROOT/said" && swiftlet rm struck &&
        swiftlet run --detach --name struck busybox:demo sleep 1000 && swiftlet kill struck && [ "$(swiftlet wait struck)" = 137 ] && swiftlet rm struck
}
# A registry that takes connections and says nothing. What bash starts in the background ignores SIGINT, so that it is SIGTERM here.
run_interrupted() {
    local registry run status
    inside timeout 100 python3 -c 'import socket, time; s = socket.create_server(("127.0.0.1", 5003)); print("ready", flush=True); time.sleep(90)' >"$ROOT/silent" 2>&1 &
    registry=$!
    eventually 10 grep -q ready "$ROOT/silent" || return 1
    swiftlet run 127.0.0.1:5003/none:1 >"$ROOT/said" 2>&1 &
    run=$!
    eventually 10 fetch_hangs && kill -TERM "$(command_of 127.0.0.1:5003/none:1)"
    wait "$run"
    status=$?
    kill "$registry"
    [ "$status" = 143 ] || { echo "it ended with $status: $(cat "$ROOT/said")"; return 1; }
}
fetch_hangs() { inside ss -Htn state established '( dport = :5003 )' | grep -q . && [ -n "$(command_of 127.0.0.1:5003/none:1)" ]; }
run_several() {
    swiftlet run -d --name several busybox:demo sleep 1000 && ends_with 1 swiftlet stop --time 0 none several && grep -qx several "$ROOT/said" &&
        grep -q "no container none" "$ROOT/said" && ends_with 1 swiftlet rm none several && grep -qx several "$ROOT/said" && has_none &&
        swiftlet images tag busybox:demo twice:1 && swiftlet images tag busybox:demo twice:2 && ends_with 1 swiftlet images rm twice:1 none:1 twice:2 &&
        grep -q "none:1" "$ROOT/said" && ! swiftlet images | grep twice
}
run_nobody() {
    ends_with 1 swiftlet logs none && grep -q "no container none; .*swiftlet ps --all" "$ROOT/said" && ends_with 1 swiftlet exec none true &&
        grep -q "no container none" "$ROOT/said"
}
run_group() {
    echo 'tty:x:5:' >"$ROOT/bundle/rootfs/etc/group" && swiftlet images add grouped:1 "$ROOT/bundle" &&
        says "uid=65534(nobody) gid=5(tty)" swiftlet run -u nobody:tty grouped:1 id && swiftlet images rm grouped:1
}
run_login() {
    # The password is "secret".
    echo 'joe:$2y$05$BBKhA...eLFDhKlecEOiPubmqyOEvK6ATk6zs6hXpI4IbH1FoMhvW' >"$ROOT/htpasswd"
    start_registry 5002 "auth: {htpasswd: {realm: test, path: $ROOT/htpasswd}}" || cat "$ROOT/registry.log"
    check "a registry that wants a name and a password" login_works
    kill "$REGISTRY" && wait "$REGISTRY" 2>/dev/null
    REGISTRY=
}
login_works() {
    swiftlet images tag busybox:demo 127.0.0.1:5002/team/app:1 || return 1
    ends_with 1 swiftlet push 127.0.0.1:5002/team/app:1 && grep -q -- "401.*--username" "$ROOT/said" || return 1
    echo wrong | ends_with 1 swiftlet push --username joe 127.0.0.1:5002/team/app:1 && grep -q "does not let in" "$ROOT/said" || return 1
    echo secret | says sha256: swiftlet push --username joe 127.0.0.1:5002/team/app:1 && swiftlet images rm 127.0.0.1:5002/team/app:1 || return 1
    ends_with 125 swiftlet run 127.0.0.1:5002/team/app:1 true && grep -q -- "401.*--username" "$ROOT/said" || return 1
    echo secret | says sha256: swiftlet pull --username joe 127.0.0.1:5002/team/app:1 && swiftlet images rm 127.0.0.1:5002/team/app:1
}
no_command() { ends_with 127 swiftlet run busybox:demo no-such-command && grep -q no-such-command "$ROOT/said"; }
no_source() {
    ends_with 125 swiftlet run -v "$ROOT/none:/none" busybox:demo true && grep -q "cannot create container" "$ROOT/said" && grep -q "$ROOT/none" "$ROOT/said"
}
run_input() { printf 'typed\n' | swiftlet run -i busybox:demo sh -c 'cat >/tmp/in; echo $(wc -c </tmp/in) $(cat /tmp/in)'; }
run_output() { swiftlet run busybox:demo sh -c 'yes | head -c 20000000' | wc -c; }
run_volume() {
    mkdir -p "$ROOT/volume" && echo kept >"$ROOT/volume/file"
    says kept swiftlet run -v "$ROOT/volume:/v" busybox:demo sh -c 'cat /v/file; echo more >/v/other' &&
        [ "$(cat "$ROOT/volume/other")" = more ] &&
        says "Read-only" swiftlet run -v "$ROOT/volume:/v:ro" busybox:demo touch /v/third
}
run_volume_here() {
    mkdir -p "$ROOT/here/volume" && echo near >"$ROOT/here/volume/file" || return 1
    (cd "$ROOT/here" && says near swiftlet run -v ./volume:/v busybox:demo cat /v/file && cd volume &&
        says near swiftlet run -v ../volume:/v busybox:demo cat /v/file && says "begins with ./" swiftlet run -v volume:/v busybox:demo true)
}
run_isolated() {
    local links
    links=$(swiftlet run --network none busybox:demo sh -c 'ip -o link; ping -c 1 127.0.0.1 >/dev/null && echo alive') || return 1
    grep -q alive <<<"$links" && ! grep -q eth0 <<<"$links"
}
run_port() {
    local status
    swiftlet run --init --name web -p 18080:80 busybox:demo sh -c 'echo page >/www/index.html; exec httpd -f -p 80 -h /www' >"$ROOT/web" 2>&1 &
    local pid=$!
    eventually 15 says page inside curl -sfm 2 http://127.0.0.1:18080/ && says "published by container web" swiftlet run -p 18080:81 busybox:demo true
    status=$?
    stop_run "$pid" 'httpd -f -p 80'
    return "$status"
}
# The command runs beneath nsenter, which is what a job's number names: what is asked for by its words is this test's own.
command_of() { pgrep -f "^$BIN/swiftlet run --data-dir $ROOT/d.*$1" | head -n 1; }
stop_run() {
    kill "$(command_of "$2")" 2>/dev/null
    wait "$1"
}
run_limit() {
    if grep -qw memory "$(findmnt -nt cgroup2 -o TARGET | head -n 1)/cgroup.controllers"; then
        says 67108864 swiftlet run -m 64m busybox:demo cat /sys/fs/cgroup/memory.max
    else
        says "memory limit 64Mi is not held" swiftlet run -m 64m busybox:demo true
    fi
}
# Its end reaches the program.
run_no_terminal() { echo abc | swiftlet run -it busybox:demo cat; }

run_terminal() {
    script -qefc "stty cols 91 rows 33; nsenter --net=/run/netns/$NETNS $BIN/swiftlet run --data-dir $ROOT/d --run-dir $ROOT/r --config-dir $ROOT/c -it busybox:demo stty size" \
        "$ROOT/typescript" </dev/null
}
run_signal() {
    swiftlet run busybox:demo sh -c 'trap "echo caught; exit 9" USR1; echo ready; while :; do sleep 0.1; done' >"$ROOT/signal" 2>&1 &
    local pid=$!
    eventually 15 grep -q ready "$ROOT/signal" || return 1
    kill -USR1 "$(command_of 'echo caught')"
    wait "$pid"
    [ $? = 9 ] && grep -q caught "$ROOT/signal"
}
start_sleep() {
    swiftlet run --name "$1" busybox:demo sh -c 'echo ready; exec sleep 1000' >"$ROOT/sleep" 2>&1 &
    SLEEP=$!
    eventually 15 grep -q ready "$ROOT/sleep"
}
run_name() {
    start_sleep twin || return 1
    says "another --name" swiftlet run --name twin busybox:demo true
    local status=$?
    kill -KILL "$(command_of "--name twin")" && wait "$SLEEP"
    return "$status"
}
run_names() {
    local each pids=() made=0
    for each in 1 2 3 4 5 6; do
        swiftlet run --detach --name many busybox:demo sleep 100000 >"$ROOT/many.$each" 2>&1 &
        pids+=($!)
    done
    for each in "${pids[@]}"; do wait "$each" && made=$((made + 1)); done
    swiftlet rm --force many >/dev/null
    [ "$made" = 1 ] && [ "$(grep -l "another --name" "$ROOT"/many.* | wc -l)" = 5 ] || { cat "$ROOT"/many.*; return 1; }
}
has_none() { ! swiftlet ps --all | grep -q '(run)'; }
run_killed() {
    start_sleep killed || return 1
    eventually 5 says '(run)/killed' swiftlet ps || return 1
    kill -KILL "$(command_of "--name killed")" && wait "$SLEEP"
    eventually 20 has_none
}
run_orphan() {
    start_sleep orphan || return 1
    stop_server KILL
    wait "$SLEEP"
    [ $? != 0 ] && start_server && eventually 10 has_none
}
run_left_nothing() {
    local left
    has_none && left=$(ls "$ROOT/d/runtime/containers" "$ROOT/r/runtime/sandboxes") && [ -z "$(grep -v : <<<"$left" | tr -d '[:space:]')" ]
}
