# Sourced: Deployments, Services and names.

workloads() {
    check "apply takes a Deployment, a ConfigMap and a Service" kubectl apply -f packaging/demo/workload.yaml
    check "the rollout ends" kubectl rollout status deploy/hello --timeout=180s
    check "the Service answers the host by its cluster address" eventually 10 service_answers_host
    check "the Service answers a pod by its address" eventually 10 service_answers_pod
    check "the Service answers a pod by its name" says "hello from swiftlet" pod_fetches hello
    check "the Service answers a pod by its full name" says "hello from swiftlet" \
        pod_fetches hello.default.svc.cluster.local
    check "a NodePort answers from another machine" node_port_answers
    check "a Service without a selector leads where its Endpoints say" endpoints_are_mirrored
    check "a pod reaches the API server through the kubernetes Service" api_from_pod
    check "scale changes the number of pods" scales
    check "a changed template rolls out" rolls_out
    check "a container finds the namespace's Services in its environment" eventually 20 services_in_environment
    check "history lists the revisions" says "2" kubectl rollout history deploy/hello
    check "undo goes back" undoes
    check "a taint evicts a pod whose time with it is over, and its conditions say so" taint_evicts
}

cluster_address() { kubectl get svc hello -o jsonpath='{.spec.clusterIP}'; }
service_answers_host() { says "hello from swiftlet" inside curl -sm 10 "http://$(cluster_address)/"; }
service_answers_pod() { says "hello from swiftlet" pod_fetches "$(cluster_address)"; }
pod_fetches() { timeout 90 nsenter "--net=/run/netns/$NETNS" kubectl exec deploy/hello -- wget -q -O - "http://$1/"; }

node_port_answers() {
    local port
    kubectl patch svc hello -p '{"spec": {"type": "NodePort"}}' || return 1
    port=$(kubectl get svc hello -o jsonpath='{.spec.ports[0].nodePort}')
    [ -n "$port" ] || return 1
    eventually 10 says "hello from swiftlet" nsenter "--net=/run/netns/$NETNS-out" curl -sm 10 "http://192.0.2.1:$port/"
}

endpoints_are_mirrored() {
    local address
    address=$(kubectl get pods -l app=hello -o jsonpath='{.items[0].status.podIP}')
    kubectl apply -f - <<Y || return 1
{"apiVersion": "v1", "kind": "List", "items": [
 {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "elsewhere"}, "spec": {"ports": [{"port": 80}]}},
 {"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": "elsewhere"},
  "subsets": [{"addresses": [{"ip": "$address"}], "ports": [{"port": 8080}]}]}]}
Y
    eventually 10 says "hello from swiftlet" pod_fetches elsewhere && kubectl delete endpoints elsewhere || return 1
    eventually 10 says "No resources found" kubectl get endpointslices -l kubernetes.io/service-name=elsewhere &&
        kubectl delete service elsewhere
}

api_from_pod() {
    # nc says whether the connection was made; busybox has no TLS.
    timeout 90 nsenter "--net=/run/netns/$NETNS" kubectl exec deploy/hello -- \
        sh -c 'nc -w 3 $KUBERNETES_SERVICE_HOST $KUBERNETES_SERVICE_PORT </dev/null'
}

pods_are() { [ "$(kubectl get pods -l app=hello --field-selector status.phase=Running -o name | wc -l)" = "$1" ]; }
scales() { kubectl scale deploy/hello --replicas=5 && eventually 20 pods_are 5 && kubectl scale deploy/hello --replicas=2 && eventually 30 pods_are 2; }

rolls_out() {
    # Older kubectl picks a pod of the Deployment that is ending as well.
    kubectl set env deploy/hello GENERATION=two && kubectl rollout status deploy/hello --timeout=180s &&
        eventually 40 says "GENERATION=two" kubectl exec deploy/hello -- env
}

services_in_environment() {
    local address
    address=$(cluster_address)
    says "HELLO_SERVICE_HOST=$address" kubectl exec deploy/hello -- env && says "HELLO_PORT_80_TCP=tcp://$address:80" kubectl exec deploy/hello -- env
}

undoes() {
    kubectl rollout undo deploy/hello && kubectl rollout status deploy/hello --timeout=180s || return 1
    ! kubectl get deploy hello -o yaml | grep -q GENERATION
}

# The finalizer keeps what was said of the pod. The others of the node go at once, and come back.
taint_evicts() {
    local status=0
    kubectl apply -f - <<'Y' || return 1
{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "patient", "finalizers": ["example.com/look"]}, "spec": {
 "terminationGracePeriodSeconds": 0,
 "tolerations": [{"key": "example.com/maintenance", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 2}],
 "containers": [{"name": "main", "image": "busybox:demo", "imagePullPolicy": "Never", "command": ["sleep", "100000"]}]}}
Y
    kubectl wait --for=condition=Ready pod/patient --timeout=120s || status=1
    kubectl taint node node example.com/maintenance=:NoExecute || status=1
    eventually 20 says DeletionByTaintManager kubectl get pod patient -o jsonpath='{.status.conditions[?(@.type=="DisruptionTarget")].reason}' ||
        status=1
    eventually 20 says 20 kubectl get pod patient -o jsonpath='{.metadata.deletionTimestamp}' || status=1
    kubectl taint node node example.com/maintenance- || status=1
    kubectl patch pod patient --type=merge -p '{"metadata": {"finalizers": null}}' || status=1
    kubectl delete pod patient --ignore-not-found && kubectl rollout status deploy/hello --timeout=180s && return "$status"
}
