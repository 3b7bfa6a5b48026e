# Sourced: the end of namespaces, and of the instance.

ending() {
    check "a namespace is deleted with all it holds" namespace_goes
    check "deleting everything leaves no pod" everything_goes
    stop_server TERM
    check "uninstall leaves nothing" uninstalled
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
    local left
    touch "$ROOT/d/notes"
    says "what was kept is named above" swiftlet uninstall --yes || return 1
    [ -e "$ROOT/d/notes" ] && rm -r "$ROOT/d" || return 1
    left=$(leftovers)
    [ -z "$left" ] || { echo "left: $left"; return 1; }
    [ ! -e "$ROOT/d" ] && [ ! -e "$ROOT/r" ]
}
