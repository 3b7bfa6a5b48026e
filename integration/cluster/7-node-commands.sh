# Sourced: the node's own command line, which works with the API server down.

node_commands() {
    check "the node can be checked" says "this machine can be a node" swiftlet check
    check "images lists what was added" says "busybox:demo" swiftlet images list
    check "removing an unknown image fails" refuses 1 swiftlet images remove no-such-image
    kubectl apply -f - >/dev/null <<'Y'
apiVersion: v1
kind: Pod
metadata: {name: looked-at}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: main
    image: busybox:demo
    imagePullPolicy: Never
    command: [sh, -c, "echo one; echo two; sleep 1000"]
Y
    check "a pod to look at runs" kubectl wait --for=condition=Ready pod/looked-at --timeout=180s
    check "ps lists its container" says "default/looked-at" swiftlet ps
    check "pods lists its sandbox" says "looked-at" swiftlet pods
    check "logs --tail prints the last line" eventually 10 says "two" swiftlet logs looked-at --tail 1
    check "exec passes the exit code on" refuses 7 swiftlet exec looked-at -- sh -c "exit 7"
    check "exec of a program that is not there ends with 127" refuses 127 swiftlet exec looked-at -- nosuch
    check "and names it" says 'exec "nosuch": command not found' swiftlet exec looked-at -- nosuch
    check "exec of what is no program ends with 126" refuses 126 swiftlet exec looked-at -- /etc/passwd
    check "kubectl exec names it as well" says 'error executing command in container: exec "nosuch": command not found' \
        kubectl exec looked-at -- nosuch
    check "exec passes standard input on" says "through stdin" node_exec_stdin
    check "stats shows what containers use" says "default/looked-at" swiftlet stats --once
    check "stats goes on in a terminal" stats_follow
    check "stats are a document too" says workingSetBytes swiftlet stats -o json
    check "the node tells its figures through the API" eventually 10 node_figures
    check "inspect shows a pod" says '"sandboxes"' swiftlet inspect pod/looked-at
    check "also by its name alone" says '"sandboxes"' swiftlet inspect looked-at
    check "another kind is told apart" says "knows pods only, and deploy is another kind" swiftlet why deploy/looked-at
    check "why shows the way of a pod" says "container started" swiftlet why pod/looked-at
    check "why tells when it ran" says "after the first step" swiftlet why pod/looked-at
    check "a program that is not there is told at every start, with its cause" failed_starts
    check "the node's events tell that it became ready" says NodeReady kubectl describe node node
    check "ps prints the columns that a table names" says "default/looked-at/main" swiftlet ps --format 'table {{.Image}}\t{{.Names}}'
    check "and the usual ones without" says "RESTARTS   IMAGE" swiftlet ps --format table
    check "help of no command is refused" refuses 2 swiftlet_help nosuch
    check "doctor finds nothing wrong" eventually 10 node_doctor
    check "doctor finds what belongs to nobody, and mends it" doctor_mends
    kubectl delete pod looked-at --timeout=180s >/dev/null
    check "why knows a pod that is gone" says "removed from the API" swiftlet why pod/looked-at
    check "an unknown pod is refused" refuses 1 swiftlet logs no-such-pod
    check "a wrong call ends with 2" refuses 2 swiftlet logs
    check "certs shows when the certificates end" says apiserver-kubelet-client swiftlet certs
    check "a certificate renewed by hand is served without a restart" renewed_certificate
    check "the admin's renewed kubeconfig is good" renewed_admin
    check "certs refuses to renew the authority" refuses 1 swiftlet certs renew ca
    check "uninstall refuses while the daemon runs" refuses 1 swiftlet uninstall --yes
}

swiftlet_help() { inside "$BIN/swiftlet" help "$@"; }

