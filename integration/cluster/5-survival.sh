# Sourced: the daemon killed and started again; its pods do not notice.

survival() {
    check "kill -9 and start again: the same processes, no restart counted" survives KILL
    check "SIGTERM and start again: the same processes, no restart counted" survives TERM
    check "a pod that is ending keeps its grace over a stop and a start" grace_outlives_a_stop
    check "a stop under way holds up no SIGTERM, and says that its container runs on" stops_are_given_up
    check "a sandbox whose monitor dies is told as lost, its containers not as failed" lost_sandbox
    check "starts that are refused leave the network of the pods that run as it is" refused_starts
    check "a first start in networks that are in use leaves nothing behind" first_start_leaves_nothing
    check "a mistake in config.yaml keeps no command from its instance" mistakes_are_told
    check "the empty group under a former cgroup-parent goes at a start, one with a process stays" former_groups
    check "after that, pods can still be made and reached" kubectl rollout status deploy/hello --timeout=180s
    check "${SWIFTLET_KILLS:-10} kills at random moments under load lose and leak nothing" random_kills "${SWIFTLET_KILLS:-10}"
}

processes() {
    inside curl -sf --unix-socket "$ROOT/r/node.sock" http://node/v1/containers |
        python3 -c 'import json, sys
print(sorted((c["labels"].get("io.kubernetes.pod.name"), c["pid"]) for c in json.load(sys.stdin)
             if c["state"] == "running" and c["labels"].get("io.kubernetes.pod.name", "").startswith(sys.argv[1])))' "$1"
}
restarts() { kubectl get pods -l app=hello -o jsonpath='{range .items[*]}{.metadata.name}={.status.containerStatuses[0].restartCount} {end}'; }

survives() {
    local before after
    kubectl rollout status deploy/hello --timeout=180s || return 1
    before="$(processes hello) $(restarts)"
    stop_server "$1" && start_server || return 1
    eventually 20 sh -c "nsenter --net=/run/netns/$NETNS kubectl get nodes | grep -q ' Ready'"
    sleep 2
    after="$(processes hello) $(restarts)"
    [ "$before" = "$after" ] || { printf 'before: %s\nafter:  %s\n' "$before" "$after"; return 1; }
}

# What has been told to end goes on with it, in its own time.
grace_outlives_a_stop() {
    local before after
    kubectl run graceful --image=busybox:demo --image-pull-policy=Never --restart=Never --overrides='{"spec": {"terminationGracePeriodSeconds": 3600}}' -- \
        sh -c 'trap "echo told" TERM; echo ready; while :; do sleep 0.2; done' && eventually 20 says ready kubectl logs graceful || return 1
    before=$(processes graceful)
    kubectl delete pod graceful --wait=false && eventually 20 says told kubectl logs graceful && stop_server TERM && start_server || return 1
    eventually 20 sh -c "nsenter --net=/run/netns/$NETNS kubectl get nodes | grep -q ' Ready'"
    after=$(processes graceful)
    [ "$before" = "$after" ] || { printf 'before: %s\nafter:  %s\n' "$before" "$after"; return 1; }
    says Terminating kubectl get pod graceful && kubectl delete pod graceful --grace-period=1 --wait --timeout=60s
}

logs_say() { swiftlet logs "$1" 2>/dev/null | grep -q "$2"; }

stops_are_given_up() {
    local stopping code
    swiftlet run --detach --name deaf busybox:demo sh -c "trap 'echo told to end' TERM; echo begun; while :; do sleep 0.2; done" || return 1
    eventually 30 logs_say "(run)/deaf" begun || return 1
    swiftlet stop --time 600 deaf >"$ROOT/stop" 2>&1 &
    stopping=$!
    eventually 30 logs_say "(run)/deaf" told && stop_server TERM || return 1
    wait "$stopping"
    code=$?
    start_server && says "(run)/deaf" swiftlet ps && swiftlet rm --force deaf || return 1
    [ "$code" = 1 ] && grep -q "container deaf was not stopped: the daemon is stopping" "$ROOT/stop" || { cat "$ROOT/stop"; return 1; }
}

lost_sandbox() {
    local container monitor
    kubectl run lost --image=busybox:demo --image-pull-policy=Never -- sleep 1000 &&
        kubectl wait --for=condition=Ready pod/lost --timeout=180s || return 1
    container=$(processes lost | grep -o '[0-9]*' | tail -n 1)
    monitor=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$container/status")
    grep -q podmonitor "/proc/$monitor/cmdline" && kill -9 "$monitor" || return 1
    eventually 60 restarted_once lost || { kubectl get pod lost -o yaml; return 1; }
    eventually 20 sh -c "nsenter --net=/run/netns/$NETNS kubectl get events --field-selector involvedObject.name=lost | grep -q SandboxChanged" &&
        ! kubectl get events --field-selector involvedObject.name=lost | grep Failed || return 1
    kubectl delete pod lost --grace-period=1 --timeout=180s
}
restarted_once() { [ "$(kubectl get pod "$1" -o jsonpath='{.status.containerStatuses[0].restartCount} {.status.phase}')" = "1 Running" ]; }

# The next start with the old settings finds all as it was.
refused_starts() {
    local address
    address=$(kubectl get pods -l app=hello -o jsonpath='{.items[0].status.podIP}')
    fetches_from "$address" || return 1
    stop_server TERM && says "192.0.2.0/25 is in use" start_in 192.0.2.0/25 192.0.2.0/24 &&
        says "pod-cidr=10.42.0.0/24" start_in 10.99.0.0/24 10.99.0.0/16 && start_server || return 1
    fetches_from "$address" && doctor_is_content
}

