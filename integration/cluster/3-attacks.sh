# Sourced: a pod whose root means harm to the node: it writes without end, it does not read, it puts other things in the place of files. Once with the
# node's users and once with users of its own. Each has a control: where nothing stands against it, the same is done.

attacks() {
    local users
    mkdir -p "$ROOT/l"
    echo secret >"$ROOT/secret"
    friend_runs >/dev/null
    check "a user of the node can open none of the daemon's files and sockets" node_user_opens_nothing
    for users in true false; do
        [ $users = true ] || says true kubectl get node node -o jsonpath='{.status.runtimeHandlers[0].features.userNamespaces}' >/dev/null || continue
        say=$([ $users = true ] && echo "a hostile pod" || echo "one with users of its own")
        foe $users >/dev/null
        check "$say runs" kubectl wait --for=condition=Ready pod/foe --timeout=180s
        check "$say: files of the node's that it may write to are bounded" files_are_bounded
        check "$say: and its container starts again" starts_again
        check "$say: its last words are cut" last_words_are_cut
        check "$say: a log that is a pipe holds nobody up" pipe_is_no_log
        check "$say: a log that is a link shows nothing" link_is_no_log
        [ $users = false ] || check "$say: a log that is a device is not read" device_is_no_log
        check "$say: what nobody reads takes no memory" unread_is_bounded
        kubectl delete pod foe --now >/dev/null
    done
    kubectl delete pod friend --now >/dev/null
    if [ "$(ulimit -Hn)" = unlimited ] || [ "$(ulimit -Hn)" -ge 4096 ]; then
        check "connections of strangers, more than a shell allows open files, take nothing away" strangers_connect
    else
        skip "connections of strangers" "this machine lets no process open 4096 files"
    fi
}
strangers_connect() {
    inside python3 - <<'P' || return 1
import resource, socket, subprocess
resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
held = [socket.create_connection(("127.0.0.1", 6443), timeout=60) for _ in range(1200)]
subprocess.run(["kubectl", "create", "configmap", "among-strangers"], check=True)
P
    # What a process without descriptors left says of its disk.
    ! grep -a "Too many open files" "$ROOT/log"
}

# With the directory of all logs as a volume, as collectors of logs have it.
foe() {
    kubectl apply -f - <<Y
{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "foe"}, "spec": {"hostUsers": $1, "terminationGracePeriodSeconds": 0,
 "containers": [{"name": "main", "image": "busybox:demo", "command": ["sh", "-c", "echo from a foe; until [ -e /end ]; do sleep 0.2; done"],
  "volumeMounts": [{"name": "logs", "mountPath": "/logs"}]}], "volumes": [{"name": "logs", "hostPath": {"path": "$ROOT/l"}}]}}
Y
}
in_foe() { kubectl exec foe -- sh -c "$1"; }
friend_runs() {
    kubectl run friend --image=busybox:demo --image-pull-policy=Never --command -- sh -c 'echo from a friend; exec sleep 100000' &&
        kubectl wait --for=condition=Ready pod/friend --timeout=180s
}

# Who may open the daemon's lock can hold it, and the daemon back.
node_user_opens_nothing() {
    local mode found turn
    mode=$(stat -c %a "$ROOT")
    chmod 711 "$ROOT"
    # more than once: a file that is just being replaced has another name for a moment
    for turn in 1 2 3 4 5; do
        found=$(find "$ROOT/r" "$ROOT/d" -maxdepth 2 \( -type f -o -type s \) | setpriv --reuid=65534 --regid=65534 --clear-groups \
        sh -c 'while read -r name; do if [ -r "$name" ] || [ -w "$name" ]; then echo "${name##*/}"; fi; done' | sort | tr '\n' ' ')
        [ "$found" != "instance log-directories " ] || break
    done
    chmod "$mode" "$ROOT"
    # The control: these two are everybody's to read.
    [ "$found" = "instance log-directories " ] || { echo "open to a user: $found"; return 1; }
}

