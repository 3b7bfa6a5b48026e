# Sourced: what a pod's containers get.

containers() {
    kubectl apply -f integration/cluster/containers.yaml >/dev/null
    check "an init container runs first, and volumes carry what it wrote" says "from init" eventually_logs volumes
    check "a ConfigMap, a Secret and fields are in the environment" environment_is_right
    check "a ConfigMap and a Secret are files" files_are_right
    check "a ConfigMap's files follow it, but for subPath and environment" files_follow
    check "an optional Secret that comes later, and a changed label, reach the files" later_comes
    check "an image is a volume, whole and in part, read-only, and the status says which" image_is_a_volume
    check "a volume's image that is not there holds back its container alone, and an event names it" image_is_missing
    check "a service account's token is there" says "eyJ" kubectl exec volumes -- \
        cat /var/run/secrets/kubernetes.io/serviceaccount/token
    check "a failed liveness probe restarts the container" eventually 40 restarted unhealthy 1
    check "a pod that fails its readiness probe is not ready" eventually 20 not_ready
    check "a container that is killed comes back" killed_comes_back
    check "a container that keeps failing says CrashLoopBackOff" eventually 30 says CrashLoopBackOff \
        kubectl get pod crasher
    check "and an event tells of each wait" eventually 10 says "Back-off restarting failed container" kubectl describe pod crasher
    check "a program that is not there fails in a crash loop, which keeps why; without restarts the pod has Failed" start_fails
    check "a pod with a subdomain knows its full name" eventually 15 says "named.names.default.svc" \
        kubectl exec named -- hostname -f
    check "a pod that ends is Completed" eventually 20 says Completed kubectl get pod once
    check "a pod that is active for too long has failed" eventually 30 says "Failed DeadlineExceeded" \
        kubectl get pod brief -o 'jsonpath={.status.phase} {.status.reason}'
    check "a container that failed is told by the end of its log" eventually 20 says "the last words" \
        kubectl get pod telling -o 'jsonpath={.status.containerStatuses[0].state.terminated.message}'
    check "processes of the host cannot be seen" sees_only_itself
    check "seccomp and default capabilities are on" confined
    check "a seccomp profile of the node's confines a pod, and one that is missing is named" profile_of_the_node
    check_since 23 "kubectl debug runs a container that sees another's processes" debug_sees
    check_since 23 "kubectl debug gives a terminal" debug_terminal
    check "a static pod runs, and its mirror says so" static_pod_runs
    check "the mirror comes back when it is deleted, and follows the manifest; the pod runs on" mirror_follows
    check "a static pod and its mirror go with the manifest" static_pod_goes
    check "one that refers to a Secret is refused once, in plain words" static_pod_refers
}

eventually_logs() { eventually 30 sh -c "nsenter --net=/run/netns/$NETNS kubectl logs $1 | grep -q ." 2>/dev/null; kubectl logs "$1"; }

environment_is_right() {
    local out
    out=$(kubectl exec volumes -- env) || return 1
    for line in LEVEL=high PASSWORD=s3cret NAME=volumes GREETING=hi-volumes MEMORY=67108864; do
        grep -q "^$line$" <<<"$out" || { echo "no $line in: $out"; return 1; }
    done
}

files_are_right() {
    says high kubectl exec volumes -- cat /config/level && says s3cret kubectl exec volumes -- cat /secret/password
}

in_volumes() { kubectl exec volumes -- "$@"; }

files_follow() {
    kubectl patch configmap settings -p '{"data": {"level": "low", "extra": "new"}}' >/dev/null
    eventually 10 says low in_volumes cat /config/level >/dev/null && says new in_volumes cat /config/extra &&
        says high in_volumes cat /fixed && says LEVEL=high in_volumes env || return 1
    kubectl patch configmap settings -p '{"data": {"level": "high"}}' >/dev/null
    eventually 10 says high in_volumes cat /config/level >/dev/null
}

later_comes() {
    says "" in_volumes ls /later && kubectl create secret generic later --from-literal=key=here >/dev/null &&
        eventually 10 says here in_volumes cat /later/key >/dev/null || return 1
    kubectl label pod volumes stage=two >/dev/null &&
        eventually 10 says 'stage="two"' in_volumes cat /info/labels >/dev/null
}

image_is_a_volume() {
    eventually 30 says "root:x:0:0" kubectl exec imaged -- cat /whole/etc/passwd >/dev/null &&
        says "root:x:0:0" kubectl exec imaged -- cat /part/passwd &&
        says "Read-only file system" kubectl exec imaged -- touch /whole/new &&
        says "Read-only file system" kubectl exec imaged -- touch /part/new &&
        says "sha256:" kubectl get pod imaged \
            -o 'jsonpath={.status.containerStatuses[0].volumeMounts[0].volumeStatus.image.imageRef}'
}

