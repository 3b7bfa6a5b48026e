# Sourced: what the worker's certificate opens at the API server, asked for by curl: each refusal beside what is granted.

identity() {
    local mine other verb rest
    mine=/api/v1/namespaces/default/pods/$(pod_on worker) other=/api/v1/namespaces/default/pods/$(pod_on server)
    kubectl create secret generic unnamed --from-literal=k=v >/dev/null
    check "the worker's certificate may write its own node" as_worker 200 /api/v1/nodes/worker -X PATCH "${MERGE[@]}" -d '{"metadata": {"labels": {"mine": "yes"}}}'
    check "and no other" as_worker 403 /api/v1/nodes/server -X PATCH "${MERGE[@]}" -d '{"metadata": {"labels": {"mine": "yes"}}}'
    for verb in list watch; do
        [ $verb = list ] && rest="" || rest="&watch=true&timeoutSeconds=1"
        check "it may $verb the worker's pods" as_worker 200 "/api/v1/pods?fieldSelector=spec.nodeName%3Dworker$rest"
        check "it may not $verb another node's" as_worker 403 "/api/v1/pods?fieldSelector=spec.nodeName%3Dserver$rest"
        check "it may not $verb all" as_worker 403 "/api/v1/pods?limit=500$rest"
    done
    check "it may read a pod of the worker" as_worker 200 "$mine"
    check "not one of another node" as_worker 403 "$other"
    check "nor by a write that changes nothing" as_worker 404 "$other/status" -X PATCH "${MERGE[@]}" -d '{}'
    check "nor by a patch that would put what it says into a refusal" as_worker 404 "$other/status" -X PATCH -H 'Content-Type: application/json-patch+json' \
        -d '[{"op": "copy", "from": "/spec/nodeName", "path": "/metadata/name"}]'
    check "it may read all nodes, for the routes to their pods" as_worker 200 /api/v1/nodes
    check "not all namespaces" as_worker 403 /api/v1/namespaces
    check "it may read its own lease" as_worker 200 /apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/worker
    check "not another's" as_worker 403 /apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/server
    check "it may read a secret that its pods name" as_worker 200 /api/v1/namespaces/default/secrets/words
    check "not one that they do not" as_worker 403 /api/v1/namespaces/default/secrets/unnamed
    check "it gets a token for a pod of the worker" asks_token 201 worker
    check "not for one of another node" asks_token 403 server
    check "not for an audience that the pod has no volume for" asks_token 403 worker '"audiences": ["elsewhere"],'
    check "not without the pod's uid" asks_token 403 worker "" ""
}

MERGE=(-H 'Content-Type: application/merge-patch+json')

# as_worker CODE PATH CURL-ARGUMENTS...
as_worker() {
    local code=$1 path=$2 got agent=$ROOT/worker/d/agent
    shift 2
    got=$(on worker curl -s -m 20 --cacert "$agent/ca.crt" --cert "$agent/client.crt" --key "$agent/client.key" "$@" \
        -o "$ROOT/answer" -w '%{http_code}' "https://192.0.2.1:6443$path")
    [ "$got" = "$code" ] || { echo "got $got: $(head -c 500 "$ROOT/answer")"; return 1; }
}

# asks_token CODE MACHINE [FIELDS [UID]]: for a pod of the machine, whose uid it names unless another is given.
asks_token() {
    local pod uid
    pod=$(pod_on "$2")
    uid=${4-$(kubectl get pod "$pod" -o jsonpath='{.metadata.uid}')}
    as_worker "$1" /api/v1/namespaces/default/serviceaccounts/default/token -X POST -H 'Content-Type: application/json' \
        -d "{\"spec\": {${3:-} \"boundObjectRef\": {\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"name\": \"$pod\", \"uid\": \"$uid\"}}}"
}
