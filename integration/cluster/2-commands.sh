# Sourced: what people type.

commands() {
    check "get -o wide prints nodes, pods and services" kubectl get nodes,pods,svc -o wide
    check "the server's node has its role" says "control-plane" kubectl get nodes
    check "the API's own Service has its endpoints" says ":6443" kubectl get endpoints kubernetes
    check "get -w shows a change" watches
    check "describe tells of a pod's events" eventually 10 describes
    check "events are listed in their order" eventually 10 events_in_order
    check "logs prints what a container wrote" eventually 10 says "hello from a log" logs_of_talker
    check "logs -f ends with the container" follows
    check "exec passes the exit code on" exec_code
    check "exec passes standard input on" says "through stdin" exec_stdin
    check "exec -it gives a terminal" says "/dev/pts/" exec_terminal
    check "cordon and uncordon are told in the node's events" cordons
    check "label changes an object" kubectl label pod talker colour=blue
    check "a label selector finds it" says "talker" kubectl get pods -l colour=blue
    check "annotate changes an object" kubectl annotate pod talker note=yes
    check "edit changes an object" edits
    check "wait waits for a condition" kubectl wait --for=condition=Available deploy/hello --timeout=180s
    check "explain knows the fields" says "periodSeconds" kubectl explain pod.spec.containers.livenessProbe
    check "api-resources lists the kinds" says "deployments" kubectl api-resources
    check "apply --server-side works" kubectl apply --server-side --force-conflicts -f packaging/demo/workload.yaml
    check "diff finds nothing after apply" finds_no_difference
    check "apply takes what get -o yaml printed" applies_list
    check_since 28 "auth whoami says who one is" says "kubernetes-admin" kubectl auth whoami
    check "a review says what another may do" reviews
    check "auth can-i --list names what an account may read" says "pods/log" \
        kubectl auth can-i --list --as system:serviceaccount:default:default
    check "a token kept in a Secret is its account's, and goes with it" token_in_secret
    check "the keys that tokens are checked with are told" says "ES256" kubectl get --raw /openid/v1/jwks
    check "delete --cascade=foreground ends for a Lease" deletes_lease
    check "a circle of owners goes" deletes_circle
    check "create takes what typed clients send" kubectl create configmap typed --from-literal a=b
    check "another image for a pod that runs is run" changes_image
    check "top-level delete removes a pod" kubectl delete pod talker --timeout=180s
}

reviews() {
    local verb allowed
    for verb in get delete; do
        allowed=$(kubectl create -o jsonpath='{.status.allowed}' -f - <<Y
apiVersion: authorization.k8s.io/v1
kind: SubjectAccessReview
spec:
  user: system:serviceaccount:default:default
  resourceAttributes: {verb: $verb, resource: pods, namespace: default}
Y
        ) || return 1
        case $verb,$allowed in get,true | delete,false) ;; *) echo "$verb: $allowed"; return 1 ;; esac
    done
}

deletes_lease() {
    kubectl create -f - <<'Y' && kubectl delete lease held --cascade=foreground --timeout=60s
apiVersion: coordination.k8s.io/v1
kind: Lease
metadata: {name: held}
Y
}

