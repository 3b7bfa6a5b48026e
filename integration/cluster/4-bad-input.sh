# Sourced: mistakes get an answer that names the object and the way out.

bad_input() {
    kubectl apply -f integration/cluster/mistakes.yaml >/dev/null
    check "a missing image is named" eventually 15 says "images add" kubectl describe pod no-image
    check "a command that does not exist is named" eventually 15 says 'exec "no-such-command": command not found' \
        kubectl describe pod no-command
    check "a mount source that is gone is named" eventually 15 says "/no/such/directory" kubectl describe pod no-source
    check "a pod that fits nowhere says why" eventually 15 says "Insufficient cpu" kubectl describe pod too-big
    check "and the node refuses it where it names the node itself" eventually 15 says "Failed OutOfcpu" refused too-big-here
    check "as it does one for other nodes" eventually 15 says "Failed NodeAffinity" refused elsewhere
    check "swiftlet why says it too" says "not Running; the last word: 0/1 nodes are available: 1 Insufficient cpu" swiftlet why pod/too-big
    check "a volume whose ConfigMap is missing is named" eventually 15 \
        says 'MountVolume.SetUp failed for volume "v": configmap "no-such-map" not found' kubectl describe pod no-map
    check "logs of a container that waits say why" eventually 10 says "waiting to start: ContainerCreating" kubectl logs no-map
    check "a pod that asks for a runtime class does not run without" says 'RuntimeClass "gvisor" not found' \
        runtime_class
    check "a kernel parameter that is not safe is forbidden" eventually 15 \
        says 'Pod was rejected: forbidden sysctl: "kernel.msgmax" not allowlisted' kubectl describe pod unsafe-sysctl
    check "an image that runs as root is held back where that is forbidden" eventually 15 \
        says "CreateContainerConfigError" kubectl get pod no-root
    check "and the reason is told" eventually 15 \
        says "container has runAsNonRoot and image will run as root (pod: \"no-root_default(" kubectl describe pod no-root
    check "a group below zero is refused by its path" says 'supplementalGroups[0]: Invalid value: -5' wrong_group
    check "a kind that is not served is told so" says 'no matches for kind "StatefulSet"' unserved_kind
    check "a pod of no namespace is told so" says 'namespaces "nowhere" not found' \
        kubectl run lost -n nowhere --image=busybox:demo
    check "a body that is too large is told so" says "over the limit of" too_large
    # kubectl before 1.25 refuses it itself, and says it in other words.
    check "an unknown field is refused by name" says "containrs" unknown_field
    check "a wrong type is refused by name" says "replicas" wrong_type
    check "an invalid value is refused by name" says "restartPolicy" invalid_value
    check "a bundle without config.json and rootfs is refused by name" bad_bundle
    check "a second server in the same directories is refused" says "another swiftlet" second_server
    check "a port in use is named" says "6443" port_in_use
    check "a level for evictions that is none is named" says "memory.available must be an amount" wrong_level
    check "a setting that is none is refused before anything is made" nothing_made
    check "after all this the server answers" kubectl get --raw /readyz
}

refused() { kubectl get pod "$1" -o 'jsonpath={.status.phase} {.status.reason}'; }

pod_with() {
    kubectl create -f - <<Y
apiVersion: v1
kind: Pod
metadata: {name: wrong}
spec: $1
Y
}

runtime_class() { pod_with '{runtimeClassName: gvisor, containers: [{name: a, image: b}]}'; }

wrong_group() { pod_with '{securityContext: {supplementalGroups: [-5]}, containers: [{name: a, image: b}]}'; }

unserved_kind() {
    kubectl apply -f - <<'Y'
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: wrong}
spec: {}
Y
}

too_large() {
    head -c 4000000 /dev/zero | tr '\0' x >"$ROOT/large"
    kubectl create configmap large --from-file="$ROOT/large"
}

unknown_field() { pod_with '{containers: [{name: a, image: b}], containrs: []}'; }
invalid_value() { pod_with '{restartPolicy: Sometimes, containers: [{name: a, image: b}]}'; }
wrong_type() {
    kubectl create -f - <<'Y'
apiVersion: apps/v1
kind: Deployment
metadata: {name: wrong}
spec:
  replicas: "three"
  selector: {matchLabels: {a: b}}
  template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: b}]}}
Y
}

bad_bundle() {
    mkdir -p "$ROOT/empty"
    says "$ROOT/empty" inside curl -s --unix-socket "$ROOT/r/node.sock" http://node/v1/images \
        -d "{\"name\": \"bad:one\", \"path\": \"$ROOT/empty\"}" &&
        says "$ROOT/nowhere" inside curl -s --unix-socket "$ROOT/r/node.sock" http://node/v1/images \
            -d "{\"name\": \"bad:two\", \"path\": \"$ROOT/nowhere\"}"
}

second_server() {
    timeout 90 nsenter "--net=/run/netns/$NETNS" "$BIN/swiftlet" server --data-dir "$ROOT/d" --run-dir "$ROOT/r" \
        --config-dir "$ROOT/c" --log-dir "$ROOT/l"
}

wrong_level() { timeout 90 "$BIN/swiftlet" server --eviction-hard "memory.available<lots" --data-dir "$ROOT/d2"; }

# With networks of its own: those in use are refused before.
port_in_use() {
    timeout 90 nsenter "--net=/run/netns/$NETNS" "$BIN/swiftlet" server --data-dir "$ROOT/d2" --run-dir "$ROOT/r2" \
        --config-dir "$ROOT/c2" --log-dir "$ROOT/l2" --cluster-cidr 10.52.0.0/16 --pod-cidr 10.52.0.0/24 --service-cidr 10.53.0.0/16
}

nothing_made() {
    local setting name
    for setting in pod-cidr=nonsense cluster-cidr=10.42.0.0/31 node-name=A_B registry-ca=a.example=/nowhere/ca.pem \
        node-address=198.51.100.7 pod-cidr=10.50.0.0/24 service-cidr=10.42.0.0/24 shutdown-grace-period-critical-pods=31 server=https://one.example; do
        name=${setting%%=*}
        says "$name" timeout 90 "$BIN/swiftlet" server "--$setting" \
            --data-dir "$ROOT/d3" --run-dir "$ROOT/r3" --config-dir "$ROOT/c3" --log-dir "$ROOT/l3" || return 1
    done
    ! ls -d "$ROOT"/[drcl]3
}
