# Sourced: kubectl's sessions with a pod (port-forward, attach, cp, run -it), over WebSocket and over SPDY, and ports of the node.

streams() {
    make_streams_pod || { check "a pod for the sessions runs" false; return; }
    local way
    for way in WebSocket SPDY; do
        speak "$way"
        check "port-forward carries several connections at once ($way)" forwards_at_once
        check "port-forward ends each way by itself ($way)" forwards_half_closed
        check "port-forward tells of a dead port ($way)" forwards_to_nothing
        check "exec passes output and the exit code on ($way)" exec_both
        check "exec passes much standard input on ($way)" exec_much_input
        check "exec -it has the terminal's size ($way)" says "33 77" exec_sized
        check "cp copies a file and a folder both ways ($way)" copies
        check "attach shows the output ($way)" prints tick "" nsenter "--net=/run/netns/$NETNS" kubectl attach streams -c ticker
        check "attach -i passes input on ($way)" prints "got one" one nsenter "--net=/run/netns/$NETNS" kubectl attach -i streams -c reader
        check "attach -it gives the terminal ($way)" prints "30 70" "stty size" script -qec "$(at_terminal attach -it streams -c shell)" /dev/null
        check "run -it --rm passes a terminal and the exit code on ($way)" run_terminal
        check "run -i --rm passes input on ($way)" run_input
    done
    local attach=(nsenter "--net=/run/netns/$NETNS" "$BIN/swiftlet" attach --data-dir "$ROOT/d" --run-dir "$ROOT/r" --config-dir "$ROOT/c")
    check "swiftlet attach shows the output" prints tick "" "${attach[@]}" streams -c ticker
    check "and passes input on" prints "got two" two "${attach[@]}" streams -c reader
    older_protocols
    speak WebSocket
    kubectl delete pod streams --timeout=180s >/dev/null
    host_ports
}

# What clients in browsers and upstream's conformance tests speak.
older_protocols() {
    nsenter "--net=/run/netns/$NETNS" kubectl proxy --unix-socket="$ROOT/proxy" --disable-filter >/dev/null 2>&1 &
    local proxy=$! pod=/api/v1/namespaces/default/pods/streams
    eventually 10 test -S "$ROOT/proxy"
    check "exec speaks the oldest protocol" reads "b'\\x01old\\n'" "$pod/exec?container=web&stdout=true&command=echo&command=old" channel.k8s.io
    check "and ends a failure in words" reads "b'\\x03command terminated with non-zero exit code: exit status 7'" \
        "$pod/exec?container=web&stdout=true&command=sh&command=-c&command=exit%207" channel.k8s.io
    check "and speaks it in base64" reads "text b'1b2xkCg=='" "$pod/exec?container=web&stdout=true&command=echo&command=old" base64.channel.k8s.io
    check "logs come in the messages of a WebSocket" reads "binary b'tick" "$pod/log?container=ticker" binary.k8s.io
    check "also in base64" reads "text b'dGljaw" "$pod/log?container=ticker" base64.binary.k8s.io
    check "also where no protocol is named" reads "binary b'tick" "$pod/log?container=ticker" ""
    kill "$proxy"
    wait "$proxy" 2>/dev/null
}
# reads WORDS TARGET PROTOCOL
reads() { says "$1" python3 integration/cluster/websocket.py "$ROOT/proxy" "$2" "$3"; }

# speak WAY: what kubectl asks for from here on; SPDY is all that kubectl before 1.29 knows.
speak() {
    local flag
    [ "$1" = WebSocket ] && flag=true || flag=false
    export KUBECTL_PORT_FORWARD_WEBSOCKETS=$flag KUBECTL_REMOTE_COMMAND_WEBSOCKETS=$flag
}

