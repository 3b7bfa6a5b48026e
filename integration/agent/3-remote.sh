# Sourced: what kubectl and the node's own command line ask of the other machine.

remote() {
    REMOTE=$(pod_on worker)
    check "logs of a pod of the worker" says "word swordfish" kubectl logs "$REMOTE"
    check "logs -f ends with the caller" follows
    check "exec in a pod of the worker" says worker kubectl exec "$REMOTE" -- sh -c 'echo $NODE'
    check "exec's input and exit code come through" exec_input
    check "exec with a wrong container is refused in words" says "not valid" kubectl exec "$REMOTE" -c none -- true
    check "swiftlet ps of the worker knows its pods" says hello swiftlet_on worker ps
    check "swiftlet check works on the worker" says "can be a node" swiftlet_on worker check
    check "swiftlet why works on the worker" says "sandbox" swiftlet_on worker why "pod/$REMOTE"
    check "the worker's kubelet refuses who has no certificate" status 401
    check "the worker's kubelet refuses another node's certificate" status 403 --cert "$ROOT/worker/d/agent/client.crt" --key "$ROOT/worker/d/agent/client.key"
}

follows() {
    local reader
    nsenter "--net=$(netns server)" kubectl logs -f "$REMOTE" >"$ROOT/followed" 2>&1 &
    reader=$!
    eventually 10 grep -q swordfish "$ROOT/followed" || { kill "$reader"; cat "$ROOT/followed"; return 1; }
    sleep 2
    # It fails where the command has ended by itself.
    kill "$reader" && ! wait "$reader"
}

exec_input() {
    local out status
    out=$(echo across | nsenter "--net=$(netns server)" kubectl exec -i "$REMOTE" -- sh -c 'cat; exit 7')
    status=$?
    [ "$out" = across ] && [ "$status" = 7 ] || { echo "status $status: $out"; return 1; }
}

# status CODE CURL-ARGUMENTS...
status() {
    local code=$1 got
    shift
    got=$(on server curl -sk -m 20 -o /dev/null -w '%{http_code}' "$@" "https://192.0.2.2:10250/pods")
    [ "$got" = "$code" ] || { echo "got $got"; return 1; }
}