# Each owns the next one, and the last the first.
deletes_circle() {
    local pair owner
    for pair in a b c; do kubectl create configmap "ring-$pair" || return 1; done
    for pair in a:c b:a c:b; do
        owner=ring-${pair#*:}
        kubectl patch configmap "ring-${pair%:*}" --type=merge -p "{\"metadata\":{\"ownerReferences\":[{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",
            \"name\":\"$owner\",\"uid\":\"$(kubectl get configmap "$owner" -o jsonpath='{.metadata.uid}')\",\"blockOwnerDeletion\":true}]}}" || return 1
    done
    kubectl delete configmap ring-a --cascade=foreground --timeout=60s && kubectl wait --for=delete configmap/ring-b configmap/ring-c --timeout=60s
}

cordons() {
    kubectl cordon node && eventually 15 says " NodeNotSchedulable " kubectl get events && kubectl uncordon node &&
        eventually 15 says " NodeSchedulable " kubectl get events
}

events_in_order() {
    local found
    found=$(kubectl get events --field-selector "involvedObject.name=$(first_pod),type=Normal" \
        -o custom-columns=R:.reason --no-headers | head -n 4 | tr '\n' ' ')
    [ "$found" = "Scheduled Pulled Created Started " ] || { echo "$found"; return 1; }
}

# A List is checked by the client itself, against the document of version 2.
applies_list() { kubectl get configmap/hello service/hello -o yaml | kubectl apply -f -; }

# One that stays: a rollout's old pods are there for a while.
first_pod() {
    kubectl get pods -l app=hello -o go-template='{{range .items}}{{if not .metadata.deletionTimestamp}}{{.metadata.name}}{{"\n"}}{{end}}{{end}}' | head -n 1
}
describes() { says "Started container web" kubectl describe pod "$(first_pod)"; }

# Once the Deployment has come to rest, and what is compared does not change meanwhile.
finds_no_difference() { kubectl rollout status deploy/hello --timeout=180s && kubectl diff -f packaging/demo/workload.yaml; }

token_in_secret() {
    kubectl create serviceaccount keeper >/dev/null && kubectl apply -f - >/dev/null <<'Y' || return 1
apiVersion: v1
kind: Secret
metadata: {name: keeper-token, annotations: {kubernetes.io/service-account.name: keeper}}
type: kubernetes.io/service-account-token
Y
    eventually 20 says "system:serviceaccount:default:keeper" bearer_of keeper-token &&
        kubectl delete serviceaccount keeper >/dev/null && eventually 20 says NotFound kubectl get secret keeper-token
}

bearer_of() {
    local token
    token=$(kubectl get secret "$1" -o 'jsonpath={.data.token}' | base64 -d)
    kubectl create -o 'jsonpath={.status.user.username}' -f - <<Y
apiVersion: authentication.k8s.io/v1
kind: TokenReview
spec: {token: "$token"}
Y
}

watches() {
    local out=$ROOT/watch
    nsenter "--net=/run/netns/$NETNS" timeout 120 kubectl get pods -w >"$out" 2>&1 &
    local watch=$!
    eventually 15 [ -s "$out" ] || return 1
    kubectl apply -f - <<'Y' || return 1
apiVersion: v1
kind: Pod
metadata: {name: talker}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: talker
    image: busybox:demo
    imagePullPolicy: Never
    command: [sh, -c, "echo hello from a log; sleep 1000"]
Y
    kubectl wait --for=condition=Ready pod/talker --timeout=180s || return 1
    eventually 5 grep -q "talker.*Running" "$out"
    kill "$watch"
    grep -q "talker.*Pending" "$out" && grep -q "talker.*Running" "$out" || { cat "$out"; return 1; }
}

# The same under another name.
changes_image() {
    swiftlet images tag busybox:demo busybox:changed || return 1
    kubectl set image pod/talker talker=busybox:changed || return 1
    eventually 60 says "1 busybox:changed true" kubectl get pod talker -o \
        jsonpath='{.status.containerStatuses[0].restartCount} {.status.containerStatuses[0].image} {.status.containerStatuses[0].ready}' || return 1
    eventually 10 says "definition changed, will be restarted" kubectl events --for pod/talker
}

logs_of_talker() { kubectl logs talker; }

follows() {
    kubectl run counter --image=busybox:demo --image-pull-policy=Never --restart=Never -- \
        sh -c 'for i in 1 2 3; do echo line $i; sleep 0.3; done' || return 1
    eventually 15 sh -c "nsenter --net=/run/netns/$NETNS kubectl logs counter | grep -q 'line 1'" 2>/dev/null || return 1
    says "line 3" timeout 90 nsenter "--net=/run/netns/$NETNS" kubectl logs -f counter
}

exec_code() {
    timeout 90 nsenter "--net=/run/netns/$NETNS" kubectl exec talker -- sh -c 'exit 7'
    [ $? = 7 ]
}

exec_stdin() { echo "through stdin" | timeout 90 nsenter "--net=/run/netns/$NETNS" kubectl exec -i talker -- cat; }

exec_terminal() {
    timeout 90 script -qec "nsenter --net=/run/netns/$NETNS kubectl exec -it talker -- tty" /dev/null </dev/null
}

edits() {
    EDITOR="sed -i s/replicas:.*/replicas:\ 3/" kubectl edit deploy hello || return 1
    eventually 20 pods_are 3
}
