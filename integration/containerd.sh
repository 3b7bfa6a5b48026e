#!/bin/bash
# Our kubelet over another's runtime: pods that Debian's containerd runs, with its runc and the plugins of CNI.
# usage, as root: integration/containerd.sh
set -uo pipefail
cd "$(dirname "$0")/.."
# In mounts of its own: containerd keeps to some folders whatever its configuration says.
if [ -z "${CONTAINERD_APART:-}" ]; then
    CONTAINERD_APART=1 exec unshare --mount --propagation private "$0" "$@"
fi
if [ -z "${SWIFTLET_BUILT:-}" ]; then
    swift build --product swiftlet >&2 && swift build --product swiftlet-podmonitor >&2 || exit 1
fi
BIN=${SWIFTLET_BIN:-$(swift build --show-bin-path)}
# shellcheck source=packaging/packages.sh
source packaging/packages.sh
# shellcheck source=integration/cluster/instance.sh
source integration/cluster/instance.sh
# shellcheck source=integration/images/2-registry.sh
source integration/images/2-registry.sh
IMAGE=docker.io/library/busybox:demo
PRIVATE=127.0.0.1:5001/private:1

mount_apart() {
    local folder
    mount --make-rshared / || return 1
    for folder in /run/containerd /var/lib/cni; do
        mkdir -p "$folder" && mount -t tmpfs containerd.sh "$folder" || return 1
    done
}

# Where the host's controllers are of the first version, runc has none to set limits with.
lacks_controllers() { ! grep -qw cpu "$(findmnt -nt cgroup2 -o TARGET | head -n 1)/cgroup.controllers"; }