first_start_leaves_nothing() {
    local other=$ROOT/other
    start_other() {
        timeout 90 nsenter "--net=/run/netns/$NETNS" "$BIN/swiftlet" server --data-dir "$other/d" --run-dir "$other/r" --config-dir "$other/c" \
            --log-dir "$other/l" --cri-listen none --node-name other --pod-cidr 10.44.0.0/24 --cluster-cidr 10.44.0.0/16 "$@"
    }
    says "10.43.0.0/16 is in use: this host has a route to 10.43.0.0/16" start_other &&
        says "192.0.2.0/24 is in use: link up0" start_other --service-cidr 192.0.2.0/24 && [ ! -e "$other" ]
}

mistakes_are_told() {
    local code
    printf 'prot: 1\nrun-dir: %s\n' "$ROOT/r" >"$ROOT/c/config.yaml"
    says 'config.yaml: there is no setting "prot"; did you mean port' inside "$BIN/swiftlet" ps --config-dir "$ROOT/c" &&
        inside "$BIN/swiftlet" ps --config-dir "$ROOT/c" 2>/dev/null | grep -q hello &&
        echo 'run-dir: r' >"$ROOT/c/config.yaml" && says 'run-dir must be an absolute path' inside "$BIN/swiftlet" ps --config-dir "$ROOT/c" &&
        says hello swiftlet ps
    code=$?
    rm "$ROOT/c/config.yaml"
    return $code
}

former_groups() {
    local parent holder
    parent=$(former_cgroup)
    mkdir -p "$parent/swiftlet-$INSTANCE/pods/burstable" "$parent/held/swiftlet-$INSTANCE/pods"
    setsid sh -c 'echo $$ >"$0/cgroup.procs"; exec sleep 1000' "$parent/held/swiftlet-$INSTANCE" >/dev/null 2>&1 &
    holder=$!
    eventually 10 grep -q . "$parent/held/swiftlet-$INSTANCE/cgroup.procs" && stop_server TERM && start_server || return 1
    [ -d "$parent/held/swiftlet-$INSTANCE" ] && [ ! -e "$parent/swiftlet-$INSTANCE" ] || return 1
    kill "$holder" && wait "$holder"
    stop_server TERM && start_server && rmdir "$parent/held" "$parent"
}

fetches_from() { says "hello from swiftlet" inside curl -sm 10 "http://$1:8080/"; }

# start_in POD-CIDR CLUSTER-CIDR
start_in() {
    timeout 90 nsenter "--net=/run/netns/$NETNS" "$BIN/swiftlet" server --data-dir "$ROOT/d" --run-dir "$ROOT/r" --config-dir "$ROOT/c" \
        --log-dir "$ROOT/l" --node-name node --pod-cidr "$1" --cluster-cidr "$2"
}

# Under a load of ConfigMaps and pods, the server is killed at random moments. What was acknowledged must be there afterwards.
random_kills() {
    local round seed=${SWIFTLET_SEED:-$RANDOM} before
    RANDOM=$seed
    echo "seed $seed"
    before=$(processes hello)
    : >"$ROOT/acknowledged"
    for round in $(seq "$1"); do
        load "$round" &
        local load=$!
        sleep "0.$((RANDOM % 900 + 100))"
        kill -9 "$(server_pid)" 2>/dev/null
        wait "$load"
        start_server || { echo "round $round: it did not start again"; tail -n 5 "$ROOT/log"; return 1; }
        [ "$before" = "$(processes hello)" ] || { echo "round $round: pods changed: $before $(processes hello)"; return 1; }
    done
    kubectl get configmaps -o name | sort >"$ROOT/present"
    sort "$ROOT/acknowledged" | comm -23 - "$ROOT/present" >"$ROOT/lost"
    [ ! -s "$ROOT/lost" ] || { echo "lost:"; cat "$ROOT/lost"; return 1; }
    kubectl delete pods -l load=yes --timeout=300s >/dev/null && kubectl delete configmaps -l load=yes >/dev/null
    eventually 60 no_strays && eventually 20 doctor_is_content
}

load() {
    local i
    for i in $(seq 20); do
        kubectl create -f - 2>/dev/null <<Y | sed -n 's/ created//p' | grep '^configmap' >>"$ROOT/acknowledged"
{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "load-$1-$i", "labels": {"load": "yes"}}}
Y
        [ $((i % 4)) = 0 ] && kubectl create -f - >/dev/null 2>&1 <<Y
{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "load-$1-$i", "labels": {"load": "yes"}},
 "spec": {"hostUsers": $([ $((i % 8)) = 0 ] && echo false || echo true), "terminationGracePeriodSeconds": 0, "containers": [{"name": "a", "image": "busybox:demo", "imagePullPolicy": "Never",
  "command": ["sleep", "1000"]}]}}
Y
        kill -0 "$(server_pid)" 2>/dev/null || return 0
    done
}

doctor_is_content() { swiftlet doctor --log-dir "$ROOT/l"; }

# Every pod link and every sandbox belongs to a pod that the API knows.
no_strays() {
    local links pods
    links=$(inside ip -o link | grep -c "sw-$INSTANCE-p")
    pods=$(kubectl get pods -A -o json | python3 -c 'import json, sys
print(sum(p["status"].get("phase") in ("Running", "Pending") and bool(p["status"].get("podIP")) for p in json.load(sys.stdin)["items"]))')
    [ "$links" -le "$pods" ] || { echo "$links links for $pods pods"; return 1; }
}
