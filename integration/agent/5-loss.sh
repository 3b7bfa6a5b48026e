# Sourced: a machine that is gone, and comes back.

loss() {
    stop worker KILL
    check "the node of an agent that is gone becomes NotReady" eventually 90 worker_not_ready
    check "its pods are replaced on the other machine" eventually 60 all_on_server
    check "the Service leads to what is left" eventually 10 only_server
    check "the agent comes back: Ready, and the pods that were replaced are taken away" comes_back
}

worker_not_ready() { kubectl get node worker --no-headers | grep -q NotReady; }

all_on_server() {
    [ "$(kubectl get deploy hello -o jsonpath='{.status.readyReplicas}')" = 4 ] &&
        [ "$(kubectl get pods -l app=hello --field-selector spec.nodeName=server --no-headers | grep -c Running)" = 4 ]
}

only_server() {
    local i answer
    for i in $(seq 10); do
        answer=$(fetch host server) || return 1
        [ "$answer" = server ] || { echo "got $answer"; return 1; }
    done
}

comes_back() {
    start_agent || return 1
    eventually 30 both_ready || return 1
    eventually 30 none_on_worker || { kubectl get pods -o wide; return 1; }
}

none_on_worker() { [ -z "$(kubectl get pods -l app=hello --field-selector spec.nodeName=worker -o name)" ] && [ "$(processes_on worker)" = "[]" ]; }