configure_containerd() {
    local disable=false
    lacks_controllers && disable=true
    mkdir -p "$ROOT/cni"
    cat >"$ROOT/containerd.toml" <<C
version = 2
root = "$ROOT/containerd"
state = "/run/containerd/state"
[grpc]
address = "$ROOT/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "$IMAGE"
netns_mounts_under_state_dir = true
restrict_oom_score_adj = true
disable_cgroup = $disable
[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "native"
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/usr/lib/cni"
conf_dir = "$ROOT/cni"
C
    cat >"$ROOT/cni/10-bridge.conflist" <<J
{"cniVersion": "1.0.0", "name": "bridge", "plugins": [{
    "type": "bridge", "bridge": "cni0", "isDefaultGateway": true,
    "ipam": {"type": "host-local", "dataDir": "$ROOT/addresses", "ranges": [[{"subnet": "10.88.0.0/24"}]]}}]}
J
}

ctr() { command ctr --address "$ROOT/containerd.sock" --namespace k8s.io "$@"; }

start_containerd() {
    configure_containerd
    # It sees what the kubelet mounts; of a hybrid host's cgroups it sees the unified ones alone.
    nsenter "--net=/run/netns/$NETNS" unshare --mount --propagation slave setsid sh -c "[ ! -d /sys/fs/cgroup/unified ] ||
        mount --bind /sys/fs/cgroup/unified /sys/fs/cgroup; exec containerd --config $ROOT/containerd.toml" \
        >>"$ROOT/containerd.log" 2>&1 </dev/null &
    CONTAINERD=$!
    eventually 10 ctr version >/dev/null 2>&1 &&
        python3 -B integration/containerd/image.py "$IMAGE" "$ROOT/busybox.tar" &&
        ctr images import --snapshotter native "$ROOT/busybox.tar" >/dev/null
}

stop_containerd() {
    local shim
    kill "$CONTAINERD" && wait "$CONTAINERD"
    for shim in $(pgrep -f -- "-address $ROOT/containerd.sock"); do kill -KILL "$shim"; done
}

start_server() {
    inside setsid "$BIN/swiftlet" server --data-dir "$ROOT/d" --run-dir "$ROOT/r" --config-dir "$ROOT/c" \
        --log-dir "$ROOT/l" --node-name node --eviction-hard "$EVICTION" --log-level debug \
        --container-runtime-endpoint "unix://$ROOT/containerd.sock" >>"$ROOT/log" 2>&1 </dev/null &
    eventually 30 kubectl get --raw /readyz >/dev/null 2>&1
}

end() {
    [ "$failed" = 0 ] || { echo "the ends of the logs:"; tail -n 25 "$ROOT/log" "$ROOT/containerd.log"; }
    stop_helper closed
    clean_up
    stop_containerd 2>/dev/null
    [ -n "${KEEP:-}" ] || rm -rf "$ROOT"
}

deploy() {
    kubectl apply -f - <<'Y'
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: web
        image: busybox:demo
        command: [sh, -c, "echo begun on $(hostname); hostname >/www/index.html; exec httpd -f -p 8080 -h /www"]
        ports: [{containerPort: 8080}]
        readinessProbe: {httpGet: {path: /, port: 8080}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
Y
}

# A container whose image came with a Secret, by which a registry asks.
runs_private() {
    echo "user:$(python3 -W ignore -c 'import crypt; print(crypt.crypt("secret", crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=2**6)))')" >"$ROOT/htpasswd"
    start_registry 5001 closed "auth: {htpasswd: {realm: closed, path: $ROOT/htpasswd}}" &&
        inside ctr --address "$ROOT/containerd.sock" --namespace k8s.io images push --plain-http --user user:secret "$PRIVATE" "$IMAGE" >/dev/null &&
        kubectl create secret docker-registry brief --docker-server=127.0.0.1:5001 --docker-username=user --docker-password=secret || return 1
    kubectl apply -f - <<Y
apiVersion: v1
kind: Pod
metadata: {name: private}
spec:
  terminationGracePeriodSeconds: 1
  imagePullSecrets: [{name: brief}]
  containers:
  - {name: main, image: "$PRIVATE", command: [sh, -c, "until cat /end; do sleep 0.2; done"]}
---
apiVersion: v1
kind: Pod
metadata: {name: stranger}
spec: {terminationGracePeriodSeconds: 1, containers: [{name: main, image: "$PRIVATE"}]}
Y
    kubectl wait --for=condition=Ready pod/private --timeout=180s
}
is_refused() { says ErrImagePull kubectl get events --field-selector involvedObject.name=stranger; }
comes_back_without() {
    kubectl delete secret brief && kubectl exec private -- sh -c 'echo >/end' && eventually 30 says "1 true" kubectl get pod private -o \
        'jsonpath={.status.containerStatuses[0].restartCount} {.status.containerStatuses[0].ready}'
}
running() { ctr tasks list | grep -c RUNNING; }
first_pod() { kubectl get pods -l app=web -o 'jsonpath={.items[0].metadata.name}'; }
types() { kubectl exec -i "$(first_pod)" -- head -n 1 <<<typed; }
# The command waits for the end of its input, which kubectl sends with the end of the file.
reads_all() {
    [ "$(head -c 300000 /dev/zero | timeout 90 nsenter "--net=/run/netns/$NETNS" kubectl exec -i "$(first_pod)" -- sh -c 'cat | tail -c +1 | wc -c')" = 300000 ]
}
sub_path() {
    kubectl apply -f - <<'Y'
apiVersion: v1
kind: Pod
metadata: {name: sub}
spec:
  restartPolicy: Never
  terminationGracePeriodSeconds: 1
  volumes: [{name: v, emptyDir: {}}]
  initContainers:
  - name: first
    image: busybox:demo
    command: [sh, -c, "echo inside >/v/a/file; ln -s / /v/out; ln -s ../../.. /v/up"]
    volumeMounts: [{name: v, mountPath: /v}, {name: v, mountPath: /v/a, subPath: a}]
  containers:
  - name: main
    image: busybox:demo
    command: [sh, -c, "cat /sub/file && cat /one && sleep 1000"]
    volumeMounts: [{name: v, mountPath: /sub, subPath: a}, {name: v, mountPath: /one, subPath: a/file}]
---
apiVersion: v1
kind: Pod
metadata: {name: escape}
spec:
  terminationGracePeriodSeconds: 1
  volumes: [{name: v, emptyDir: {}}]
  initContainers:
  - name: first
    image: busybox:demo
    command: [sh, -c, "ln -s / /v/out"]
    volumeMounts: [{name: v, mountPath: /v}]
  containers:
  - name: main
    image: busybox:demo
    command: [sleep, "1000"]
    volumeMounts: [{name: v, mountPath: /out, subPath: out/etc}]
Y
    kubectl wait --for=condition=Ready pod/sub --timeout=180s && eventually 10 says inside kubectl logs sub &&
        eventually 20 says "paths within volumes" kubectl get events --field-selector involvedObject.name=escape
}
sub_path_goes() {
    kubectl delete pod sub escape --timeout=180s && eventually 10 no_sub_path
}
no_sub_path() { ! grep -q "$ROOT.*subpaths" /proc/self/mountinfo; }
inside_doctor() { inside "$BIN/swiftlet" doctor --data-dir "$ROOT/d" --run-dir "$ROOT/r" --config-dir "$ROOT/c" --log-dir "$ROOT/l"; }
exit_code() { kubectl exec "$(first_pod)" -- sh -c 'exit 7'; [ $? = 7 ]; }
serves() { says web- inside curl -sfm 5 --retry 5 --retry-all-errors "$(kubectl get service web -o 'jsonpath={.spec.clusterIP}')"; }
forwards() {
    local pod pid status
    pod=$(first_pod)
    nsenter "--net=/run/netns/$NETNS" kubectl port-forward "$pod" 18080:8080 >/dev/null 2>&1 &
    pid=$!
    eventually 15 says "$pod" inside curl -sfm 2 http://127.0.0.1:18080/
    status=$?
    kill "$pid"
    return "$status"
}
comes_back() {
    ctr tasks kill -s KILL "$(kubectl get pod "$(first_pod)" -o 'jsonpath={.status.containerStatuses[0].containerID}' | sed 's|.*//||')" &&
        eventually 20 says "1 true" kubectl get pod "$(first_pod)" -o \
            'jsonpath={.status.containerStatuses[0].restartCount} {.status.containerStatuses[0].ready}'
}
survives() {
    local before after
    before=$(ctr tasks list -q | sort)
    stop_server && start_server && kubectl rollout status deployment/web --timeout=180s && sleep 2
    after=$(ctr tasks list -q | sort)
    [ "$before" = "$after" ] || { printf 'before:\n%s\nafter:\n%s\n' "$before" "$after"; return 1; }
}
finish() {
    echo "$passed passed, $failed failed"
    exit $((failed > 0))
}
is_empty() {
    local left
    left=$(ctr containers list -q) && [ -z "$left" ]
}

[ "$(id -u)" = 0 ] || { echo "needs root" >&2; exit 77; }
install_packages containerd runc containernetworking-plugins busybox-static curl docker-registry python3 >&2
NETNS=swc$$
ROOT=$(mktemp -d /tmp/swc.XXXXXX)
export KUBECONFIG=$ROOT/c/admin.kubeconfig
CONTAINERD=
INSTANCE=none
trap end EXIT
mount_apart && make_network && start_containerd || {
    echo "containerd cannot run here: $(tail -n 1 "$ROOT/containerd.log" 2>/dev/null)"
    exit 77
}
check "the server starts over containerd" start_server
check "the node names its runtime" eventually 20 says containerd:// kubectl get node node -o 'jsonpath={.status.nodeInfo.containerRuntimeVersion}'
deploy >/dev/null
check "a Deployment of two replicas is ready" kubectl rollout status deployment/web --timeout=180s
[ "$failed" = 0 ] || finish
check "containerd runs two sandboxes and two containers" says 4 running
check "logs" eventually 10 says "begun on $(first_pod)" kubectl logs "$(first_pod)"
check "exec" says "in exec" kubectl exec "$(first_pod)" -- echo in exec
check "exec hands on the exit code" exit_code
check "standard input" says typed types
check "standard input and its end" reads_all
check "a path within a volume, and none that leads out of it" sub_path
check "and nothing of it stays" sub_path_goes
check "doctor finds nothing wrong" eventually 10 inside_doctor
check "what the kubelet mounts is there" says eyJ kubectl exec "$(first_pod)" -- cat /var/run/secrets/kubernetes.io/serviceaccount/token
check "a name resolves" says 10.43.0.1 kubectl exec "$(first_pod)" -- nslookup kubernetes.default.svc.cluster.local
check "the ids are containerd's" says containerd:// kubectl get pod "$(first_pod)" -o 'jsonpath={.status.containerStatuses[0].containerID}'
check "the Service answers" serves
check "a forwarded port answers" forwards
check "a killed container comes back" comes_back
check "a new server takes the pods up as they are" survives
check "the Deployment goes" kubectl delete deployment web --timeout=180s
check "an image comes with a Secret" runs_private
check "who has none is refused" eventually 20 is_refused
check "and its container comes back when the Secret is gone" comes_back_without
check "both go" kubectl delete pod private stranger --timeout=180s
check "nothing is left at containerd" eventually 30 is_empty
finish