files_are_bounded() {
    local file before after
    before=$(du -sk "$ROOT/r" | cut -f1)
    for file in /etc/resolv.conf /etc/hostname /dev/termination-log /etc/hosts; do
        says "No space left on device" in_foe "dd if=/dev/zero of=$file bs=1M count=100" || { echo "$file"; return 1; }
    done
    after=$(du -sk "$ROOT/r" | cut -f1)
    [ $((after - before)) -lt 80000 ] || { echo "from $before to $after KiB"; return 1; }
    # The control: a file that is the container's own takes as much.
    says "100+0 records out" in_foe "dd if=/dev/zero of=/big bs=1M count=100; rm /big"
}
starts_again() {
    in_foe "touch /end" && eventually 40 says "1 true" kubectl get pod foe \
        -o 'jsonpath={.status.containerStatuses[0].restartCount} {.status.containerStatuses[0].ready}' >/dev/null && says "nameserver" in_foe "cat /etc/hosts; echo nameserver"
}
last_words_are_cut() {
    local length
    length=$(kubectl get pod foe -o json | python3 -c 'import json, sys
print(len(json.load(sys.stdin)["status"]["containerStatuses"][0]["lastState"]["terminated"]["message"]))')
    [ "$length" = 4096 ] || { echo "$length characters"; return 1; }
}

shown() { inside timeout 60 kubectl logs "$1"; }
# put COMMAND: in the place of the friend's log.
put() { in_foe "cd /logs/default_friend_*/friend && mv 0.log kept && $1"; }
put_back() { in_foe "cd /logs/default_friend_*/friend && rm 0.log && mv kept 0.log" && eventually 10 says "from a friend" shown friend; }
friends_log() { echo "$ROOT"/l/default_friend_*/friend/0.log; }
pipe_is_no_log() {
    local number fault=0 readers=()
    put "mkfifo 0.log" || return 1
    # More than there are threads that read.
    for number in $(seq 12); do
        inside timeout 60 kubectl logs friend >/dev/null 2>&1 &
        readers+=($!)
    done
    eventually 10 says "from a foe" shown foe >/dev/null || fault=1
    for number in "${readers[@]}"; do
        wait "$number"
        [ $? != 124 ] || { echo "a reader waits"; fault=1; }
    done
    # The control: who opens it as any file waits.
    timeout 1 cat "$(friends_log)"
    [ $? = 124 ] || fault=1
    put_back && [ $fault = 0 ]
}
link_is_no_log() {
    local out
    put "ln -s $ROOT/secret 0.log" || return 1
    out=$(shown friend 2>&1)
    [[ $out != *secret$'\n'* && $out == *"symbolic link"* ]] || { echo "$out"; put_back; return 1; }
    says secret cat "$(friends_log)" || return 1 # the control
    put_back
}
# Which pods with users of their own cannot make.
device_is_no_log() {
    put "mknod 0.log c 1 5" || return 1
    local out
    out=$(shown friend 2>&1)
    [[ $out == *"since it is no file"* ]] || { echo "$out"; put_back; return 1; }
    says 9 eval 'head -c 9 "$(friends_log)" | wc -c' || return 1 # the control
    put_back
}

# Bytes that the daemon holds, in KiB.
held() { sed -n 's/^RssAnon:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$(server_pid)/status"; }
# 400 MB that a session's other side does not take, and then the same taken.
unread_is_bounded() {
    local before most=0 now number session reader
    mkfifo "$ROOT/unread" && before=$(held)
    sleep 100 <"$ROOT/unread" &
    reader=$!
    inside timeout 100 kubectl exec foe -- head -c 400000000 /dev/zero >"$ROOT/unread" 2>/dev/null &
    session=$!
    for number in $(seq 25); do
        sleep 0.2
        now=$(held)
        [ "$now" -le $most ] || most=$now
    done
    kill $session $reader
    wait $session $reader 2>/dev/null
    rm "$ROOT/unread"
    [ $((most - before)) -lt 100000 ] || { echo "from $before to $most KiB"; return 1; }
    # The control: somebody who reads gets it all in that time, or a busy machine's.
    says 400000000 eval 'kubectl exec foe -- head -c 400000000 /dev/zero | wc -c' &&
        eventually 30 eval '! in_foe "ps" | grep -q "head -c"'
}