make_streams_pod() {
    kubectl apply -f - <<'Y' >/dev/null && kubectl wait --for=condition=Ready pod/streams --timeout=180s >/dev/null || return 1
apiVersion: v1
kind: Pod
metadata: {name: streams}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: web
    image: busybox:demo
    imagePullPolicy: Never
    command: [sh, -c, "dd if=/dev/urandom of=/www/big bs=1M count=5; httpd -f -p 80 -h /www"]
  - {name: ticker, image: "busybox:demo", imagePullPolicy: Never, command: [sh, -c, "while true; do echo tick; sleep 0.2; done"]}
  - {name: reader, image: "busybox:demo", imagePullPolicy: Never, stdin: true, command: [sh, -c, "while read l; do echo got $l; done; sleep 1000"]}
  - {name: shell, image: "busybox:demo", imagePullPolicy: Never, stdin: true, tty: true, command: [sh, -c, "while true; do sh; done"]}
Y
    eventually 10 kubectl exec streams -c web -- wget -qO /dev/null http://127.0.0.1/big >/dev/null 2>&1 || return 1
    kubectl exec streams -c web -- cat /www/big >"$ROOT/big"
}

# session SECONDS ARGUMENTS...: kubectl for at most so long, with this shell's standard input.
session() {
    local seconds=$1
    shift
    timeout "$seconds" nsenter "--net=/run/netns/$NETNS" kubectl "$@"
}

# typed COMMAND...: the command at a terminal of 30 rows and 70 columns; what is typed comes on standard input.
typed() { timeout 90 script -qec "$(at_terminal "$@")" /dev/null; }
at_terminal() { echo "stty rows 30 cols 70; nsenter --net=/run/netns/$NETNS kubectl $*"; }

# prints TEXT LINE COMMAND...: the command, to which the line is typed again and again, prints the text at some time; it is ended then.
prints() {
    local text=$1 line=$2 pid status
    shift 2
    while [ -n "$line" ] && echo "$line"; do sleep 0.5; done 2>/dev/null | timeout 90 "$@" >"$ROOT/session" 2>&1 &
    pid=$!
    eventually 15 grep -qaF -- "$text" "$ROOT/session"
    status=$?
    kill "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
    [ "$status" = 0 ] || cat "$ROOT/session"
    return "$status"
}

# forwarding PORTS COMMAND...: runs a command while the pod's ports are forwarded.
forwarding() {
    local ports=$1 pid code
    shift
    : >"$ROOT/forward"
    nsenter "--net=/run/netns/$NETNS" kubectl port-forward pod/streams "$ports" >"$ROOT/forward" 2>&1 &
    pid=$!
    eventually 10 grep -q Forwarding "$ROOT/forward"
    "$@"
    code=$?
    kill "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
    return "$code"
}

forwards_at_once() { forwarding 18080:80 four_downloads; }

four_downloads() {
    local pids=() pid
    for _ in 1 2 3 4; do
        inside curl -sf -m 20 http://127.0.0.1:18080/big | cmp - "$ROOT/big" &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do wait "$pid" || return 1; done
}

forwards_half_closed() {
    local inside pid code
    inside=$(container_pid streams | head -n 1)
    nsenter "--net=/proc/$inside/ns/net" python3 integration/cluster/echo.py serve 9000 &
    pid=$!
    # Port 9000 in hexadecimal.
    eventually 10 grep -q "00000000:2328" "/proc/$inside/net/tcp" &&
        forwarding 19000:9000 inside python3 integration/cluster/echo.py ask 19000
    code=$?
    kill "$pid"
    wait "$pid" 2>/dev/null
    return "$code"
}

forwards_to_nothing() {
    forwarding 18081:81 dead_port_is_told
}
dead_port_is_told() {
    inside curl -s -m 20 http://127.0.0.1:18081/
    eventually 10 says "error forwarding port 81 to pod default/streams" cat "$ROOT/forward"
}

exec_both() {
    local out code
    out=$(kubectl exec streams -c web -- sh -c 'echo out; echo err >&2; exit 7' 2>"$ROOT/err")
    code=$?
    [ "$code" = 7 ] && [ "$out" = out ] && grep -qx err "$ROOT/err"
}

exec_much_input() {
    local out
    out=$(session 90 exec -i streams -c web -- md5sum <"$ROOT/big")
    [ "$out" = "$(md5sum <"$ROOT/big")" ]
}