# The second start comes at once, the third after ten seconds.
failed_starts() {
    kubectl run never-runs --image=busybox:demo --image-pull-policy=Never --command -- /nosuch >/dev/null || return 1
    eventually 30 twice_failed || return 1
    says "container not started" swiftlet why pod/never-runs &&
        says "not Running; the last word" swiftlet why pod/never-runs && told_failure || return 1
    kubectl delete pod never-runs --now --timeout=60s
}
told_failure() {
    local status
    nsenter "--net=/run/netns/$NETNS" "$BIN/swiftlet" events --run-dir "$ROOT/r" --config-dir "$ROOT/c" --since 10m >"$ROOT/events" 2>&1 &
    eventually 10 grep -qF 'exit code 128 (StartError: ' "$ROOT/events"
    status=$?
    kill $!
    wait $! 2>/dev/null
    [ "$status" = 0 ] || cat "$ROOT/events"
    return "$status"
}
twice_failed() {
    [ "$(kubectl get events -o jsonpath='{.items[?(@.involvedObject.name=="never-runs")].count}' \
        --field-selector reason=Failed)" -ge 2 ]
}

node_doctor() { swiftlet doctor "$@"; }

# A mount, a link, an address and files that no pod has; beside them all else must be left alone.
plant_strays() {
    mkdir -p "$ROOT/r/runtime/sandboxes/stray/shm" "$ROOT/d/runtime/containers/stray" &&
        mount -t tmpfs none "$ROOT/r/runtime/sandboxes/stray/shm" && echo stray >"$ROOT/r/network/10.42.0.200" &&
        inside ip link add "sw-$INSTANCE-pc8" type veth peer name stray
}

doctor_mends() {
    local found
    plant_strays || return 1
    found=$(node_doctor -o json) && { echo "nothing found: $found"; return 1; }
    for word in stray/shm containers/stray "sw-$INSTANCE-pc8" 10.42.0.200; do
        grep -qF "$word" <<<"$found" || { echo "$word is not in $found"; return 1; }
    done
    node_doctor --fix && says "1/1 Running 0" kubectl_words get pod looked-at
}

# kubectl's table with one space between its words.
kubectl_words() { kubectl "$@" | tr -s ' '; }

# refuses CODE COMMAND...: the command ends with the code.
refuses() {
    local wanted=$1 code=0
    shift
    "$@" || code=$?
    [ "$code" = "$wanted" ]
}

node_figures() {
    local path=/api/v1/nodes/node/proxy used
    says '"podRef"' kubectl get --raw $path/stats/summary &&
        says 'container_cpu_usage_seconds_total{container="main"' kubectl get --raw $path/metrics/cadvisor &&
        used=$(kubectl get --raw $path/metrics/resource |
            sed -n 's/^container_cpu_usage_seconds_total{container="main",namespace="default",pod="looked-at"} \([^ ]*\) .*/\1/p') &&
        [ -n "$used" ] && [ "$used" != 0.000000000 ]
}

node_exec_stdin() { echo "through stdin" | swiftlet exec looked-at -i -- cat; }

served_certificate() { inside python3 -c 'import ssl; print(ssl.get_server_certificate(("127.0.0.1", 6443)))'; }

renewed_certificate() {
    local before pid
    before=$(served_certificate) pid=$(server_pid)
    says "apiserver renewed" swiftlet certs renew apiserver || return 1
    eventually 5 eval '[ "$before" != "$(served_certificate)" ]' && [ "$pid" = "$(server_pid)" ] && kubectl get --raw /readyz
}

renewed_admin() {
    local before
    before=$(grep client-certificate-data "$KUBECONFIG")
    says "admin renewed" swiftlet certs renew admin || return 1
    [ "$before" != "$(grep client-certificate-data "$KUBECONFIG")" ] && kubectl get --raw /readyz
}

stats_follow() {
    local status
    timeout 120 script -qefc "nsenter --net=/run/netns/$NETNS $BIN/swiftlet stats --interval 1 --data-dir $ROOT/d --run-dir $ROOT/r --config-dir $ROOT/c" "$ROOT/typescript" \
        </dev/null >"$ROOT/tables" 2>&1 &
    eventually 20 has_two_tables
    status=$?
    kill $!
    wait $! 2>/dev/null
    [ "$status" = 0 ] || cat "$ROOT/tables"
    return "$status"
}
has_two_tables() { [ "$(grep -ac CPU "$ROOT/tables")" -ge 2 ]; }
