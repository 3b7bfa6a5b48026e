# Sourced: pods on both machines, and the ways between them.

network() {
    kubectl apply -f integration/agent/workload.yaml >/dev/null
    check "a Deployment runs on both machines" spread
    check "a pod of the server reaches one of the worker, with its own address" crosses server worker
    check "a pod of the worker reaches one of the server, with its own address" crosses worker server
    check "the server's host reaches a pod of the worker" on server curl -sf -m 20 "http://$(pod_ip worker):8080/"
    check "the worker's host reaches a pod of the server" on worker curl -sf -m 20 "http://$(pod_ip server):8080/"
    for machine in server worker; do
        check "a pod of the $machine reaches both machines through the Service, by its name" through_service pod "$machine"
        check "the host of the $machine reaches both machines through the Service" through_service host "$machine"
        check "the node port of the $machine leads to both machines" through_service port "$machine"
    done
    check "a pod of the worker reaches the API server by the kubernetes Service" api_from_pod
    check "the routes are marked as ours" says "10.42.1.0/24 via 192.0.2.2" on server ip route show proto 83
}

pod_on() { kubectl get pods -l app=hello --field-selector "spec.nodeName=$1,status.phase=Running" -o jsonpath='{.items[0].metadata.name}'; }
pod_ip() { kubectl get pod "$(pod_on "$1")" -o jsonpath='{.status.podIP}'; }

spread() {
    kubectl rollout status deploy/hello --timeout=180s || return 1
    [ -n "$(pod_on server)" ] && [ -n "$(pod_on worker)" ]
}

# crosses FROM TO
crosses() {
    local from to address
    from=$(pod_on "$1") to=$(pod_on "$2")
    address=$(kubectl get pod "$from" -o jsonpath='{.status.podIP}')
    eventually 5 says "$2" kubectl exec "$from" -- wget -qO- "http://$(pod_ip "$2"):8080/" || return 1
    eventually 5 sh -c "nsenter --net=$(netns server) kubectl logs $to | grep -qF '$address'" || { echo "$address is not in the log"; kubectl logs "$to" | tail -n 3; return 1; }
}

fetch() {
    case $1 in
        pod) kubectl exec "$(pod_on "$2")" -- wget -qO- http://hello.default.svc.cluster.local/ ;;
        host) on "$2" curl -sf -m 20 "http://$(kubectl get svc hello -o jsonpath='{.spec.clusterIP}')/" ;;
        port) on "$2" curl -sf -m 20 "http://$([ "$2" = server ] && echo 192.0.2.1 || echo 192.0.2.2):30080/" ;;
    esac
}

# through_service KIND MACHINE: both machines' pods answer sooner or later, and nothing fails.
through_service() {
    local seen='' i answer
    eventually 5 fetch "$@" >/dev/null || return 1
    for i in $(seq 40); do
        answer=$(fetch "$@") || { echo "attempt $i failed: $answer"; return 1; }
        seen="$seen $answer"
        [[ $seen == *server* && $seen == *worker* ]] && return 0
    done
    echo "answers:$seen"
    return 1
}

api_from_pod() {
    local pod
    pod=$(pod_on worker)
    kubectl exec "$pod" -- test -s /var/run/secrets/kubernetes.io/serviceaccount/token || return 1
    kubectl exec "$pod" -- nc -w 3 -z kubernetes.default.svc.cluster.local 443 || kubectl exec "$pod" -- sh -c 'nc kubernetes.default.svc.cluster.local 443 </dev/null'
}
