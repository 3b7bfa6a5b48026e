# Sourced: the end of namespaces, and of the instance.

ending() {
    check "a namespace is deleted with all it holds" namespace_goes
    check "deleting everything leaves no pod" everything_goes
    stop_server TERM
    check "uninstall leaves nothing, wherever its cgroup was once" uninstalled
}

namespace_goes() {
    kubectl create -f - <<'Y' || return 1
{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "temporary"}}
Y
    eventually 10 sh -c "nsenter --net=/run/netns/$NETNS kubectl get sa default -n temporary" >/dev/null 2>&1
    kubectl apply -n temporary -f packaging/demo/workload.yaml || return 1
    kubectl rollout status -n temporary deploy/hello --timeout=180s || return 1
    kubectl delete namespace temporary --timeout=300s
}

everything_goes() {
    kubectl delete deploy,pods,svc --all --timeout=300s || return 1
    # A ReplicaSet that was not gone yet may have replaced a pod after the command has listed them.
    eventually 60 no_pods
}
no_pods() { [ -z "$(kubectl get pods -o name)" ]; }

uninstalled() {
    local left former
    touch "$ROOT/d/notes"
    # Of a time when cgroup-parent was another; what runs there is the instance's too.
    former=$(former_cgroup)
    mkdir -p "$former/swiftlet-$INSTANCE"
    setsid sh -c 'echo $$ >"$0/cgroup.procs"; exec sleep 1000' "$former/swiftlet-$INSTANCE" >/dev/null 2>&1 &
    eventually 10 grep -q . "$former/swiftlet-$INSTANCE/cgroup.procs" || return 1
    says "what was kept is named above" swiftlet uninstall --yes || return 1
    [ -e "$ROOT/d/notes" ] && rm -r "$ROOT/d" || return 1
    left=$(leftovers)
    rmdir "$former" || return 1
    [ -z "$left" ] || { echo "left: $left"; return 1; }
    [ ! -e "$ROOT/d" ] && [ ! -e "$ROOT/r" ]
}