exec_sized() {
    timeout 90 script -qec "stty rows 33 cols 77; nsenter --net=/run/netns/$NETNS kubectl exec -it streams -c web -- \
        sh -c 'for i in \$(seq 300); do [ \"\$(stty size)\" = \"33 77\" ] && break; sleep 0.1; done; stty size'" /dev/null </dev/null
}

copies() {
    rm -rf "$ROOT/copy" && mkdir -p "$ROOT/copy/tree/deep" && cp "$ROOT/big" "$ROOT/copy/tree/deep/file" || return 1
    kubectl exec streams -c web -- rm -rf /tmp/tree
    kubectl cp "$ROOT/copy/tree" streams:/tmp/tree -c web && kubectl cp streams:/tmp/tree "$ROOT/copy/back" -c web &&
        diff -r "$ROOT/copy/tree" "$ROOT/copy/back" && kubectl cp streams:/www/big "$ROOT/copy/one" -c web &&
        cmp "$ROOT/copy/one" "$ROOT/big"
}

run_terminal() {
    local out code
    out=$( (sleep 2; echo 'echo in $((40 + 2)); exit 3'; sleep 3) | typed run -it --rm typist --image=busybox:demo \
        --image-pull-policy=Never --restart=Never -- sh)
    code=$?
    [ "$code" = 3 ] && grep -q "in 42" <<<"$out" && ! grep -q "couldn't attach" <<<"$out" && ! kubectl get pod typist ||
        { echo "code $code: $out"; return 1; }
}

run_input() {
    local out
    out=$(echo through | session 90 run -i --rm piper --image=busybox:demo --image-pull-policy=Never --restart=Never -- \
        sh -c 'sleep 1; cat; echo end') || { echo "$out"; return 1; }
    grep -q through <<<"$out" && grep -q end <<<"$out"
}

# Ports of the node.

host_ports() {
    make_port_pod ports 8088 >/dev/null && kubectl wait --for=condition=Ready pod/ports --timeout=180s >/dev/null
    check "a hostPort leads to its pod, from everywhere" eventually 10 host_port_answers
    make_port_pod late 8088 >/dev/null
    check "a second pod with the hostPort is not placed" eventually 10 says "free ports" kubectl describe pod late
    check "the hostPort outlives a killed daemon" eval 'stop_server KILL && start_server && host_port_answers'
    check "the next pod gets the hostPort when the first goes" next_has_port
    kubectl delete pod late --timeout=180s >/dev/null
    check "a hostPort goes with its pod" eventually 10 no_host_ports
}

make_port_pod() {
    kubectl apply -f - <<Y
apiVersion: v1
kind: Pod
metadata: {name: $1}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: web
    image: busybox:demo
    imagePullPolicy: Never
    ports: [{containerPort: 80, hostPort: $2}, {containerPort: 80, hostPort: 8090, hostIP: 127.0.0.1}]
    command: [sh, -c, "echo from $1 >/www/index.html; httpd -f -p 80 -h /www"]
Y
}

host_port_answers() {
    local way
    for way in "inside curl http://192.0.2.1:8088" "inside curl http://127.0.0.1:8088" "inside curl http://127.0.0.1:8090" \
        "nsenter --net=/run/netns/$NETNS-out curl http://192.0.2.1:8088"; do
        says "from ports" $way -s -m 10 || return 1
    done
    eventually 10 says "from ports" kubectl exec ports -- wget -qO- http://192.0.2.1:8088 || return 1
    # Bound to loopback alone.
    ! nsenter "--net=/run/netns/$NETNS-out" curl -s -m 10 http://192.0.2.1:8090
}

next_has_port() {
    kubectl delete pod ports --timeout=180s && kubectl wait --for=condition=Ready pod/late --timeout=180s &&
        eventually 10 says "from late" inside curl -s -m 10 http://192.0.2.1:8088
}

no_host_ports() {
    local map
    for map in "map host-ports" "map host-ports-of-address" "set host-port-hairpin"; do
        ! inside nft list ${map%% *} ip "swiftlet-$INSTANCE" "${map##* }" | grep -q elements || return 1
    done
}