image_is_missing() {
    eventually 30 says "ErrImageNeverPull" kubectl get pod unimaged \
        -o 'jsonpath={.status.containerStatuses[?(@.name=="main")].state.waiting.reason}' >/dev/null &&
        eventually 30 says "startedAt" kubectl get pod unimaged \
            -o 'jsonpath={.status.containerStatuses[?(@.name=="other")].state.running}' >/dev/null &&
        eventually 10 says 'image "nowhere:1" is not present' kubectl describe pod unimaged || return 1
    kubectl delete pod unimaged --wait=false >/dev/null
}

restarted() {
    [ "$(kubectl get pod "$1" -o jsonpath='{.status.containerStatuses[0].restartCount}')" -ge "$2" ]
}

not_ready() { says "0/1" kubectl get pod unready && says "Running" kubectl get pod unready; }

container_pid() {
    inside curl -sf --unix-socket "$ROOT/r/node.sock" http://node/v1/containers |
        python3 -c 'import json, sys
for c in json.load(sys.stdin):
    if c["labels"].get("io.kubernetes.pod.name") == sys.argv[1] and c["state"] == "running": print(c["pid"])' "$1"
}

killed_comes_back() {
    local pid
    pid=$(container_pid volumes)
    [ -n "$pid" ] && kill -9 "$pid" && eventually 30 restarted volumes 1 &&
        kubectl wait --for=condition=Ready pod/volumes --timeout=180s
}

sees_only_itself() {
    local count
    count=$(kubectl exec volumes -- sh -c 'ls -d /proc/[0-9]*' | wc -l)
    [ "$count" -le 4 ]
}

confined() {
    local out
    out=$(kubectl exec volumes -- cat /proc/self/status) || return 1
    grep -q '^Seccomp:.*2' <<<"$out" && grep -q '^CapEff:.*00000000a80425fb' <<<"$out" || { echo "$out"; return 1; }
}

start_fails() {
    local wait='{.state.waiting.reason} {.state.waiting.message} {.lastState.terminated.reason} {.lastState.terminated.exitCode} {.lastState.terminated.message}'
    kubectl apply -f - >/dev/null <<'Y' || return 1
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Pod
  metadata: {name: programless}
  spec:
    containers: [{name: a, image: "busybox:demo", imagePullPolicy: Never, command: [/nowhere]}]
- apiVersion: v1
  kind: Pod
  metadata: {name: programless-init}
  spec:
    initContainers: [{name: i, image: "busybox:demo", imagePullPolicy: Never, command: [/nowhere]}]
    containers: [{name: a, image: "busybox:demo", imagePullPolicy: Never}]
- apiVersion: v1
  kind: Pod
  metadata: {name: programless-once}
  spec:
    restartPolicy: Never
    containers: [{name: a, image: "busybox:demo", imagePullPolicy: Never, command: [/nowhere]}]
Y
    local why='StartError 128 exec "/nowhere": command not found in the container'
    eventually 30 says "CrashLoopBackOff back-off 10s restarting failed container=a" \
        kubectl get pod programless -o "jsonpath={range .status.containerStatuses[0]}$wait{end}" >/dev/null &&
        says "$why" kubectl get pod programless -o "jsonpath={range .status.containerStatuses[0]}$wait{end}" &&
        says CrashLoopBackOff kubectl get pod programless && restarted programless 1 &&
        says "Error: exec \"/nowhere\"" kubectl describe pod programless &&
        eventually 30 says "Init:CrashLoopBackOff" kubectl get pod programless-init >/dev/null &&
        says "$why" kubectl get pod programless-init -o "jsonpath={range .status.initContainerStatuses[0]}$wait{end}" &&
        eventually 30 says "Failed $why" kubectl get pod programless-once -o \
            'jsonpath={.status.phase} {range .status.containerStatuses[0].state.terminated}{.reason} {.exitCode} {.message}{end}' &&
        says StartError kubectl get pod programless-once || return 1
    kubectl delete pod programless programless-init programless-once --wait=false >/dev/null
}

# The container beside it, without a profile, shows that the call works.
profile_of_the_node() {
    mkdir -p "$ROOT/d/kubelet/seccomp/own" &&
        echo '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28}]}' \
            >"$ROOT/d/kubelet/seccomp/own/full.json"
    kubectl apply -f - >/dev/null <<'Y' || return 1
apiVersion: v1
kind: Pod
metadata: {name: profiled}
spec:
  terminationGracePeriodSeconds: 1
  securityContext: {seccompProfile: {type: Localhost, localhostProfile: own/full.json}}
  containers:
  - {name: main, image: busybox:demo, imagePullPolicy: Never, command: [sleep, "1000"]}
  - {name: other, image: busybox:demo, imagePullPolicy: Never, command: [sleep, "1000"], securityContext: {seccompProfile: {type: RuntimeDefault}}}
  - {name: none, image: busybox:demo, imagePullPolicy: Never, securityContext: {seccompProfile: {type: Localhost, localhostProfile: own/none.json}}}
Y
    eventually 30 kubectl exec profiled -c other -- mkdir /tmp/x >/dev/null 2>&1 && says "No space left" kubectl exec profiled -c main -- mkdir /tmp/x &&
        eventually 30 says "CreateContainerError $ROOT/d/kubelet/seccomp/own/none.json" missing_profile || return 1
    kubectl delete pod profiled --wait=false >/dev/null
}
missing_profile() {
    kubectl get pod profiled -o 'jsonpath={.status.containerStatuses[?(@.name=="none")].state.waiting}' |
        python3 -c 'import json, re, sys; w = json.load(sys.stdin); print(w["reason"], re.search(r"/\S*json", w["message"])[0])'
}

debug_sees() {
    local out
    out=$(echo 'tr "\\0" " " </proc/1/cmdline; exit 3' |
        kubectl debug -i volumes -c looker --image=busybox:demo --target=main -- sh 2>&1)
    grep -q "sleep 1000" <<<"$out" || { echo "$out"; return 1; }
    eventually 20 says 3 kubectl get pod volumes \
        -o 'jsonpath={.status.ephemeralContainerStatuses[0].state.terminated.exitCode}' &&
        says "from init" kubectl logs volumes && says "sleep 1000" kubectl logs volumes -c looker &&
        says 1/1 kubectl get pod volumes
}

debug_terminal() {
    local out
    out=$( (sleep 2; echo 'echo size $(stty size) of $(tty)'; sleep 1; echo exit) |
        script -qec "nsenter --net=/run/netns/$NETNS kubectl debug -it volumes --image=busybox:demo -- sh" /dev/null 2>&1)
    grep -q "of /dev/" <<<"$out" || { echo "$out"; return 1; }
}

static_pod_runs() {
    cat >"$ROOT/c/manifests/fixed.yaml" <<'Y'
apiVersion: v1
kind: Pod
metadata: {name: fixed}
spec:
  terminationGracePeriodSeconds: 1
  containers: [{name: a, image: "busybox:demo", imagePullPolicy: Never, command: [sleep, "1000"]}]
Y
    eventually 20 sh -c "curl -sf --unix-socket $ROOT/r/node.sock http://node/v1/containers | grep -q fixed-node" ||
        return 1
    eventually 20 says 1/1 kubectl get pod fixed-node || return 1
}

fixed_uid() { kubectl get pod fixed-node -o jsonpath='{.metadata.uid}' 2>/dev/null; }
fixed_is_not() { [ -n "$(fixed_uid)" ] && [ "$(fixed_uid)" != "$1" ]; }

mirror_follows() {
    local uid pid
    uid=$(fixed_uid)
    pid=$(container_pid fixed-node)
    kubectl delete pod fixed-node --timeout=180s >/dev/null
    eventually 20 fixed_is_not "$uid" && [ "$(container_pid fixed-node)" = "$pid" ] || return 1
    uid=$(fixed_uid)
    sed -i 's/"1000"/"2000"/' "$ROOT/c/manifests/fixed.yaml"
    eventually 20 fixed_is_not "$uid" && eventually 20 says 2000 kubectl get pod fixed-node -o yaml &&
        eventually 20 says 1/1 kubectl get pod fixed-node && kubectl exec fixed-node -- true || return 1
    says file kubectl get pod fixed-node -o jsonpath='{.metadata.annotations.kubernetes\.io/config\.source}'
}

static_pod_refers() {
    cat >"$ROOT/c/manifests/refers.yaml" <<'Y'
apiVersion: v1
kind: Pod
metadata: {name: refers}
spec:
  containers: [{name: a, image: "busybox:demo", envFrom: [{secretRef: {name: passwords}}]}]
Y
    eventually 20 says "it refers to Secret passwords, and a static pod can refer to nothing in the API" grep refers.yaml "$ROOT/log"
    local status=$?
    rm "$ROOT/c/manifests/refers.yaml"
    return "$status"
}

static_pod_goes() {
    rm "$ROOT/c/manifests/fixed.yaml"
    eventually 60 sh -c "! curl -sf --unix-socket $ROOT/r/node.sock http://node/v1/containers | grep -q fixed-node" &&
        eventually 20 sh -c "! nsenter --net=/run/netns/$NETNS kubectl get pod fixed-node" 2>/dev/null
}
